//! `x-amz-copy-source`.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use terrace_store::Refusal;
use terrace_store::name::{BucketName, ObjectKey};

/// What `x-amz-copy-source` names: `[/]bucket/key[?versionId=id]`, percent-encoded, with `+` for a space.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The source's bucket.
    pub(crate) bucket: BucketName,
    /// The source's key.
    pub(crate) key: ObjectKey,
    /// The version, if the client names one.
    pub(crate) version: Option<String>,
}

/// Reads the header. The bucket may be divided from the key by an encoded slash (clients that encode the whole value).
///
/// # Errors
/// `InvalidArgument`, `InvalidBucketName`, `KeyTooLong`.
pub(crate) fn parse(header: &[u8]) -> Result<Named, Refusal> {
    let refused = Refusal::InvalidArgument(
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
    );
    let (path, query) = match header.iter().position(|byte| *byte == b'?') {
        Some(at) => (&header[..at], Some(&header[at + 1..])),
        None => (header, None),
    };
    let version = query.map(version).transpose()?;
    let path = decode(path).ok_or_else(|| refused.clone())?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let (bucket, key) =
        path.split_once('/').filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()).ok_or(refused)?;
    Ok(Named { bucket: BucketName::new(bucket)?, key: ObjectKey::new(key.to_owned())?, version })
}

fn version(query: &[u8]) -> Result<String, Refusal> {
    query
        .strip_prefix(b"versionId=")
        .and_then(decode)
        .ok_or(Refusal::InvalidArgument("Copy Source has a query string that is not a versionId"))
}

fn decode(text: &[u8]) -> Option<String> {
    let spaced: Cow<'_, [u8]> = if text.contains(&b'+') {
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect()
    } else {
        text.into()
    };
    percent_decode(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_decoded_as_clients_write_them() {
        for (header, bucket, key, version) in [
            ("src/key", "src", "key", None),
            ("/src/key", "src", "key", None),
            ("src//key", "src", "/key", None),
            ("src/a+b%2Bc%20d", "src", "a b+c d", None),
            ("src/a%3Fb%25", "src", "a?b%", None),
            ("src%2Fdir%2Fkey", "src", "dir/key", None),
            ("src/k?versionId=null", "src", "k", Some("null")),
            ("src/%C3%A4", "src", "ä", None),
        ] {
            let named = parse(header.as_bytes()).unwrap();
            assert_eq!(named.bucket.as_str(), bucket, "{header}");
            assert_eq!(named.key.as_bytes(), key, "{header}");
            assert_eq!(named.version.as_deref(), version, "{header}");
        }
        assert_eq!(parse("src/ä".as_bytes()).unwrap().key.as_bytes(), "ä");
    }

    #[test]
    fn what_names_no_object_is_refused() {
        for header in ["", "/", "src", "src/", "/src/", "//key", "src/%FF", "src/k?x=1", "arn:aws:s3:::src"] {
            assert!(matches!(parse(header.as_bytes()), Err(Refusal::InvalidArgument(_))), "{header}");
        }
        assert_eq!(parse(b"Not_A_Bucket/key"), Err(Refusal::InvalidBucketName));
        assert_eq!(parse(format!("src/{}", "k".repeat(1_025)).as_bytes()), Err(Refusal::KeyTooLong));
    }
}
