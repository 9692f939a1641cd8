//! Checksums, and ETags made of MD5s.

use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::operation::upload_part::UploadPartOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart, ObjectAttributes,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3_compat_tests::body;
use s3_compat_tests::server::Home;

use super::{BUCKET, Fixture, MIB, assert_same, refusal};

const ALL: [ChecksumAlgorithm; 5] = [
    ChecksumAlgorithm::Crc32,
    ChecksumAlgorithm::Crc32C,
    ChecksumAlgorithm::Crc64Nvme,
    ChecksumAlgorithm::Sha1,
    ChecksumAlgorithm::Sha256,
];

/// The one checksum among the fields of an answer.
macro_rules! sum {
    ($answer:expr) => {{
        let fields = [
            $answer.checksum_crc32(),
            $answer.checksum_crc32_c(),
            $answer.checksum_crc64_nvme(),
            $answer.checksum_sha1(),
            $answer.checksum_sha256(),
        ];
        let mut given = fields.into_iter().flatten();
        let first = given.next().map(str::to_owned);
        assert_eq!(given.next(), None, "one checksum at most");
        first
    }};
}

#[tokio::test]
async fn an_object_has_the_checksum_it_came_with() {
    let f = Fixture::new().await;
    for algorithm in ALL {
        for size in [0, 1_000, 3 * MIB] {
            let sent = body::random(size, 1);
            let put = f.s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from(sent.clone()));
            let put = put.checksum_algorithm(algorithm.clone()).send().await.unwrap();
            let value = sum!(put);
            assert!(value.is_some(), "{algorithm:?} of {size} bytes");
            let get = f.s3.get_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled);
            let whole = get.clone().send().await.unwrap();
            assert_eq!(
                (sum!(whole), whole.checksum_type()),
                (value.clone(), Some(&ChecksumType::FullObject))
            );
            // The SDK compares.
            assert_same(&whole.body.collect().await.unwrap().to_vec(), &sent);
            if size > 0 {
                let part = get.range("bytes=0-0").send().await.unwrap();
                assert_eq!(sum!(part), None);
            }
            let copy = f.s3.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/k"));
            let copied = copy.clone().send().await.unwrap().copy_object_result.unwrap();
            assert_eq!(sum!(copied), value);
            let asked = copy.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
            assert!(asked.copy_object_result.unwrap().checksum_sha256.is_some());
            f.get("copy").await;
        }
    }
    let list = f.s3.list_objects_v2().bucket(BUCKET).prefix("k").send().await.unwrap();
    assert_eq!(list.contents()[0].checksum_algorithm(), [ChecksumAlgorithm::Sha256]);
    assert_eq!(list.contents()[0].checksum_type(), Some(&ChecksumType::FullObject));
    f.finish();
}

#[tokio::test]
async fn a_body_that_is_not_what_its_checksum_says_is_not_stored() {
    let f = Fixture::new().await;
    for size in [9, 3 * MIB] {
        let put = || f.s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from(body::random(size, 1)));
        let md5 = STANDARD.encode([7; 16]);
        for wrong in [
            put().checksum_crc32("AAAAAA==").send().await,
            put().checksum_crc64_nvme("AAAAAAAAAAA=").send().await,
            put().checksum_sha256(STANDARD.encode([7; 32])).send().await,
            put().content_md5(md5).send().await,
        ] {
            assert_eq!(refusal(wrong), (400, "BadDigest".to_owned()));
        }
        f.assert_absent("k").await;
    }
    f.finish();
}

/// Two parts put together, each listed with the checksum that the answer to it held.
async fn complete(
    f: &Fixture,
    named: Option<ChecksumType>,
    algorithm: &ChecksumAlgorithm,
    bodies: &[Vec<u8>],
) -> CompleteMultipartUploadOutput {
    let create = f.s3.create_multipart_upload().bucket(BUCKET).key("k").set_checksum_type(named.clone());
    let create = create.set_checksum_algorithm(named.map(|_| algorithm.clone()));
    let id = create.send().await.unwrap().upload_id.unwrap();
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(bodies) {
        let part = f.s3.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(number);
        let part = part.checksum_algorithm(algorithm.clone()).body(ByteStream::from(body.clone()));
        parts.push(listed(number, part.send().await.unwrap()));
    }
    let list = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let size = i64::try_from(bodies.iter().map(Vec::len).sum::<usize>()).unwrap();
    let complete = f.s3.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(id);
    complete.multipart_upload(list).mpu_object_size(size).send().await.unwrap()
}

