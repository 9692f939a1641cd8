//! Multipart uploads: parts become an object without a copy, or go without a trace.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use bytes::Bytes;
use terrace_store::Refusal;
use terrace_store::name::UploadId;
use terrace_store::object::{ETagList, RangeRequest, WriteCondition};
use terrace_store::ops::multipart::{CompletedPart, CopyPart, UploadRef};
use terrace_store::ops::object::{CopySource, Selection, Written};
use world::{Counters, Dump, PART, THRESHOLD, World, bytes, collect, completion, key, number, refusal};

fn dump(rows: &[(char, u64)]) -> Dump {
    rows.iter().copied().collect()
}

fn joined(parts: &[Bytes]) -> Bytes {
    parts.concat().into()
}

/// The number of parts in an ETag.
fn parts_of(written: &Written) -> u32 {
    written.etag.bare().to_string().split_once('-').unwrap().1.parse().unwrap()
}

/// Three parts: two on the long-term tier, the last inline.
fn three() -> [Bytes; 3] {
    [bytes(PART, 1), bytes(PART + 13, 2), bytes(70_000, 3)]
}

async fn upload_all(world: &World, upload: &UploadRef, parts: &[Bytes]) -> Vec<(i32, Written)> {
    let mut written = Vec::new();
    for (n, part) in (1..).zip(parts) {
        written.push((n, world.upload(upload, n, part).await.unwrap()));
    }
    written
}

