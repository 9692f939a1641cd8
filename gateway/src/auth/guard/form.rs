//! Browser form uploads (POST policy) are not built. s3s would read such a body whole before any access check, so they are
//! refused here.

use http::request::Parts;
use http::{Method, header};

use super::super::Refusal;

/// Refuses a POST of `multipart/form-data`.
pub(crate) fn check(parts: &Parts) -> Result<(), Refusal> {
    if parts.method != Method::POST {
        return Ok(());
    }
    const FORM: &[u8] = b"multipart/form-data";
    let is_form = |value: &http::HeaderValue| {
        value.as_bytes().trim_ascii().get(..FORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
    };
    if parts.headers.get_all(header::CONTENT_TYPE).iter().any(is_form) {
        return Err(Refusal::NotImplemented("Uploads by HTML form (POST policy) are not supported."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn a_form_upload_is_refused() {
        for (method, kind, accepted) in [
            ("POST", "multipart/form-data; boundary=x", false),
            ("POST", " Multipart/Form-Data", false),
            ("POST", "application/xml", true),
            ("PUT", "multipart/form-data; boundary=x", true),
        ] {
            let request = Request::builder().method(method).uri("/b").header("content-type", kind);
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(check(&parts).is_ok(), accepted, "{method} {kind}");
        }
    }
}
