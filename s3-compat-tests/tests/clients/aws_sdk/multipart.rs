//! Uploads in parts.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use s3_compat_tests::body;

use super::{BUCKET, Fixture, MIB, assert_same, refusal};

impl Fixture {
    async fn create_upload(&self, key: &str) -> String {
        let created =
            self.s3.create_multipart_upload().bucket(BUCKET).key(key).metadata("from", "parts").send();
        created.await.unwrap().upload_id.unwrap()
    }

    async fn upload(&self, key: &str, id: &str, number: i32, body: &[u8]) -> CompletedPart {
        let part = self.s3.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
        let done = part.body(ByteStream::from(body.to_vec())).send().await.unwrap();
        let part = CompletedPart::builder().part_number(number).set_e_tag(done.e_tag);
        part.set_checksum_crc32(done.checksum_crc32).build()
    }

    fn complete(
        &self,
        key: &str,
        id: &str,
        parts: Vec<CompletedPart>,
    ) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder
    {
        let list = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        self.s3.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id).multipart_upload(list)
    }
}

#[tokio::test]
async fn parts_sent_in_any_order_become_one_object() {
    let f = Fixture::new().await;
    let bodies = [body::random(5 * MIB, 1), body::random(6 * MIB, 2), body::random(77, 3)];
    let id = f.create_upload("key").await;
    let mut parts = Vec::new();
    for number in [3, 1, 2] {
        parts.push(f.upload("key", &id, number, &bodies[usize::try_from(number).unwrap() - 1]).await);
    }
    parts.sort_by_key(CompletedPart::part_number);
    f.assert_absent("key").await;
    let whole = bodies.concat();
    let first = f.complete("key", &id, parts.clone()).send().await.unwrap();
    let etag = first.e_tag().unwrap();
    assert!(etag.ends_with("-3\""), "{etag}");
    assert_same(&f.get("key").await, &whole);
    let again = f.complete("key", &id, parts).send().await.unwrap();
    assert_eq!(again.e_tag(), first.e_tag(), "a repeated complete answers the same");

    let get = f.s3.get_object().bucket(BUCKET).key("key");
    let range = get.clone().range("bytes=5242870-5242889").send().await.unwrap();
    assert_same(&range.body.collect().await.unwrap().to_vec(), &whole[5_242_870..5_242_890]);
    let second = get.part_number(2).send().await.unwrap();
    assert_eq!(second.parts_count(), Some(3));
    assert_eq!(
        second.content_range(),
        Some(format!("bytes {}-{}/{}", 5 * MIB, 11 * MIB - 1, whole.len()).as_str())
    );
    assert_same(&second.body.collect().await.unwrap().to_vec(), &bodies[1]);
    let head = f.s3.head_object().bucket(BUCKET).key("key").part_number(3).send().await.unwrap();
    assert_eq!((head.parts_count(), head.content_length()), (Some(3), Some(77)));
    assert_eq!(head.metadata().unwrap().get("from").map(String::as_str), Some("parts"));
    f.finish();
}

