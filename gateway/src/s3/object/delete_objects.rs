//! DeleteObjects.

use s3s::dto::{DeleteObjectsInput, DeleteObjectsOutput, ObjectIdentifier};
use s3s::{S3Error, S3Request, S3Response};
use terrace_store::name::ObjectKey;
use terrace_store::object::{DeleteCondition, ETagList, WriteCondition};
use terrace_store::{Error, Refusal};

use super::no_version;
use crate::auth::RequestId;
use crate::s3::error::{self, Result};
use crate::s3::translate::xml::{Document, Encoding};
use crate::s3::{Service, front};

/// Most keys of a request (S3 API, `DeleteObjects`).
const MAX_KEYS: usize = 1_000;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<DeleteObjectsInput>,
) -> Result<S3Response<DeleteObjectsOutput>> {
    let id = request.extensions.get::<RequestId>();
    let input = request.input;
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MAX_KEYS {
        return Err(Refusal::MalformedXml.into());
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let mut keys = Vec::with_capacity(objects.len());
    let mut refused = Vec::new();
    for object in objects {
        match wanted(&object) {
            Ok(key) => keys.push(key),
            Err(problem) => refused.push((object.key, error::document_of(problem))),
        }
    }
    let outcomes = if keys.is_empty() {
        service.store.head_bucket(&bucket).await.map(|_| Vec::new())?
    } else {
        service.store.delete_objects(bucket, keys).await?
    };
    let mut document = Document::new("DeleteResult", outcomes.len() * if quiet { 0 } else { 96 });
    for deleted in outcomes {
        match deleted.outcome {
            Ok(()) if quiet => {}
            Ok(()) => {
                document.nested("Deleted", |d| d.key("Key", deleted.key.as_bytes(), Encoding::Plain));
            }
            Err(failed) => show(&mut document, deleted.key.as_bytes(), &logged(id, &failed)),
        }
    }
    for (key, why) in refused {
        show(&mut document, key.as_bytes(), &why);
    }
    Ok(front::document(document.finish()))
}

fn wanted(object: &ObjectIdentifier) -> Result<(ObjectKey, DeleteCondition)> {
    no_version(object.version_id.as_deref())?;
    let if_match = object.e_tag.as_ref().map(|etag| match etag.value() {
        "*" => ETagList::Any,
        // s3s takes the quotes off.
        value if etag.as_strong().is_some() => ETagList::These(vec![value.to_owned()]),
        // A weak ETag matches nothing that is compared strongly.
        _ => ETagList::These(Vec::new()),
    });
    let size = object.size.map(u64::try_from).transpose();
    let condition = DeleteCondition {
        etags: WriteCondition { if_match, if_none_match: None },
        last_modified: object
            .last_modified_time
            .clone()
            .map(|time| ::time::OffsetDateTime::from(time).unix_timestamp()),
        size: size.map_err(|_| Refusal::MalformedXml)?,
    };
    Ok((ObjectKey::new(object.key.clone())?, condition))
}

fn logged(id: Option<&RequestId>, failed: &Error) -> S3Error {
    error::log("delete_objects", id, failed);
    error::document(failed)
}

fn show(document: &mut Document, key: &[u8], why: &S3Error) {
    document.nested("Error", |d| {
        d.key("Key", key, Encoding::Plain);
        d.text("Code", why.code().as_str());
        d.text("Message", why.message().unwrap_or_default());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3s::dto::ETag;

    fn object(key: &str) -> ObjectIdentifier {
        ObjectIdentifier { key: key.into(), ..Default::default() }
    }

    #[test]
    fn conditions_of_a_key_are_honoured_or_refused() {
        let (key, condition) = wanted(&object("k")).unwrap();
        assert_eq!((&key.as_bytes()[..], condition.is_empty()), (&b"k"[..], true));
        let with =
            |etag| wanted(&ObjectIdentifier { e_tag: Some(etag), ..object("k") }).unwrap().1.etags.if_match;
        assert_eq!(with(ETag::Strong("*".into())), Some(ETagList::Any));
        assert_eq!(with(ETag::Strong("a-1".into())), Some(ETagList::These(vec!["a-1".into()])));
        assert_eq!(with(ETag::Weak("a-1".into())), Some(ETagList::These(vec![])));
        let time = ::time::OffsetDateTime::from_unix_timestamp(60).unwrap();
        let exact = ObjectIdentifier { size: Some(1), last_modified_time: Some(time.into()), ..object("k") };
        let exact = wanted(&exact).unwrap().1;
        assert_eq!((exact.size, exact.last_modified), (Some(1), Some(60)));
        for refused in [
            object(""),
            object(&"k".repeat(1_025)),
            ObjectIdentifier { size: Some(-1), ..object("k") },
            ObjectIdentifier { version_id: Some("v".into()), ..object("k") },
        ] {
            assert!(wanted(&refused).is_err());
        }
    }
}
