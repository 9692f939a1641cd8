use super::*;
use crate::auth::checksum;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http_body::Body as _;
use http_body_util::{BodyExt, StreamBody};
use std::io;

type Item = io::Result<Frame<Bytes>>;

fn frame(text: &'static str) -> Item {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn plain(length: u64, digests: Option<Box<Digests>>) -> Demands {
    let idle = Duration::from_secs(60);
    let (slot, tasks) = (ChecksumSlot::default(), Tasks::new());
    Demands { framing: Framing::Plain, length, digests, slot, idle, tasks }
}

fn body(
    items: Vec<Item>,
    demands: Demands,
) -> VerifiedBody<impl http_body::Body<Data = Bytes, Error = io::Error> + Unpin> {
    VerifiedBody::new(StreamBody::new(futures::stream::iter(items)), demands)
}

fn crc32(text: &'static str) -> Option<Box<Digests>> {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-checksum-crc32", text.parse().unwrap());
    Digests::asked(&headers, None, true, None).unwrap()
}

/// What a reader gets, piece by piece.
async fn pieces<B>(body: &mut B) -> Vec<String>
where
    B: http_body::Body<Data = Bytes, Error = BodyRefusal> + Unpin,
{
    let mut seen = Vec::new();
    while let Some(next) = body.frame().await {
        seen.push(match next {
            Ok(frame) => String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap(),
            Err(refusal) => format!("{:?}", refusal.code().as_str()),
        });
    }
    seen
}

#[tokio::test]
async fn the_last_piece_is_held_back_until_the_body_is_verified() {
    let items = || vec![frame("123"), frame("456"), frame("789")];
    let mut good = body(items(), plain(9, crc32("y/Q5Jg==")));
    assert_eq!(pieces(&mut good).await, ["123", "456", "789"]);
    let mut bad = body(items(), plain(9, crc32("AAAAAA==")));
    assert_eq!(pieces(&mut bad).await, ["123", "456", "\"BadDigest\""]);
    assert!(bad.remains().refused.get().is_some());
    let mut single = body(vec![frame("123456789")], plain(9, crc32("AAAAAA==")));
    assert_eq!(pieces(&mut single).await, ["\"BadDigest\""]);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_incomplete_and_keeps_its_cause() {
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "gone");
    let mut cut = body(vec![frame("123"), Err(broken)], plain(9, None));
    assert_eq!(cut.frame().await.unwrap().unwrap().into_data().unwrap(), "123");
    let refusal = cut.frame().await.unwrap().unwrap_err();
    assert!(matches!(&refusal, BodyRefusal::IncompleteBody { source: Some(_) }));
    let cause = std::error::Error::source(&refusal).unwrap();
    assert!(cause.to_string().contains("gone"), "{cause}");
    assert!(cut.frame().await.is_none(), "nothing after an error");
    let mut short = body(vec![frame("123")], plain(4, None));
    assert_eq!(pieces(&mut short).await, ["123", "\"IncompleteBody\""]);
    let mut long = body(vec![frame("123"), frame("45")], plain(4, None));
    assert_eq!(pieces(&mut long).await, ["123", "\"IncompleteBody\""]);
}

#[tokio::test]
async fn the_size_that_remains_is_exact_and_the_end_is_known() {
    let mut good = body(vec![frame("123"), frame("45")], plain(5, None));
    assert_eq!((good.size_hint().exact(), good.is_end_stream()), (Some(5), false));
    good.frame().await.unwrap().unwrap();
    assert_eq!((good.size_hint().exact(), good.is_end_stream()), (Some(2), false));
    good.frame().await.unwrap().unwrap();
    assert_eq!((good.size_hint().exact(), good.is_end_stream()), (Some(0), true));
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_refused_and_a_slow_one_is_not() {
    let slow = futures::stream::unfold(0, |sent| async move {
        tokio::time::sleep(Duration::from_secs(59)).await;
        (sent < 5).then(|| (frame("x"), sent + 1))
    });
    let mut slow = VerifiedBody::new(StreamBody::new(Box::pin(slow)), plain(5, None));
    assert_eq!(pieces(&mut slow).await, ["x"; 5]);

    let silent = futures::stream::once(std::future::ready(frame("x")));
    let silent = futures::StreamExt::chain(silent, futures::stream::pending());
    let before = Instant::now();
    let mut silent = VerifiedBody::new(StreamBody::new(Box::pin(silent)), plain(2, None));
    assert_eq!(pieces(&mut silent).await, ["x", "\"RequestTimeout\""]);
    assert_eq!(before.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn a_body_that_is_let_go_unread_gives_the_connection_back() {
    let unread = body(vec![frame("123")], plain(3, None));
    let remains = unread.remains();
    drop(unread);
    assert!(matches!(*remains.unread.lock(), Some((_, false))));

    let mut started = body(vec![frame("1"), frame("23")], plain(3, None));
    let remains = started.remains();
    started.frame().await.unwrap().unwrap();
    drop(started);
    assert!(matches!(*remains.unread.lock(), Some((_, true))));

    let mut whole = body(vec![frame("123")], plain(3, None));
    let remains = whole.remains();
    assert_eq!(pieces(&mut whole).await, ["123"]);
    drop(whole);
    assert!(remains.unread.lock().is_none());
}

#[tokio::test]
async fn unsigned_chunks_are_handed_on_as_they_arrive() {
    let chunked = Chunked::new(9, None, Some(None));
    let framing = Framing::Chunked(Box::new(chunked));
    let demands = Demands { framing, ..plain(9, None) };
    let items = ["9\r\n12", "34", "5", "6789", "\r\n0", "\r\n\r\n"].map(frame).into();
    assert_eq!(pieces(&mut body(items, demands)).await, ["12", "34", "5", "6789"]);
}

#[tokio::test]
async fn digests_of_large_pieces_are_computed_elsewhere_and_verified_all_the_same() {
    const PIECE: usize = 200_000;
    let all = vec![b'x'; 9 * PIECE];
    let right = STANDARD.encode(*md5::compute(&all));
    for (sent, seen) in [(right.as_str(), 9 * PIECE), ("AAAAAAAAAAAAAAAAAAAAAA==", 8 * PIECE)] {
        let mut headers = HeaderMap::new();
        headers.insert("content-md5", sent.parse().unwrap());
        let digests = Digests::asked(&headers, None, true, None).unwrap();
        let items = all.chunks(PIECE).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
        let mut body = body(items, plain(all.len() as u64, digests));
        let mut length = 0;
        let refused = loop {
            match body.frame().await {
                Some(Ok(frame)) => length += frame.into_data().unwrap().len(),
                Some(Err(refusal)) => break Some(refusal),
                None => break None,
            }
        };
        assert_eq!(length, seen, "the last piece is held back until the digest is there");
        assert_eq!(refused.is_some(), sent != right);
    }
}

#[test]
fn a_checksum_slot_is_shared_by_its_clones() {
    let slot = ChecksumSlot::default();
    let sum = checksum::new(terrace_store::object::Algorithm::Crc32, &[1, 2, 3, 4]).unwrap();
    let clone = slot.clone();
    slot.set(sum.clone()).unwrap();
    assert_eq!(clone.get(), Some(&sum));
}
