//! Checksums and MD5s: what objects and parts have of them, and where these come from.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::sync::OnceLock;

use bytes::Bytes;
use terrace_store::Refusal;
use terrace_store::digest::Hasher;
use terrace_store::object::{
    Algorithm, Checksum, ChecksumChoice, ChecksumSlot, ChecksumType, ETag, ETagList, ETagMode, Metadata,
    ObjectChecksum, WriteCondition,
};
use terrace_store::ops::multipart::{CopyPart, CreateUpload, Given, GivenChecksum, UploadPart, UploadRef};
use terrace_store::ops::object::{ListObjects, MetadataDirective, Selection, Written};
use world::{Engines, PART, THRESHOLD, World, body, bytes, completion, key, number, refusal};

const LARGE: usize = THRESHOLD + 30_000;
const ALL: [Algorithm; 5] =
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

fn sum(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

fn full(algorithm: Algorithm, bytes: &[u8]) -> Option<ObjectChecksum> {
    Some(sum(algorithm, bytes).into())
}

fn composite(algorithm: Algorithm, parts: &[Bytes]) -> Option<ObjectChecksum> {
    let sums: Vec<u8> = parts.iter().flat_map(|part| sum(algorithm, part).value.to_vec()).collect();
    Some(ObjectChecksum { checksum: sum(algorithm, &sums), composite_of: Some(parts.len() as u32) })
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    *md5::compute(bytes)
}

/// Two parts, one of them inline.
fn two() -> [Bytes; 2] {
    [bytes(PART, 1), bytes(700, 2)]
}

fn verified(bytes: &Bytes, algorithm: Option<Algorithm>) -> terrace_store::ops::object::Body {
    let slot = algorithm.map_or_else(OnceLock::new, |algorithm| OnceLock::from(sum(algorithm, bytes)));
    terrace_store::ops::object::Body { checksum: ChecksumSlot::new(slot), ..body(bytes) }
}

async fn put(world: &World, name: &str, bytes: &Bytes, algorithm: Option<Algorithm>) -> Written {
    let mut request = world.put_request(name, bytes);
    request.body = verified(bytes, algorithm);
    world.store.put_object(request).await.unwrap()
}

async fn create(world: &World, checksum: Option<ChecksumChoice>) -> UploadRef {
    let (bucket, key) = (world.bucket.clone(), key("k"));
    let metadata = Metadata::default();
    let request = CreateUpload { bucket: bucket.clone(), key: key.clone(), metadata, checksum };
    UploadRef { bucket, key, upload: world.store.create_upload(request).await.unwrap() }
}

async fn upload(
    world: &World,
    to: &UploadRef,
    n: i32,
    bytes: &Bytes,
    algorithm: Option<Algorithm>,
) -> Result<Written, terrace_store::Error> {
    let part = UploadPart { upload: to.clone(), number: number(n), body: verified(bytes, algorithm) };
    world.store.upload_part(part).await
}

/// An upload of two parts, each with a checksum, and the list that completes it.
async fn upload_two(
    world: &World,
    named: Option<ChecksumChoice>,
    algorithm: Algorithm,
) -> terrace_store::ops::multipart::CompleteUpload {
    let to = create(world, named).await;
    let mut listed = Vec::new();
    for (n, part) in (1..).zip(&two()) {
        listed.push((n, upload(world, &to, n, part, Some(algorithm)).await.unwrap()));
    }
    let mut completion = completion(&to, &listed);
    for (part, (_, written)) in completion.parts.iter_mut().zip(listed) {
        part.checksum = written.checksum.map(|sum| sum.checksum);
    }
    completion
}

async fn shown(world: &World, name: &str) -> Option<ObjectChecksum> {
    let head = world.store.head_object(world.get_request(name, Selection::Whole)).await.unwrap().0;
    let attributes =
        world.store.object_attributes(&world.bucket, &key(name.to_owned()), 0, 1_000).await.unwrap();
    let listing = world
        .store
        .list_objects(ListObjects {
            bucket: world.bucket.clone(),
            prefix: name.to_owned().into(),
            delimiter: Bytes::new(),
            after: Bytes::new(),
            limit: 1,
        })
        .await
        .unwrap();
    assert_eq!(listing.objects[0].checksum, head.checksum);
    assert_eq!(listing.objects[0].etag, head.etag);
    assert_eq!(attributes.info, head);
    head.checksum
}

#[tokio::test(start_paused = true)]
async fn a_multipart_object_has_the_checksum_that_its_upload_named() {
    let world = World::new().await;
    for algorithm in ALL {
        for kind in [ChecksumType::Composite, ChecksumType::FullObject] {
            let choice = ChecksumChoice { algorithm, kind };
            if !choice.is_possible() {
                continue;
            }
            let complete = upload_two(&world, Some(choice), algorithm).await;
            let listing = world.store.list_parts(&complete.upload, 0, 10).await.unwrap();
            assert_eq!(listing.checksum, Some(choice));
            assert_eq!(listing.parts[1].checksum, Some(sum(algorithm, &two()[1])));
            let written = world.store.complete_upload(complete).await.unwrap();
            let expected = match kind {
                ChecksumType::Composite => composite(algorithm, &two()),
                ChecksumType::FullObject => full(algorithm, &two().concat()),
            };
            assert_eq!(written.checksum, expected, "{choice:?}");
            assert_eq!(shown(&world, "k").await, expected);
            let attributes = world.store.object_attributes(&world.bucket, &key("k"), 0, 1_000).await.unwrap();
            let of_parts: Vec<_> = attributes.parts.into_iter().map(|part| part.checksum.unwrap()).collect();
            assert_eq!(of_parts, two().map(|part| sum(algorithm, &part)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_upload_named_none_crcs_of_the_parts_are_combined_and_shas_are_not() {
    let world = World::new().await;
    for algorithm in ALL {
        let complete = upload_two(&world, None, algorithm).await;
        let written = world.store.complete_upload(complete).await.unwrap();
        let expected = if algorithm.combines() { full(algorithm, &two().concat()) } else { None };
        assert_eq!(written.checksum, expected, "{algorithm:?}");
    }
    // A part without one, or with another, leaves the whole without.
    for other in [None, Some(Algorithm::Crc32c)] {
        let to = create(&world, None).await;
        let [one, two] = two();
        let one = upload(&world, &to, 1, &one, Some(Algorithm::Crc32)).await.unwrap();
        let two = upload(&world, &to, 2, &two, other).await.unwrap();
        let written = world.store.complete_upload(completion(&to, &[(1, one), (2, two)])).await.unwrap();
        assert_eq!(written.checksum, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_must_have_the_algorithm_of_its_upload() {
    let world = World::new().await;
    let crc = ChecksumChoice::default_of(Algorithm::Crc32);
    let small = bytes(10, 1);
    let to = create(&world, Some(crc)).await;
    for sent in [None, Some(Algorithm::Crc32c), Some(Algorithm::Sha256)] {
        let expected = Refusal::ChecksumAlgorithm { expected: Algorithm::Crc32, sent };
        for part in [&small, &bytes(LARGE, 1)] {
            assert_eq!(refusal(upload(&world, &to, 1, part, sent).await), expected);
        }
    }
    upload(&world, &to, 1, &small, Some(Algorithm::Crc32)).await.unwrap();
    let full = ChecksumChoice { kind: ChecksumType::FullObject, ..crc };
    let to = create(&world, Some(full)).await;
    upload(&world, &to, 1, &small, None).await.unwrap();
    assert!(upload(&world, &to, 2, &small, Some(Algorithm::Sha1)).await.is_err());
    world.settle().await;
    assert_eq!(world.engines.blobs.count(), 0, "what was refused is gone");
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_held_against_every_checksum_in_it() {
    let world = World::new().await;
    let crc = ChecksumChoice::default_of(Algorithm::Crc32);
    let of = |checksum, parts| Given { checksum: Some(GivenChecksum { checksum, parts }), kind: None };
    let right = composite(Algorithm::Crc32, &two()).unwrap().checksum;
    let wrong = sum(Algorithm::Crc32, b"other");
    let mut complete = upload_two(&world, Some(crc), Algorithm::Crc32).await;
    let listed = complete.parts.clone();
    for checksum in [wrong.clone(), sum(Algorithm::Sha1, &two()[1])] {
        complete.parts[1].checksum = Some(checksum);
        let refused = refusal(world.store.complete_upload(clone(&complete)).await);
        assert_eq!(refused, Refusal::InvalidPart { number: 2 });
    }
    complete.parts[1].checksum = None;
    let missing = Refusal::PartChecksumMissing { number: 2, algorithm: Algorithm::Crc32 };
    assert_eq!(refusal(world.store.complete_upload(clone(&complete)).await), missing);
    complete.parts = listed;
    for given in [of(wrong.clone(), None), of(right.clone(), Some(3))] {
        complete.whole = given;
        let refused = refusal(world.store.complete_upload(clone(&complete)).await);
        assert_eq!(refused, Refusal::ChecksumMismatch(Algorithm::Crc32));
    }
    complete.whole = of(right, Some(2));
    complete.size = Some(1);
    assert!(matches!(
        refusal(world.store.complete_upload(clone(&complete)).await),
        Refusal::InvalidRequest(_)
    ));
    complete.size = Some(two().concat().len() as u64);
    let written = world.store.complete_upload(clone(&complete)).await.unwrap();
    let again = world.store.complete_upload(clone(&complete)).await.unwrap();
    assert_eq!(again, written, "a repeated completion answers the same, checksum and all");
    complete.whole = of(wrong, None);
    let refused = refusal(world.store.complete_upload(complete).await);
    assert_eq!(refused, Refusal::ChecksumMismatch(Algorithm::Crc32));
}

fn clone(
    complete: &terrace_store::ops::multipart::CompleteUpload,
) -> terrace_store::ops::multipart::CompleteUpload {
    terrace_store::ops::multipart::CompleteUpload {
        upload: complete.upload.clone(),
        parts: complete.parts.clone(),
        condition: complete.condition.clone(),
        size: complete.size,
        whole: complete.whole.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_checksum_of_the_whole_that_parts_cannot_prove_is_refused() {
    let world = World::new().await;
    let choice = ChecksumChoice { algorithm: Algorithm::Crc32, kind: ChecksumType::FullObject };
    let to = create(&world, Some(choice)).await;
    let part = upload(&world, &to, 1, &bytes(10, 1), None).await.unwrap();
    let mut complete = completion(&to, &[(1, part)]);
    let checksum = sum(Algorithm::Crc32, &bytes(10, 1));
    complete.whole = Given { checksum: Some(GivenChecksum { checksum, parts: None }), kind: None };
    let refused = refusal(world.store.complete_upload(clone(&complete)).await);
    assert!(matches!(refused, Refusal::InvalidRequest(_)));
    complete.whole = Given::default();
    assert_eq!(world.store.complete_upload(complete).await.unwrap().checksum, None);
}

/// A part without a checksum.
async fn bare(world: &World, to: &UploadRef, n: i32, bytes: &Bytes) -> Result<Written, terrace_store::Error> {
    let part = UploadPart { upload: to.clone(), number: number(n), body: verified(bytes, None) };
    world.store.upload_part_unsummed(part).await
}

#[tokio::test(start_paused = true)]
async fn parts_without_a_checksum_get_the_one_that_a_full_object_needs() {
    let world = World::new().await;
    let full_object = |algorithm| ChecksumChoice { algorithm, kind: ChecksumType::FullObject };
    let nvme = Algorithm::Crc64Nvme;
    for (named, algorithm) in [
        (None, nvme),
        (Some(full_object(nvme)), nvme),
        (Some(full_object(Algorithm::Crc32)), Algorithm::Crc32),
        (Some(full_object(Algorithm::Crc32c)), Algorithm::Crc32c),
    ] {
        let to = create(&world, named).await;
        let mut listed = Vec::new();
        for (n, part) in (1..).zip(&two()) {
            let written = bare(&world, &to, n, part).await.unwrap();
            assert_eq!(written.checksum, full(algorithm, part), "{named:?}");
            listed.push((n, written));
        }
        let mut complete = completion(&to, &listed);
        let given = |checksum| Given { checksum: Some(GivenChecksum { checksum, parts: None }), kind: None };
        complete.whole = given(sum(algorithm, b"other"));
        let refused = refusal(world.store.complete_upload(clone(&complete)).await);
        assert_eq!(refused, Refusal::ChecksumMismatch(algorithm));
        complete.whole = given(sum(algorithm, &two().concat()));
        world.store.complete_upload(complete).await.unwrap();
        assert_eq!(shown(&world, "k").await, full(algorithm, &two().concat()), "{named:?}");
    }
    let composite = ChecksumChoice::default_of(Algorithm::Crc32);
    let to = create(&world, Some(composite)).await;
    let expected = Refusal::ChecksumAlgorithm { expected: Algorithm::Crc32, sent: None };
    assert_eq!(refusal(bare(&world, &to, 1, &two()[0]).await), expected);
    world.store.abort_upload(to.clone()).await.unwrap();
    assert_eq!(refusal(bare(&world, &to, 1, &two()[0]).await), Refusal::NoSuchUpload);
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_composite_are_numbered_from_1_without_a_gap() {
    let world = World::new().await;
    let crc = Algorithm::Crc32;
    let composite = ChecksumChoice::default_of(crc);
    let full = ChecksumChoice { kind: ChecksumType::FullObject, ..composite };
    let says_composite = Given { checksum: None, kind: Some(ChecksumType::Composite) };
    for (numbers, named, whole, fits) in [
        ([1, 2], Some(composite), Given::default(), true),
        ([1, 3], Some(composite), Given::default(), false),
        ([2, 3], Some(composite), Given::default(), false),
        ([2, 3], None, says_composite, false),
        ([2, 7], Some(full), Given::default(), true),
        ([2, 7], None, Given::default(), true),
    ] {
        let to = create(&world, named).await;
        let mut listed = Vec::new();
        for (n, part) in numbers.into_iter().zip(&two()) {
            listed.push((n, upload(&world, &to, n, part, Some(crc)).await.unwrap()));
        }
        let mut complete = completion(&to, &listed);
        for (part, (_, written)) in complete.parts.iter_mut().zip(listed) {
            part.checksum = written.checksum.map(|sum| sum.checksum);
        }
        complete.whole = whole;
        match world.store.complete_upload(complete).await {
            Ok(_) => assert!(fits, "{numbers:?} {named:?}"),
            refused => assert!(!fits && refusal(refused) == Refusal::PartOrder, "{numbers:?} {named:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_shows_its_checksum_where_the_object_has_none_over_all_bytes() {
    let world = World::new().await;
    let crc = Algorithm::Crc32;
    let composite = ChecksumChoice::default_of(crc);
    let full_object = ChecksumChoice { kind: ChecksumType::FullObject, ..composite };
    let part = async |n| {
        let request = world.get_request("k", Selection::Part(number(n)));
        world.store.head_object(request).await.unwrap().1.unwrap().checksum
    };
    for (named, shows) in [(composite, true), (full_object, false)] {
        let complete = upload_two(&world, Some(named), crc).await;
        world.store.complete_upload(complete).await.unwrap();
        for (n, bytes) in (1..).zip(&two()) {
            assert_eq!(part(n).await, shows.then(|| sum(crc, bytes)), "{named:?}");
        }
        let to = create(&world, Some(named)).await;
        let only = upload(&world, &to, 1, &two()[1], Some(crc)).await.unwrap();
        let mut complete = completion(&to, &[(1, only)]);
        complete.parts[0].checksum = Some(sum(crc, &two()[1]));
        world.store.complete_upload(complete).await.unwrap();
        assert_eq!(part(1).await, Some(sum(crc, &two()[1])), "the only one: {named:?}");
    }
    put(&world, "k", &two()[1], Some(crc)).await;
    assert_eq!(part(1).await, Some(sum(crc, &two()[1])), "part 1 of any other object is the whole");
}

#[tokio::test(start_paused = true)]
async fn a_copy_has_the_checksum_of_its_source_or_the_one_asked_for() {
    let world = World::new().await;
    let crc = Algorithm::Crc32;
    for body in [Bytes::new(), bytes(700, 1), bytes(LARGE, 2)] {
        for (had, asked, expected) in [
            (None, None, None),
            (Some(crc), None, full(crc, &body)),
            (Some(crc), Some(crc), full(crc, &body)),
            (Some(crc), Some(Algorithm::Sha256), full(Algorithm::Sha256, &body)),
            (None, Some(Algorithm::Crc64Nvme), full(Algorithm::Crc64Nvme, &body)),
        ] {
            let source = put(&world, "source", &body, had).await;
            for to in ["copy", "source"] {
                let mut request = world.copy_request("source", to);
                request.metadata = MetadataDirective::Replace(Metadata::default());
                request.checksum = asked;
                let written = world.store.copy_object(request).await.unwrap();
                assert_eq!(written.checksum, expected, "{} bytes {had:?} {asked:?}", body.len());
                assert_eq!(shown(&world, to).await, expected);
                assert_eq!(world.get(to).await.unwrap(), body);
                let moved = asked.is_some() && asked != had || to == "copy";
                assert_eq!(written.etag == source.etag, !moved, "a body that stays keeps its ETag");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_copy_of_a_composite_has_a_checksum_over_all_bytes() {
    let world = World::new().await;
    for algorithm in ALL {
        let choice = ChecksumChoice::default_of(algorithm);
        let complete = upload_two(&world, Some(choice), algorithm).await;
        world.store.complete_upload(complete).await.unwrap();
        let written = world.store.copy_object(world.copy_request("k", "copy")).await.unwrap();
        assert_eq!(written.checksum, full(algorithm, &two().concat()), "{algorithm:?}");
        assert_eq!(world.get("copy").await.unwrap(), two().concat());
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_copied_has_the_checksum_that_its_upload_names() {
    let world = World::new().await;
    let source = bytes(LARGE, 3);
    for algorithm in ALL {
        for had in [None, Some(algorithm), Some(Algorithm::Crc32)] {
            put(&world, "source", &source, had).await;
            let to = create(&world, Some(ChecksumChoice::default_of(algorithm))).await;
            for range in [None, Some((5, 99)), Some((1, LARGE as u64 - 1))] {
                let copy = CopyPart {
                    upload: to.clone(),
                    number: number(1),
                    source: world.copy_request("source", "k").source,
                    range,
                };
                let written = world.store.copy_part(copy).await.unwrap();
                let (first, last) = range.unwrap_or((0, LARGE as u64 - 1));
                let copied = &source[first as usize..=last as usize];
                assert_eq!(written.checksum, full(algorithm, copied), "{had:?} {range:?}");
            }
        }
    }
    let to = create(&world, None).await;
    let source = world.copy_request("source", "k").source;
    let copy = CopyPart { upload: to.clone(), number: number(1), source, range: None };
    assert_eq!(world.store.copy_part(copy).await.unwrap().checksum, None, "nobody asked");
}

async fn world_of_md5s() -> World {
    let mut engines = Engines::new(false);
    engines.settings.etag = ETagMode::Md5;
    World::over(engines).await
}

#[tokio::test(start_paused = true)]
async fn etags_are_md5s_as_s3_makes_them() {
    let world = world_of_md5s().await;
    for body in [Bytes::new(), bytes(700, 1), bytes(THRESHOLD, 2), bytes(LARGE, 3)] {
        let written = put(&world, "k", &body, None).await;
        assert_eq!(written.etag, ETag::of_md5(md5(&body), None));
        assert_eq!(written.etag.to_string(), format!("\"{}\"", hex::encode(md5(&body))));
        let mut request = world.put_request("k", &body);
        request.body.md5 = Some(md5(&body));
        request.condition = WriteCondition { if_match: these(&written), ..Default::default() };
        assert_eq!(world.store.put_object(request).await.unwrap().etag, written.etag);
        shown(&world, "k").await;
    }
    let to = create(&world, None).await;
    let mut listed = Vec::new();
    for (n, part) in (1..).zip(&two()) {
        let written = upload(&world, &to, n, part, None).await.unwrap();
        assert_eq!(written.etag, ETag::of_md5(md5(part), None));
        listed.push((n, written));
    }
    let parts = world.store.list_parts(&to, 0, 10).await.unwrap().parts;
    assert!(parts.iter().zip(&listed).all(|(part, (_, written))| part.etag == written.etag));
    let written = world.store.complete_upload(completion(&to, &listed)).await.unwrap();
    let of_both = md5(&two().map(|part| md5(&part)).concat());
    assert_eq!(written.etag.to_string(), format!("\"{}-2\"", hex::encode(of_both)));
    let again = world.store.complete_upload(completion(&to, &listed)).await.unwrap();
    assert_eq!(again, written);
    shown(&world, "k").await;
}

fn these(written: &Written) -> Option<ETagList> {
    Some(ETagList::These(vec![written.etag.to_string()]))
}

#[tokio::test(start_paused = true)]
async fn a_copy_has_the_md5_of_its_bytes_wherever_these_come_from() {
    let engines = Engines::new(false);
    let before = World::over(engines.clone()).await;
    for (name, size) in [("empty", 0), ("small", 700), ("large", LARGE)] {
        put(&before, name, &bytes(size, 1), None).await;
    }
    before.put_parts("parts", &two()).await;
    let revision = before.put("old", &bytes(9, 9)).await.unwrap().etag;
    let open = before.open_upload("k").await;
    let part = before.upload(&open, 1, &bytes(9, 9)).await.unwrap();
    before.tasks.stop_workers(std::time::Duration::from_secs(1)).await.unwrap();

    let mut engines = engines;
    engines.settings.etag = ETagMode::Md5;
    let world = engines.open().await;
    for (name, body) in [
        ("empty", Bytes::new()),
        ("small", bytes(700, 1)),
        ("large", bytes(LARGE, 1)),
        ("parts", two().concat().into()),
    ] {
        let written = world.store.copy_object(world.copy_request(name, "copy")).await.unwrap();
        assert_eq!(written.etag, ETag::of_md5(md5(&body), None), "{name}");
        let again = world.store.copy_object(world.copy_request("copy", "again")).await.unwrap();
        assert_eq!(again.etag, written.etag, "{name}");
        let to = create(&world, None).await;
        let source = world.copy_request("copy", "k").source;
        let copy = CopyPart { upload: to, number: number(1), source, range: None };
        assert_eq!(world.store.copy_part(copy).await.unwrap().etag, written.etag, "{name}");
    }
    let old = world.read("old", Selection::Whole).await.unwrap();
    assert_eq!(old.info.etag, revision, "what was there keeps its ETag");
    let written = world.store.complete_upload(completion(&open, &[(1, part)])).await.unwrap();
    let bare = written.etag.bare().to_string();
    assert!(bare.ends_with("-1"), "parts without MD5s make a revision's ETag: {bare}");
    let mut renamed = world.copy_request("copy", "copy");
    renamed.metadata = MetadataDirective::Replace(Metadata::default());
    let kept = world.read("copy", Selection::Whole).await.unwrap().info.etag;
    assert_eq!(world.store.copy_object(renamed).await.unwrap().etag, kept);
}