#[tokio::test(start_paused = true)]
async fn parts_become_one_object_that_is_read_whole_in_ranges_and_by_part() {
    let world = World::new().await;
    let parts = three();
    let upload = world.open_upload("k").await;
    let listed = upload_all(&world, &upload, &parts).await;
    let bytes_of_parts: i64 = parts.iter().map(|part| part.len() as i64).sum();
    assert_eq!(world.counters().await, Counters { upload_bytes: bytes_of_parts, ..Counters::default() });
    assert_eq!(refusal(world.get("k").await), Refusal::NoSuchKey);
    let written = world.store.complete_upload(completion(&upload, &listed)).await.unwrap();
    let whole = joined(&parts);
    assert_eq!((written.size, parts_of(&written)), (whole.len() as u64, 3));
    let read = world.read("k", Selection::Whole).await.unwrap();
    assert_eq!((read.info.etag, read.info.modified_ms), (written.etag, written.modified_ms));
    assert_eq!(read.info.metadata.content_type.as_deref(), Some("video/mp4"));
    assert_eq!(collect(read.body).await.unwrap(), whole);
    let mut begin = 0;
    for (n, part) in (1..).zip(&parts) {
        let read = world.read("k", Selection::Part(number(n))).await.unwrap();
        let found = read.part.unwrap();
        assert_eq!((found.range, found.parts_count), (begin..begin + part.len() as u64, Some(3)));
        assert_eq!(collect(read.body).await.unwrap(), part);
        begin += part.len() as u64;
    }
    assert!(matches!(
        refusal(world.read("k", Selection::Part(number(4))).await),
        Refusal::InvalidArgument(_)
    ));
    let (a, b) = (PART as u64, 2 * PART as u64 + 13);
    for range in
        [0..1, a - 1..a + 1, a..b, a - 5..b + 5, b - 1..b, b..b + 1, b + 65_530..b + 65_540, 1..b + 70_000]
    {
        let request = RangeRequest::From { first: range.start, last: Some(range.end - 1) };
        let read = world.read("k", Selection::Range(request)).await.unwrap();
        let expected = whole.slice(range.start as usize..range.end as usize);
        assert_eq!(collect(read.body).await.unwrap(), expected, "{range:?}");
    }
    world.settle_for_good().await;
    assert_eq!(world.dump().await, dump(&[('O', 1), ('Q', 1), ('D', 2), ('C', 2), ('*', 2)]));
    let counters = Counters { objects: 1, bytes: bytes_of_parts, upload_bytes: 0 };
    assert_eq!(world.counters().await, counters);
    world.assert_sound().await;
    world.delete("k").await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_of_parts_replaces_and_is_replaced_without_a_trace() {
    let world = World::new().await;
    for size in [0, 10, THRESHOLD + 1] {
        world.put("k", &bytes(size, 9)).await.unwrap();
        world.put_parts("k", &three()).await;
        world.settle_for_good().await;
        assert_eq!(world.dump().await, dump(&[('O', 1), ('Q', 1), ('D', 2), ('C', 2), ('*', 2)]));
        world.put_parts("k", &[bytes(10, 1)]).await;
        world.put("k", &bytes(size, 9)).await.unwrap();
        world.settle_for_good().await;
        assert_eq!(world.get("k").await.unwrap(), bytes(size, 9));
        assert_eq!(world.counters().await, Counters { objects: 1, bytes: size as i64, upload_bytes: 0 });
        world.delete("k").await.unwrap();
        world.settle_for_good().await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_of_one_empty_part_is_an_empty_object() {
    let world = World::new().await;
    let written = world.put_parts("k", &[Bytes::new()]).await;
    assert_eq!((written.size, parts_of(&written)), (0, 1));
    assert_eq!(world.get("k").await.unwrap(), Bytes::new());
    let read = world.read("k", Selection::Part(number(1))).await.unwrap();
    assert_eq!(read.part.unwrap().range, 0..0);
    world.store.copy_object(world.copy_request("k", "copy")).await.unwrap();
    assert_eq!(world.get("copy").await.unwrap(), Bytes::new());
    world.put_parts("tail", &[bytes(PART, 1), Bytes::new()]).await;
    assert_eq!(world.get("tail").await.unwrap(), bytes(PART, 1));
    let read = world.read("tail", Selection::Part(number(2))).await.unwrap();
    assert_eq!(read.part.unwrap().range, PART as u64..PART as u64);
    for name in ["k", "copy", "tail"] {
        world.delete(name).await.unwrap();
    }
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_part_uploaded_again_takes_the_place_of_the_first() {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    for (first, second) in [(PART, 10), (10, PART), (PART, PART + 1), (10, 20), (0, 10), (10, 0)] {
        let old = world.upload(&upload, 1, &bytes(first, 1)).await.unwrap();
        let new = world.upload(&upload, 1, &bytes(second, 2)).await.unwrap();
        assert_ne!(old.etag, new.etag);
        let stale = completion(&upload, &[(1, old)]);
        assert_eq!(refusal(world.store.complete_upload(stale).await), Refusal::InvalidPart { number: 1 });
        world.settle().await;
        assert_eq!(world.counters().await.upload_bytes, second as i64);
        assert_eq!(world.engines.blobs.count(), u64::from(second > THRESHOLD));
        world.assert_sound().await;
    }
    let last = world.upload(&upload, 1, &bytes(30, 7)).await.unwrap();
    world.store.complete_upload(completion(&upload, &[(1, last)])).await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), bytes(30, 7));
    world.delete("k").await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn parts_that_a_completion_does_not_list_are_reclaimed() {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    let mut written = Vec::new();
    for (n, size) in [(2, PART), (5, PART), (7, 10), (9_999, PART), (10_000, 20)] {
        written.push((n, world.upload(&upload, n, &bytes(size, n as u8)).await.unwrap()));
    }
    let listed = [written[1].clone(), written[2].clone()];
    let done = world.store.complete_upload(completion(&upload, &listed)).await.unwrap();
    assert_eq!((done.size, parts_of(&done)), (PART as u64 + 10, 2));
    world.assert_sound().await;
    assert_eq!(world.get("k").await.unwrap(), joined(&[bytes(PART, 5), bytes(10, 7)]));
    let second = world.read("k", Selection::Part(number(2))).await.unwrap();
    assert_eq!(collect(second.body).await.unwrap(), bytes(10, 7));
    world.settle_for_good().await;
    assert_eq!(world.get("k").await.unwrap(), joined(&[bytes(PART, 5), bytes(10, 7)]));
    assert_eq!(world.dump().await, dump(&[('O', 1), ('Q', 1), ('D', 1), ('C', 2), ('*', 1)]));
    assert_eq!(world.counters().await, Counters { objects: 1, bytes: PART as i64 + 10, upload_bytes: 0 });
    world.delete("k").await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_does_not_fit_its_parts_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    let parts = [bytes(PART, 1), bytes(PART - 1, 2), bytes(10, 3)];
    let good = upload_all(&world, &upload, &parts).await;
    let before = world.dump().await;
    let swapped = vec![good[1].clone(), good[0].clone()];
    let twice = vec![good[0].clone(), good[0].clone()];
    let too_small = good.clone();
    let absent = vec![good[0].clone(), (4, good[2].1.clone())];
    let another = vec![good[0].clone(), (3, good[0].1.clone())];
    for (list, expected) in [
        (swapped, Refusal::PartOrder),
        (twice, Refusal::PartOrder),
        (vec![], Refusal::MalformedXml),
        (too_small, Refusal::PartTooSmall { number: 2, size: PART as u64 - 1 }),
        (absent, Refusal::InvalidPart { number: 4 }),
        (another, Refusal::InvalidPart { number: 3 }),
    ] {
        assert_eq!(refusal(world.store.complete_upload(completion(&upload, &list)).await), expected);
    }
    let mut garbled = completion(&upload, &good[..1]);
    garbled.parts = vec![CompletedPart { number: number(1), etag: "\"x\"".into(), checksum: None }];
    assert_eq!(refusal(world.store.complete_upload(garbled).await), Refusal::InvalidPart { number: 1 });
    let mut wrong_size = completion(&upload, &good[..1]);
    wrong_size.size = Some(PART as u64 + 1);
    assert!(matches!(refusal(world.store.complete_upload(wrong_size).await), Refusal::InvalidRequest(_)));
    assert_eq!(world.dump().await, before);
    assert_eq!(refusal(world.get("k").await), Refusal::NoSuchKey);
    let mut right_size = completion(&upload, &[good[0].clone(), good[2].clone()]);
    right_size.size = Some(PART as u64 + 10);
    world.store.complete_upload(right_size).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_completion_heeds_the_condition_of_its_key() {
    let world = World::new().await;
    let there = world.put("k", &bytes(10, 9)).await.unwrap();
    let upload = world.open_upload("k").await;
    let parts = upload_all(&world, &upload, &[bytes(10, 1)]).await;
    let mut request = completion(&upload, &parts);
    request.condition = WriteCondition { if_match: None, if_none_match: Some(ETagList::Any) };
    assert_eq!(
        refusal(world.store.complete_upload(request).await),
        Refusal::PreconditionFailed("If-None-Match")
    );
    assert_eq!(world.get("k").await.unwrap(), bytes(10, 9));
    let mut request = completion(&upload, &parts);
    let these = ETagList::These(vec![there.etag.to_string()]);
    request.condition = WriteCondition { if_match: Some(these), if_none_match: None };
    world.store.complete_upload(request).await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), bytes(10, 1));
}

#[tokio::test(start_paused = true)]
async fn a_completion_repeated_after_success_answers_the_same_for_a_day() {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    let parts = upload_all(&world, &upload, &[bytes(PART, 1), bytes(10, 2)]).await;
    let first = world.store.complete_upload(completion(&upload, &parts)).await.unwrap();
    world.put("k", &bytes(3, 3)).await.unwrap();
    world.settle().await;
    let before = world.dump().await;
    let again = world.store.complete_upload(completion(&upload, &parts)).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(world.get("k").await.unwrap(), bytes(3, 3));
    assert_eq!(world.dump().await, before);
    let other = completion(&upload, &parts[1..]);
    assert!(matches!(refusal(world.store.complete_upload(other).await), Refusal::InvalidPart { .. }));
    let elsewhere = UploadRef { key: key("other"), ..upload.clone() };
    assert_eq!(
        refusal(world.store.complete_upload(completion(&elsewhere, &parts)).await),
        Refusal::NoSuchUpload
    );
    assert_eq!(refusal(world.store.abort_upload(upload.clone()).await), Refusal::NoSuchUpload);
    assert_eq!(refusal(world.upload(&upload, 1, &bytes(10, 1)).await), Refusal::NoSuchUpload);
    world.settle_for_good().await;
    assert_eq!(
        refusal(world.store.complete_upload(completion(&upload, &parts)).await),
        Refusal::NoSuchUpload
    );
}

#[tokio::test(start_paused = true)]
async fn an_aborted_upload_is_no_more_and_its_parts_and_bytes_go() {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    let parts = upload_all(&world, &upload, &three()).await;
    world.store.abort_upload(upload.clone()).await.unwrap();
    world.assert_sound().await;
    for outcome in [
        world.store.abort_upload(upload.clone()).await,
        world.upload(&upload, 4, &bytes(10, 1)).await.map(drop),
        world.upload(&upload, 4, &bytes(PART, 1)).await.map(drop),
        world.store.complete_upload(completion(&upload, &parts)).await.map(drop),
    ] {
        assert_eq!(refusal(outcome), Refusal::NoSuchUpload);
    }
    world.settle().await;
    assert_eq!(world.dump().await, dump(&[('W', 1), ('G', 1)]));
    assert_eq!(world.counters().await, Counters::default());
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_of_many_parts_takes_them_all_and_counts_down_to_nothing() {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    for n in 1..=1_203 {
        world.upload(&upload, n, &bytes(5, n as u8)).await.unwrap();
    }
    assert_eq!(world.counters().await.upload_bytes, 5 * 1_203);
    world.store.abort_upload(upload).await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_never_was_is_not_found() {
    let world = World::new().await;
    let stranger = UploadRef {
        bucket: world.bucket.clone(),
        key: key("k"),
        upload: UploadId::parse(&"0a".repeat(16)).unwrap(),
    };
    for size in [0, 10, THRESHOLD + 1] {
        assert_eq!(refusal(world.upload(&stranger, 1, &bytes(size, 1)).await), Refusal::NoSuchUpload);
    }
    assert_eq!(refusal(world.store.abort_upload(stranger.clone()).await), Refusal::NoSuchUpload);
    let real = world.open_upload("real").await;
    let under_another_key = UploadRef { key: key("k"), ..real };
    assert_eq!(refusal(world.upload(&under_another_key, 1, &bytes(10, 1)).await), Refusal::NoSuchUpload);
    world.store.abort_upload(UploadRef { key: key("real"), ..under_another_key }).await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
}

fn copy_part(world: &World, upload: &UploadRef, n: i32, range: Option<(u64, u64)>) -> CopyPart {
    let source =
        CopySource { bucket: world.bucket.clone(), key: key("source"), condition: Default::default() };
    CopyPart { upload: upload.clone(), number: number(n), source, range }
}

#[tokio::test(start_paused = true)]
async fn a_part_may_be_copied_from_any_object_whole_or_in_part() {
    let world = World::new().await;
    for make in ["small", "large", "parts"] {
        match make {
            "small" => drop(world.put("source", &bytes(THRESHOLD, 1)).await.unwrap()),
            "large" => drop(world.put("source", &bytes(PART + 10, 1)).await.unwrap()),
            _ => drop(world.put_parts("source", &three()).await),
        }
        let source = world.get("source").await.unwrap();
        let last = source.len() as u64 - 1;
        let upload = world.open_upload("k").await;
        for range in [None, Some((0, last)), Some((5, 5)), Some((1, last - 1))] {
            let copied = world.store.copy_part(copy_part(&world, &upload, 1, range)).await.unwrap();
            let (first, last) = range.unwrap_or((0, last));
            assert_eq!(copied.size, last - first + 1);
            let done = world.store.complete_upload(completion(&upload, &[(1, copied)])).await;
            assert!(done.is_ok());
            let expected = source.slice(first as usize..=last as usize);
            assert_eq!(world.get("k").await.unwrap(), expected, "{make} {range:?}");
            if range.is_none() {
                break;
            }
        }
        world.delete("source").await.unwrap();
        world.settle_for_good().await;
        assert_eq!(world.get("k").await.unwrap(), source);
        world.assert_sound().await;
    }
    world.delete("k").await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn ranges_of_a_copied_part_lie_within_its_source_or_are_refused() {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    assert_eq!(refusal(world.store.copy_part(copy_part(&world, &upload, 1, None)).await), Refusal::NoSuchKey);
    for size in [THRESHOLD as u64, 2 * THRESHOLD as u64] {
        let source = bytes(size as usize, 1);
        world.put("source", &source).await.unwrap();
        for range in [(0, size), (size, size), (size + 5, size + 9), (7, 6), (0, u64::MAX)] {
            assert!(
                matches!(
                    refusal(world.store.copy_part(copy_part(&world, &upload, 1, Some(range))).await),
                    Refusal::InvalidArgument(_)
                ),
                "{range:?} of {size}"
            );
        }
        let copied = world.store.copy_part(copy_part(&world, &upload, 1, Some((3, 99_000)))).await.unwrap();
        assert_eq!(copied.size, 98_998);
    }
    let copied = world.store.copy_part(copy_part(&world, &upload, 2, Some((3, 8)))).await.unwrap();
    world.store.complete_upload(completion(&upload, &[(2, copied)])).await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), bytes(2 * THRESHOLD, 1).slice(3..9));
    for name in ["k", "source"] {
        world.delete(name).await.unwrap();
    }
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn open_uploads_do_not_keep_a_bucket_and_go_with_it() {
    let world = World::new().await;
    let first = world.open_upload("k").await;
    let parts = upload_all(&world, &first, &three()).await;
    let second = world.open_upload("a\0b").await;
    upload_all(&world, &second, &[bytes(10, 1)]).await;
    // Aborted just before: its expansion comes after the bucket is gone.
    let third = world.open_upload("k").await;
    upload_all(&world, &third, &three()).await;
    world.store.abort_upload(third).await.unwrap();
    world.store.delete_bucket(&world.bucket).await.unwrap();
    world.assert_sound().await;
    world.store.create_bucket(world.bucket.clone(), "owner").await.unwrap();
    for outcome in [
        world.upload(&first, 1, &bytes(10, 1)).await.map(drop),
        world.store.complete_upload(completion(&first, &parts)).await.map(drop),
    ] {
        assert_eq!(refusal(outcome), Refusal::NoSuchUpload);
    }
    world.settle_for_good().await;
    world.assert_empty().await;
    assert!(
        world.engines.kv.rows().await.iter().all(|(row, _)| row[0] != b'C'),
        "no counter outlives its bucket"
    );
}

#[derive(Clone, Copy, Debug)]
enum Racer {
    Part,
    Complete,
    Abort,
    Overwrite,
    DeleteBucket,
}

/// Two acts on one upload of one part and its key, each begun after so many turns of the other tasks. Whether each succeeded.
async fn race(racers: [Racer; 2], turns: [usize; 2], size: usize) -> [bool; 2] {
    let world = World::new().await;
    let upload = world.open_upload("k").await;
    let listed = [(1, world.upload(&upload, 1, &bytes(size, 1)).await.unwrap())];
    world.engines.steps.walk();
    let act = async |racer, turns| {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        match racer {
            Racer::Part => world.upload(&upload, 1, &bytes(size, 2)).await.map(drop),
            Racer::Complete => world.store.complete_upload(completion(&upload, &listed)).await.map(drop),
            Racer::Abort => world.store.abort_upload(upload.clone()).await,
            Racer::Overwrite => world.put("k", &bytes(size, 3)).await.map(drop),
            Racer::DeleteBucket => world.store.delete_bucket(&world.bucket).await,
        }
    };
    let outcomes = tokio::join!(act(racers[0], turns[0]), act(racers[1], turns[1]));
    world.engines.steps.run();
    let succeeded = [outcomes.0.is_ok(), outcomes.1.is_ok()];
    for refused in [outcomes.0, outcomes.1].into_iter().filter(Result::is_err) {
        let refused = refusal(refused);
        let expected = [
            Refusal::NoSuchUpload,
            Refusal::InvalidPart { number: 1 },
            Refusal::NoSuchBucket,
            Refusal::BucketNotEmpty,
        ];
        assert!(expected.contains(&refused), "{racers:?} {turns:?}: {refused:?}");
    }
    world.assert_sound().await;
    world.settle_for_good().await;
    if world.store.head_bucket(&world.bucket).await.is_ok() {
        let objects = i64::from(world.get("k").await.is_ok());
        let counters = world.counters().await;
        assert_eq!((counters.objects, counters.bytes), (objects, objects * size as i64));
        if let Err(error) = world.store.abort_upload(upload).await {
            assert_eq!(refusal(Err::<(), _>(error)), Refusal::NoSuchUpload);
        }
        world.delete("k").await.unwrap();
    }
    world.settle_for_good().await;
    world.assert_empty().await;
    succeeded
}

#[tokio::test(start_paused = true)]
async fn whatever_races_on_an_upload_each_act_happens_wholly_or_not_at_all() {
    use Racer as R;
    for racers in [
        [R::Part, R::Complete],
        [R::Part, R::Abort],
        [R::Part, R::Part],
        [R::Complete, R::Abort],
        [R::Complete, R::Complete],
        [R::Complete, R::Overwrite],
        [R::Part, R::DeleteBucket],
        [R::Complete, R::DeleteBucket],
        [R::Abort, R::DeleteBucket],
    ] {
        for size in [10, THRESHOLD + 1] {
            let mut outcomes = Vec::new();
            for n in 0..20 {
                outcomes.push(race(racers, [n, 0], size).await);
                outcomes.push(race(racers, [0, n], size).await);
            }
            let never = |which: fn(&[bool; 2]) -> bool| !outcomes.iter().any(which);
            assert!(!never(|[first, _]| *first) && !never(|[_, second]| *second), "{racers:?} {outcomes:?}");
            if let [R::Complete, R::Abort] | [R::Complete, R::DeleteBucket] = racers {
                assert!(never(|[first, second]| *first && *second), "{racers:?} {outcomes:?}");
            }
            if let [R::Complete, R::Complete] = racers {
                assert!(never(|[first, second]| !(*first && *second)), "{racers:?}: both get the answer");
            }
        }
    }
}
