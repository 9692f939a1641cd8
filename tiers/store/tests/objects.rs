//! Objects: what goes in comes out, and exactly what is named stays in the two tiers.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use bytes::Bytes;
use terrace_long_term::{LengthMismatch, SizeHint};
use terrace_store::object::{
    Algorithm, Checksum, ChecksumSlot, DeleteCondition, ETagList, Metadata, RangeRequest, ReadCondition,
    StandardHeader, WriteCondition,
};
use terrace_store::ops::object::{Body, MetadataDirective, Selection};
use terrace_store::{Error, Refusal};
use world::{Counters, Dump, PART, THRESHOLD, World, bytes, collect, key, number, refusal, stream_of};

fn dump(rows: &[(char, u64)]) -> Dump {
    rows.iter().copied().collect()
}

fn if_match(etag: &str) -> WriteCondition {
    WriteCondition { if_match: Some(ETagList::These(vec![etag.to_owned()])), if_none_match: None }
}

fn if_absent() -> WriteCondition {
    WriteCondition { if_match: None, if_none_match: Some(ETagList::Any) }
}

#[tokio::test(start_paused = true)]
async fn a_body_of_any_size_comes_back_as_it_went_in_and_lies_where_its_size_says() {
    let world = World::new().await;
    let small = |chunks| dump(&[('O', 1), ('C', 2), ('D', chunks)]);
    let large = dump(&[('O', 1), ('C', 2), ('*', 1)]);
    for (size, expected) in [
        (0, dump(&[('O', 1), ('C', 1)])),
        (1, small(1)),
        (65_536, small(1)),
        (65_537, small(2)),
        (THRESHOLD - 1, small(2)),
        (THRESHOLD, small(2)),
        (THRESHOLD + 1, large.clone()),
        (3 * THRESHOLD, large),
    ] {
        for (chunk, known) in [(1_000, true), (1_000, false), (size.max(1), true), (size.max(1), false)] {
            let sent = bytes(size, 3);
            let mut request = world.put_request("k", &sent);
            let length = known.then_some(size as u64);
            request.body = Body {
                stream: stream_of(&sent, chunk),
                length,
                checksum: ChecksumSlot::default(),
                md5: None,
            };
            let written = world.store.put_object(request).await.unwrap();
            assert_eq!(written.size, size as u64);
            let read = world.read("k", Selection::Whole).await.unwrap();
            assert_eq!((read.info.etag, read.info.modified_ms), (written.etag, written.modified_ms));
            assert!(read.part.is_none());
            assert_eq!(collect(read.body).await.unwrap(), sent, "{size} in {chunk}");
            let (info, part) =
                world.store.head_object(world.get_request("k", Selection::Whole)).await.unwrap();
            assert_eq!((info.etag, info.size, part), (written.etag, size as u64, None));
            world.settle().await;
            assert_eq!(world.dump().await, expected, "{size} in {chunk}");
            world.delete("k").await.unwrap();
            assert_eq!(refusal(world.get("k").await), Refusal::NoSuchKey);
            world.settle().await;
            world.assert_empty().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_overwrite_leaves_the_rows_and_blobs_of_the_new_object_alone() {
    let world = World::new().await;
    let (small, large) = (bytes(THRESHOLD, 1), bytes(THRESHOLD + 1, 2));
    let rows_of = |body: &Bytes| {
        let at = if body.len() > THRESHOLD { ('*', 1) } else { ('D', body.len().div_ceil(65_536) as u64) };
        dump(&[('O', 1), ('C', 2), at])
    };
    let tiny = bytes(10, 4);
    for (first, second) in [
        (&small, &tiny),
        (&tiny, &small),
        (&small, &large),
        (&large, &small),
        (&large, &bytes(THRESHOLD + 9, 5)),
    ] {
        let before = world.put("k", first).await.unwrap();
        let after = world.put("k", second).await.unwrap();
        assert_ne!(before.etag, after.etag);
        assert_eq!(world.get("k").await.unwrap(), second);
        world.assert_sound().await;
        world.settle().await;
        assert_eq!(world.get("k").await.unwrap(), second);
        assert_eq!(world.dump().await, rows_of(second));
        assert_eq!(
            world.counters().await,
            Counters { objects: 1, bytes: second.len() as i64, upload_bytes: 0 }
        );
        world.assert_sound().await;
        world.delete("k").await.unwrap();
        world.delete("k").await.unwrap();
        world.settle().await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replaced_blob_stays_for_the_grace_and_no_longer() {
    let world = World::new().await;
    world.put("k", &bytes(THRESHOLD + 1, 1)).await.unwrap();
    world.put("k", &bytes(1, 1)).await.unwrap();
    world.store.reclaim_now().await.unwrap();
    assert_eq!(world.engines.blobs.count(), 1);
    world.engines.clock.pass(world.engines.settings.grace);
    world.store.reclaim_now().await.unwrap();
    assert_eq!(world.engines.blobs.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn ranges_give_exactly_their_bytes_from_both_tiers() {
    let world = World::new().await;
    for size in [THRESHOLD, 2 * THRESHOLD] {
        let sent = bytes(size, 9);
        world.put("k", &sent).await.unwrap();
        let last = size as u64 - 1;
        let from = |first, last| RangeRequest::From { first, last };
        for (range, expected) in [
            (from(0, Some(0)), 0..1),
            (from(0, None), 0..size),
            (from(65_535, Some(65_536)), 65_535..65_537),
            (from(65_536, Some(65_536)), 65_536..65_537),
            (from(10, Some(u64::MAX)), 10..size),
            (from(last, None), size - 1..size),
            (RangeRequest::Suffix(7), size - 7..size),
            (RangeRequest::Suffix(u64::MAX), 0..size),
        ] {
            let read = world.read("k", Selection::Range(range)).await.unwrap();
            let part = read.part.unwrap();
            assert_eq!(part.range, expected.start as u64..expected.end as u64);
            assert_eq!((part.parts_count, read.info.size), (None, size as u64));
            assert_eq!(collect(read.body).await.unwrap(), sent.slice(expected), "{range:?} of {size}");
        }
        let beyond = Selection::Range(from(size as u64, None));
        assert_eq!(refusal(world.read("k", beyond).await), Refusal::RangeUnsatisfiable { size: size as u64 });
    }
    world.put("k", &Bytes::new()).await.unwrap();
    let any = Selection::Range(RangeRequest::From { first: 0, last: None });
    assert_eq!(refusal(world.read("k", any).await), Refusal::RangeUnsatisfiable { size: 0 });
}

#[tokio::test(start_paused = true)]
async fn part_1_of_a_plain_object_is_all_of_it_and_there_is_no_part_2() {
    let world = World::new().await;
    for size in [0, 10, THRESHOLD + 1] {
        let sent = bytes(size, 1);
        world.put("k", &sent).await.unwrap();
        let read = world.read("k", Selection::Part(number(1))).await.unwrap();
        let part = read.part.unwrap();
        assert_eq!((part.range, part.parts_count), (0..size as u64, None));
        assert_eq!(collect(read.body).await.unwrap(), sent);
        assert!(matches!(
            refusal(world.read("k", Selection::Part(number(2))).await),
            Refusal::InvalidArgument(_)
        ));
    }
}

fn metadata(user_bytes: usize) -> Metadata {
    Metadata {
        content_type: Some("text/plain; charset=utf-8".into()),
        headers: vec![
            (StandardHeader::CacheControl, "no-store".into()),
            (StandardHeader::StorageClass, "STANDARD_IA".into()),
        ],
        user: vec![("colour".into(), "é".repeat(user_bytes / 2 - 3))],
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_comes_back_as_it_was_said_also_where_it_spills_and_its_row_goes_with_it() {
    let world = World::new().await;
    let spilled = |extensions| dump(&[('O', 1), ('C', 2), ('D', 1), ('E', extensions)]);
    for (said, expected) in [
        (metadata(100), dump(&[('O', 1), ('C', 2), ('D', 1)])),
        (metadata(2_048), spilled(1)),
        (metadata(1_024), spilled(1)),
        (Metadata::default(), dump(&[('O', 1), ('C', 2), ('D', 1)])),
    ] {
        let mut request = world.put_request("k", &bytes(10, 1));
        request.metadata = said.clone();
        world.store.put_object(request).await.unwrap();
        assert_eq!(world.read("k", Selection::Whole).await.unwrap().info.metadata, said);
        let (info, _) = world.store.head_object(world.get_request("k", Selection::Whole)).await.unwrap();
        assert_eq!(info.metadata, said);
        assert_eq!(world.dump().await, expected);
    }
    let mut request = world.put_request("k", &bytes(10, 1));
    request.metadata = metadata(2_048);
    world.store.put_object(request).await.unwrap();
    world.delete("k").await.unwrap();
    world.settle().await;
    world.assert_empty().await;
    let mut request = world.put_request("k", &bytes(10, 1));
    request.metadata = metadata(2_052);
    assert_eq!(refusal(world.store.put_object(request).await), Refusal::MetadataTooLarge);
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_verified_checksum_is_stored_and_copied_with_the_bytes() {
    let world = World::new().await;
    for size in [10, THRESHOLD + 1] {
        let checksum = Checksum { algorithm: Algorithm::Crc32c, value: Bytes::from_static(&[1, 2, 3, 4]) };
        let request = world.put_request("k", &bytes(size, 1));
        request.body.checksum.set(checksum.clone()).unwrap();
        let written = world.store.put_object(request).await.unwrap();
        assert_eq!(written.checksum, Some(checksum.clone().into()));
        world.store.copy_object(world.copy_request("k", "copy")).await.unwrap();
        for name in ["k", "copy"] {
            let read = world.read(name, Selection::Whole).await.unwrap();
            assert_eq!(read.info.checksum, Some(checksum.clone().into()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_look_like_paths_live_side_by_side() {
    let world = World::new().await;
    let long = "k".repeat(1_024);
    let names =
        ["x", "x/", "x/y", "//", "/", "/x", "..", ".", "../x", "a\0b", "a", "a\0", "é/", " ", long.as_str()];
    for (seed, name) in (1..).zip(names) {
        world.put(name, &bytes(100, seed)).await.unwrap();
    }
    for (seed, name) in (1..).zip(names) {
        assert_eq!(world.get(name).await.unwrap(), bytes(100, seed), "{name:?}");
        world.put(name, &bytes(THRESHOLD + 1, seed)).await.unwrap();
    }
    assert_eq!(world.counters().await.objects, names.len() as i64);
    for (seed, name) in (1..).zip(names) {
        assert_eq!(world.get(name).await.unwrap(), bytes(THRESHOLD + 1, seed), "{name:?}");
        world.delete(name).await.unwrap();
        assert_eq!(refusal(world.get(name).await), Refusal::NoSuchKey);
    }
    world.settle().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn writes_heed_their_conditions_and_leave_nothing_when_refused() {
    let world = World::new().await;
    for size in [10, THRESHOLD + 1] {
        let put = async |condition: WriteCondition, seed| {
            let mut request = world.put_request("k", &bytes(size, seed));
            request.condition = condition;
            world.store.put_object(request).await
        };
        assert_eq!(
            refusal(put(if_match("\"00000000000000000000000000000000-1\""), 1).await),
            Refusal::NoSuchKey
        );
        let first = put(if_absent(), 1).await.unwrap();
        assert_eq!(refusal(put(if_absent(), 2).await), Refusal::PreconditionFailed("If-None-Match"));
        let second = put(if_match(&first.etag.bare().to_string()), 3).await.unwrap();
        assert_eq!(
            refusal(put(if_match(&first.etag.to_string()), 4).await),
            Refusal::PreconditionFailed("If-Match")
        );
        assert_eq!(world.get("k").await.unwrap(), bytes(size, 3));
        let delete = async |condition: WriteCondition| {
            world.store.delete_object(world.bucket.clone(), key("k"), condition.into()).await
        };
        assert_eq!(
            refusal(delete(if_match(&first.etag.to_string())).await),
            Refusal::PreconditionFailed("If-Match")
        );
        world.settle().await;
        assert_eq!(world.dump().await.get(if size == 10 { &'D' } else { &'*' }), Some(&1));
        delete(if_match(&second.etag.to_string())).await.unwrap();
        assert_eq!(refusal(delete(if_match(&second.etag.to_string())).await), Refusal::NoSuchKey);
        world.settle().await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn reads_heed_their_conditions() {
    let world = World::new().await;
    let written = world.put("k", &bytes(10, 1)).await.unwrap();
    let read = async |condition: ReadCondition| {
        let mut request = world.get_request("k", Selection::Whole);
        request.condition = condition.clone();
        let head = world.store.head_object(request).await.map(drop);
        let mut request = world.get_request("k", Selection::Whole);
        request.condition = condition;
        let get = world.store.get_object(request).await.map(drop);
        assert_eq!(head.is_ok(), get.is_ok());
        get
    };
    let these = Some(ETagList::These(vec![written.etag.to_string()]));
    read(ReadCondition { if_match: these.clone(), ..Default::default() }).await.unwrap();
    let not_modified =
        Refusal::NotModified { etag: written.etag.to_string(), modified_ms: written.modified_ms };
    assert_eq!(
        refusal(read(ReadCondition { if_none_match: these, ..Default::default() }).await),
        not_modified
    );
    let other = Some(ETagList::These(vec!["\"other\"".into()]));
    assert_eq!(
        refusal(read(ReadCondition { if_match: other, ..Default::default() }).await),
        Refusal::PreconditionFailed("If-Match")
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_as_long_as_announced_is_refused_and_leaves_nothing() {
    let world = World::new().await;
    world.put("k", &bytes(10, 9)).await.unwrap();
    for (announced, real) in [
        (10, 9),
        (10, 11),
        (10, 0),
        (10, THRESHOLD + 1),
        (THRESHOLD + 10, THRESHOLD + 9),
        (THRESHOLD + 10, THRESHOLD + 11),
        (THRESHOLD + 10, 3),
    ] {
        let sent = bytes(real, 1);
        let mut request = world.put_request("k", &sent);
        request.body.length = Some(announced as u64);
        let Err(Error::Body(broken)) = world.store.put_object(request).await else {
            panic!("{real} bytes for {announced} were taken")
        };
        let mismatch = broken.source.downcast::<LengthMismatch>().unwrap();
        assert_eq!(mismatch.announced, SizeHint::Exact(announced as u64));
        world.settle().await;
        assert_eq!(world.dump().await, dump(&[('O', 1), ('C', 2), ('D', 1)]));
    }
    assert_eq!(world.get("k").await.unwrap(), bytes(10, 9));
    let mut request = world.put_request("k", &bytes(1, 1));
    request.body.length = Some((5 << 30) + 1);
    assert_eq!(refusal(world.store.put_object(request).await), Refusal::EntityTooLarge);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_told_with_its_own_error_and_leaves_nothing() {
    #[derive(Debug, thiserror::Error)]
    #[error("the client hung up")]
    struct HungUp;

    let world = World::new().await;
    for size in [10, THRESHOLD + 50_000] {
        let whole = stream_of(&bytes(size, 1), 5);
        let broken = futures::stream::iter([Err(terrace_long_term::BodyError::new(HungUp))]);
        let mut request = world.put_request("k", &Bytes::new());
        request.body.stream = Box::pin(futures::StreamExt::chain(whole, broken));
        request.body.length = None;
        let Err(Error::Body(error)) = world.store.put_object(request).await else { panic!("not broken") };
        assert!(error.source.is::<HungUp>());
        world.settle().await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn last_modified_never_runs_backwards_unless_the_past_is_more_than_a_day_ahead() {
    const HOUR_MS: i64 = 3_600_000;
    let world = World::new().await;
    let mut last = world.put("k", &bytes(1, 1)).await.unwrap().modified_ms;
    assert_eq!(last, world.now_ms());
    for shift in [0, -HOUR_MS, -20 * HOUR_MS, 0] {
        world.engines.clock.shift_ms(shift);
        let next = world.put("k", &bytes(1, 1)).await.unwrap().modified_ms;
        assert_eq!(next, last + 1);
        last = next;
    }
    world.engines.clock.shift_ms(-20 * HOUR_MS);
    let corrected = world.put("k", &bytes(1, 1)).await.unwrap().modified_ms;
    assert_eq!(corrected, world.now_ms());
    assert!(corrected < last);
}

#[tokio::test(start_paused = true)]
async fn counters_are_the_sums_of_what_is_there() {
    let world = World::new().await;
    let sizes = [0, 1, 70_000, THRESHOLD, THRESHOLD + 1, 200_000];
    for round in 0..3 {
        for (index, size) in sizes.iter().enumerate() {
            let size = sizes[(index + round) % sizes.len()].max(*size / 2);
            world.put(&format!("k{index}"), &bytes(size, 1)).await.unwrap();
        }
    }
    world.store.copy_object(world.copy_request("k3", "copy")).await.unwrap();
    world.delete("k1").await.unwrap();
    world.delete("never there").await.unwrap();
    let (mut objects, mut total) = (0, 0);
    for name in ["k0", "k1", "k2", "k3", "k4", "k5", "copy"] {
        if let Ok((info, _)) = world.store.head_object(world.get_request(name, Selection::Whole)).await {
            objects += 1;
            total += info.size as i64;
        }
    }
    assert_eq!(objects, 6);
    assert_eq!(world.counters().await, Counters { objects, bytes: total, upload_bytes: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_an_object_of_its_own_whatever_its_source_is_made_of() {
    let world = World::new().await;
    world.put("empty", &Bytes::new()).await.unwrap();
    world.put("small", &bytes(THRESHOLD, 2)).await.unwrap();
    world.put("large", &bytes(2 * THRESHOLD, 3)).await.unwrap();
    let parts = [bytes(PART, 4), bytes(PART, 5), bytes(77, 6)];
    world.put_parts("parts", &parts).await;
    let mut said = metadata(100);
    for (name, size) in
        [("empty", 0), ("small", THRESHOLD), ("large", 2 * THRESHOLD), ("parts", 2 * PART + 77)]
    {
        let whole = world.get(name).await.unwrap();
        assert_eq!(whole.len(), size);
        let source = world.read(name, Selection::Whole).await.unwrap().info;
        let mut request = world.copy_request(name, "copy");
        let copied = world.store.copy_object(request).await.unwrap();
        assert_eq!(copied.size, size as u64);
        assert!(copied.etag.bare().to_string().ends_with("-1"));
        assert_ne!(copied.etag, source.etag);
        assert_eq!(world.read("copy", Selection::Whole).await.unwrap().info.metadata, source.metadata);
        request = world.copy_request(name, "copy");
        said.user[0].1.push('x');
        request.metadata = MetadataDirective::Replace(said.clone());
        world.store.copy_object(request).await.unwrap();
        assert_eq!(world.read("copy", Selection::Whole).await.unwrap().info.metadata, said);
        world.assert_sound().await;
        world.delete(name).await.unwrap();
        world.settle().await;
        assert_eq!(world.get("copy").await.unwrap(), whole);
        world.assert_sound().await;
    }
    world.delete("copy").await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_onto_itself_with_new_metadata_keeps_the_body_and_the_etag() {
    let world = World::new().await;
    world.put("small", &bytes(10, 1)).await.unwrap();
    world.put("large", &bytes(THRESHOLD + 1, 1)).await.unwrap();
    world.put_parts("parts", &[bytes(PART, 4), bytes(77, 6)]).await;
    for name in ["small", "large", "parts"] {
        let before = world.read(name, Selection::Whole).await.unwrap().info;
        let whole = world.get(name).await.unwrap();
        assert!(matches!(
            refusal(world.store.copy_object(world.copy_request(name, name)).await),
            Refusal::InvalidRequest(_)
        ));
        for said in [metadata(2_048), metadata(2_000), metadata(50), metadata(2_048)] {
            let mut request = world.copy_request(name, name);
            request.metadata = MetadataDirective::Replace(said.clone());
            let copied = world.store.copy_object(request).await.unwrap();
            assert_eq!(copied.etag, before.etag);
            assert!(copied.modified_ms > before.modified_ms);
            let after = world.read(name, Selection::Whole).await.unwrap().info;
            assert_eq!((after.metadata, after.size), (said, before.size));
        }
        world.settle_for_good().await;
        assert_eq!(world.get(name).await.unwrap(), whole);
        world.assert_sound().await;
        world.put(name, &bytes(THRESHOLD + 2, 1)).await.unwrap();
        world.delete(name).await.unwrap();
    }
    world.settle_for_good().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_heeds_the_conditions_of_both_ends() {
    let world = World::new().await;
    for size in [10, THRESHOLD + 1] {
        let source = world.put("source", &bytes(size, 1)).await.unwrap();
        let mut request = world.copy_request("source", "target");
        request.source.condition.if_match = Some(ETagList::These(vec!["\"other\"".into()]));
        assert_eq!(refusal(world.store.copy_object(request).await), Refusal::PreconditionFailed("If-Match"));
        let mut request = world.copy_request("source", "target");
        request.source.condition.if_match = Some(ETagList::These(vec![source.etag.bare().to_string()]));
        request.condition = if_absent();
        world.store.copy_object(request).await.unwrap();
        let mut request = world.copy_request("source", "target");
        request.condition = if_absent();
        assert_eq!(
            refusal(world.store.copy_object(request).await),
            Refusal::PreconditionFailed("If-None-Match")
        );
        assert_eq!(
            refusal(world.store.copy_object(world.copy_request("absent", "target")).await),
            Refusal::NoSuchKey
        );
        world.delete("source").await.unwrap();
        world.delete("target").await.unwrap();
        world.settle().await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn delete_many_answers_for_each_key_and_deletes_each_once() {
    let world = World::new().await;
    let kept = world.put("kept", &bytes(10, 1)).await.unwrap();
    for n in 0..250 {
        let size = if n % 50 == 0 { THRESHOLD + 1 } else { 10 };
        world.put(&format!("k{n}"), &bytes(size, 1)).await.unwrap();
    }
    let mut keys: Vec<_> = (0..250).map(|n| (key(format!("k{n}")), DeleteCondition::default())).collect();
    keys.extend([
        (key("k7"), DeleteCondition::default()),
        (key("absent"), DeleteCondition::default()),
        (key("kept"), if_match("\"other\"").into()),
        (key("absent"), if_match(&kept.etag.to_string()).into()),
        (key("k249"), DeleteCondition::default()),
        (key("k249"), DeleteCondition::default()),
    ]);
    let deleted = world.store.delete_objects(world.bucket.clone(), keys.clone()).await.unwrap();
    assert!(deleted.iter().map(|deleted| &deleted.key).eq(keys.iter().map(|(key, _)| key)));
    for (index, deleted) in deleted.into_iter().enumerate() {
        match index {
            252 => assert_eq!(refusal(deleted.outcome), Refusal::PreconditionFailed("If-Match")),
            253 => assert_eq!(refusal(deleted.outcome), Refusal::NoSuchKey),
            _ => deleted.outcome.unwrap(),
        }
    }
    assert_eq!(world.counters().await, Counters { objects: 1, bytes: 10, upload_bytes: 0 });
    world.settle().await;
    assert_eq!(world.dump().await, dump(&[('O', 1), ('C', 2), ('D', 1)]));
    for many in [vec![], vec![(key("k"), DeleteCondition::default()); 1_001]] {
        assert_eq!(
            refusal(world.store.delete_objects(world.bucket.clone(), many).await),
            Refusal::MalformedXml
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_can_be_done_in_a_bucket_that_is_not_there() {
    let mut world = World::new().await;
    world.bucket = world::bucket("absent");
    let no_bucket = Refusal::NoSuchBucket;
    for size in [10, THRESHOLD + 1] {
        assert_eq!(refusal(world.put("k", &bytes(size, 1)).await), no_bucket);
    }
    assert_eq!(refusal(world.get("k").await), no_bucket);
    assert_eq!(refusal(world.delete("k").await), no_bucket);
    assert_eq!(refusal(world.store.copy_object(world.copy_request("k", "l")).await), no_bucket);
    let keys = vec![(key("k"), DeleteCondition::default())];
    assert_eq!(refusal(world.store.delete_objects(world.bucket.clone(), keys).await), no_bucket);
    let absent = world::bucket("absent");
    assert_eq!(refusal(world.store.head_bucket(&absent).await), no_bucket);
    assert_eq!(refusal(world.store.delete_bucket(&absent).await), no_bucket);
    world.settle().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn objects_are_there_after_a_reopen() {
    let world = World::new().await;
    world.put("small", &bytes(THRESHOLD, 1)).await.unwrap();
    world.put("large", &bytes(THRESHOLD + 1, 2)).await.unwrap();
    let world = world.reopen().await;
    assert_eq!(world.get("small").await.unwrap(), bytes(THRESHOLD, 1));
    assert_eq!(world.get("large").await.unwrap(), bytes(THRESHOLD + 1, 2));
    world.settle().await;
    world.assert_sound().await;
}