fn listed(number: i32, part: UploadPartOutput) -> CompletedPart {
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(part.e_tag)
        .set_checksum_crc32(part.checksum_crc32)
        .set_checksum_crc32_c(part.checksum_crc32_c)
        .set_checksum_crc64_nvme(part.checksum_crc64_nvme)
        .set_checksum_sha1(part.checksum_sha1)
        .set_checksum_sha256(part.checksum_sha256)
        .build()
}

#[tokio::test]
async fn a_multipart_object_has_a_checksum_over_all_or_over_its_parts() {
    let f = Fixture::new().await;
    let bodies = [body::random(5 * MIB, 1), body::random(1_000, 2)];
    let whole = bodies.concat();
    for algorithm in ALL {
        let is_sha = matches!(algorithm, ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256);
        for named in [None, Some(ChecksumType::Composite), Some(ChecksumType::FullObject)] {
            let is_full = named == Some(ChecksumType::FullObject);
            if (is_sha && is_full)
                || (algorithm == ChecksumAlgorithm::Crc64Nvme && named.is_some() && !is_full)
            {
                continue;
            }
            let done = complete(&f, named.clone(), &algorithm, &bodies).await;
            let expected = if is_full || (named.is_none() && !is_sha) {
                Some(ChecksumType::FullObject)
            } else {
                named.clone()
            };
            assert_eq!(done.checksum_type, expected, "{algorithm:?} {named:?}");
            let value = sum!(done);
            assert_eq!(
                value.as_ref().is_some_and(|sum| sum.ends_with("-2")),
                expected == Some(ChecksumType::Composite)
            );
            let get = f.s3.get_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled);
            let get = get.send().await.unwrap();
            assert_eq!((sum!(get), get.checksum_type().cloned()), (value.clone(), expected));
            // The SDK compares what is over all bytes.
            assert_same(&get.body.collect().await.unwrap().to_vec(), &whole);
            if named.is_none() {
                continue;
            }
            let asked = f.s3.get_object_attributes().bucket(BUCKET).key("k");
            let asked = asked.object_attributes(ObjectAttributes::Checksum);
            let found = asked.object_attributes(ObjectAttributes::ObjectParts).send().await.unwrap();
            let bare = value.map(|value| value.trim_end_matches("-2").to_owned());
            assert_eq!(sum!(found.checksum().unwrap()), bare);
            assert!(found.object_parts().unwrap().parts().iter().all(|part| sum!(part).is_some()));
        }
    }
    f.finish();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn etags_are_those_of_s3_where_the_operator_wants_them() {
    let home = Home::new();
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_ETAG__MODE", "md5");
    let f = Fixture::of(home.start_by(command)).await;
    for size in [0, 1_000, 3 * MIB] {
        let sent = body::random(size, 1);
        let etag = f.put("k", &sent).await;
        assert_eq!(etag, format!("\"{}\"", hex(&*md5::compute(&sent))));
        let get = f.s3.get_object().bucket(BUCKET).key("k");
        assert_eq!(get.clone().if_match(&etag).send().await.unwrap().e_tag(), Some(etag.as_str()));
        assert_eq!(refusal(get.if_none_match(&etag).send().await).0, 304);
        let list = f.s3.list_objects_v2().bucket(BUCKET).prefix("k").send().await.unwrap();
        assert_eq!(list.contents()[0].e_tag(), Some(etag.as_str()));
        let copy = f.s3.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/k"));
        let copied = copy.copy_source_if_match(&etag).send().await.unwrap().copy_object_result.unwrap();
        assert_eq!(copied.e_tag(), Some(etag.as_str()));
        f.s3.delete_object().bucket(BUCKET).key("k").if_match(&etag).send().await.unwrap();
        f.assert_absent("k").await;
    }
    let bodies = [body::random(5 * MIB, 1), body::random(1_000, 2)];
    let done = complete(&f, None, &ChecksumAlgorithm::Crc32, &bodies).await;
    let of_parts = bodies.iter().flat_map(|body| *md5::compute(body)).collect::<Vec<u8>>();
    assert_eq!(done.e_tag(), Some(format!("\"{}-2\"", hex(&*md5::compute(of_parts))).as_str()));
    f.finish();
}