#[tokio::test]
async fn part_1_of_a_plain_object_is_the_object() {
    let f = Fixture::new().await;
    f.put("key", b"whole").await;
    let get = f.s3.get_object().bucket(BUCKET).key("key");
    let part = get.clone().part_number(1).send().await.unwrap();
    assert_eq!(part.body.collect().await.unwrap().to_vec(), b"whole");
    assert_eq!(refusal(get.part_number(2).send().await).0, 416);
    f.finish();
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first() {
    let f = Fixture::new().await;
    let id = f.create_upload("key").await;
    f.upload("key", &id, 1, &body::random(6 * MIB, 1)).await;
    let part = f.upload("key", &id, 1, &body::random(2 * MIB, 2)).await;
    f.complete("key", &id, vec![part]).send().await.unwrap();
    assert_same(&f.get("key").await, &body::random(2 * MIB, 2));
    f.finish();
}

#[tokio::test]
async fn a_part_that_the_list_leaves_out_does_not_enter() {
    let f = Fixture::new().await;
    let id = f.create_upload("key").await;
    let first = f.upload("key", &id, 1, &body::random(5 * MIB, 1)).await;
    f.upload("key", &id, 2, &body::random(5 * MIB, 2)).await;
    let third = f.upload("key", &id, 7, &body::random(9, 3)).await;
    f.complete("key", &id, vec![first, third]).send().await.unwrap();
    assert_same(&f.get("key").await, &[body::random(5 * MIB, 1), body::random(9, 3)].concat());
    f.finish();
}

#[tokio::test]
async fn open_uploads_and_their_parts_are_listed_page_by_page() {
    let f = Fixture::new().await;
    let mut expected = Vec::new();
    for key in ["a", "a", "b/c"] {
        expected.push((key.to_owned(), f.create_upload(key).await));
    }
    let (mut seen, mut key, mut upload) = (Vec::new(), None, None);
    loop {
        let list = f.s3.list_multipart_uploads().bucket(BUCKET).max_uploads(2);
        let page = list.set_key_marker(key).set_upload_id_marker(upload).send().await.unwrap();
        let named = page
            .uploads()
            .iter()
            .map(|upload| (upload.key().unwrap().into(), upload.upload_id().unwrap().into()));
        seen.extend(named);
        if page.is_truncated() != Some(true) {
            break;
        }
        (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
    }
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);

    let (key, id) = &expected[0];
    for number in [1, 2, 5] {
        f.upload(key, id, number, &body::random(100 + usize::try_from(number).unwrap(), 9)).await;
    }
    let parts = f.s3.list_parts().bucket(BUCKET).key(key).upload_id(id).max_parts(2);
    let page = parts.clone().send().await.unwrap();
    assert_eq!(page.is_truncated(), Some(true));
    let rest = parts.part_number_marker(page.next_part_number_marker().unwrap()).send().await.unwrap();
    let both = page.parts().iter().chain(rest.parts()).map(|part| (part.part_number(), part.size()));
    assert_eq!(both.collect::<Vec<_>>(), [(Some(1), Some(101)), (Some(2), Some(102)), (Some(5), Some(105))]);
    f.finish();
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() {
    let f = Fixture::new().await;
    let id = f.create_upload("key").await;
    let part = f.upload("key", &id, 1, &body::random(3 * MIB, 1)).await;
    f.s3.abort_multipart_upload().bucket(BUCKET).key("key").upload_id(&id).send().await.unwrap();
    let gone = (404, "NoSuchUpload".to_owned());
    assert_eq!(refusal(f.complete("key", &id, vec![part]).send().await), gone);
    assert_eq!(refusal(f.s3.list_parts().bucket(BUCKET).key("key").upload_id(&id).send().await), gone);
    let more = f.s3.upload_part().bucket(BUCKET).key("key").upload_id(&id).part_number(2);
    assert_eq!(refusal(more.body(ByteStream::from_static(b"x")).send().await), gone);
    f.assert_absent("key").await;
    f.finish();
}

#[tokio::test]
async fn a_part_may_be_copied_from_an_object_or_a_range_of_it() {
    let f = Fixture::new().await;
    let source = body::random(12 * MIB, 4);
    f.put("source", &source).await;
    f.put("small", b"0123456789").await;
    let id = f.create_upload("key").await;
    let copy = |number: i32, from: &str, range: Option<&str>| {
        let part = f.s3.upload_part_copy().bucket(BUCKET).key("key").upload_id(&id).part_number(number);
        part.copy_source(format!("{BUCKET}/{from}")).set_copy_source_range(range.map(str::to_owned)).send()
    };
    let copied = [
        copy(1, "source", None).await.unwrap(),
        copy(2, "source", Some("bytes=1000-6000000")).await.unwrap(),
        copy(3, "small", Some("bytes=2-5")).await.unwrap(),
    ];
    let parts = (1..).zip(copied).map(|(number, copied)| {
        CompletedPart::builder().part_number(number).set_e_tag(copied.copy_part_result.unwrap().e_tag).build()
    });
    f.complete("key", &id, parts.collect()).send().await.unwrap();
    assert_same(&f.get("key").await, &[&source[..], &source[1000..=6_000_000], b"2345"].concat());
    f.finish();
}

#[tokio::test]
async fn a_complete_may_be_conditional() {
    let f = Fixture::new().await;
    let etag = f.put("key", b"old").await;
    let id = f.create_upload("key").await;
    let part = f.upload("key", &id, 1, b"new").await;
    let refused = f.complete("key", &id, vec![part.clone()]).if_none_match("*").send().await;
    assert_eq!(refusal(refused), (412, "PreconditionFailed".to_owned()));
    assert_eq!(f.get("key").await, b"old");
    f.complete("key", &id, vec![part]).if_match(etag).send().await.unwrap();
    assert_eq!(f.get("key").await, b"new");
    f.finish();
}
