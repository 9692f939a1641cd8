//! Rule 9: XML that s3s would misread. It passes over CDATA, so that a key inside would read as empty, and over a DOCTYPE; and it builds
//! whatever it is given.

use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

use super::super::Refusal;

/// Most elements of a document: 10,000 parts of CompleteMultipartUpload with all that may be said of each.
const ELEMENTS: usize = 100_000;
/// Deepest nesting of elements; the deepest document of S3 has less than ten.
const DEPTH: usize = 32;

/// Checks a document, and gives it with each CDATA section as escaped text.
///
/// # Errors
/// `MalformedXml`: not well-formed, a DOCTYPE, too many elements or too deep.
pub(crate) fn check(document: Bytes) -> Result<Bytes, Refusal> {
    let mut reader = Reader::from_reader(&document[..]);
    let (mut elements, mut depth) = (0, 0_usize);
    let mut rewritten: Vec<u8> = Vec::new();
    let mut copied = 0;
    loop {
        let begin = place(&reader)?;
        match reader.read_event().map_err(|_malformed| Refusal::MalformedXml)? {
            Event::Start(_) => (elements, depth) = (elements + 1, depth + 1),
            Event::Empty(_) => elements += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::CData(data) => {
                rewritten.extend_from_slice(&document[copied..begin]);
                rewritten.extend_from_slice(escape(data.as_ref()).as_bytes());
                copied = place(&reader)?;
            }
            Event::DocType(_) => return Err(Refusal::MalformedXml),
            Event::Eof => break,
            Event::Text(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::GeneralRef(_) => {}
        }
        if elements > ELEMENTS || depth > DEPTH {
            return Err(Refusal::MalformedXml);
        }
    }
    if depth > 0 {
        return Err(Refusal::MalformedXml);
    }
    if copied == 0 {
        return Ok(document);
    }
    rewritten.extend_from_slice(&document[copied..]);
    Ok(rewritten.into())
}

/// Where the reader is, in bytes from the beginning.
fn place(reader: &Reader<&[u8]>) -> Result<usize, Refusal> {
    usize::try_from(reader.buffer_position()).map_err(|_beyond| Refusal::MalformedXml)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(document: &str) -> Option<String> {
        let checked = check(Bytes::copy_from_slice(document.as_bytes())).ok()?;
        Some(String::from_utf8(checked.to_vec()).unwrap())
    }

    #[test]
    fn a_document_without_cdata_is_left_as_it_is() {
        for document in [
            "<a><b/>x&amp;y</a>",
            "<?xml version=\"1.0\"?>\n<!-- c --><a x=\"1\">&#65;</a>\n",
            "",
            "{\"json\": 1}",
        ] {
            assert_eq!(checked(document).as_deref(), Some(document));
        }
    }

    #[test]
    fn cdata_becomes_text() {
        for (document, wanted) in [
            ("<Key><![CDATA[a<b>&c]]></Key>", "<Key>a&lt;b&gt;&amp;c</Key>"),
            ("<a>1<![CDATA[2]]>3<![CDATA[]]>4</a>", "<a>1234</a>"),
            ("<a><![CDATA[]]]]><![CDATA[>]]></a>", "<a>]]&gt;</a>"),
        ] {
            assert_eq!(checked(document).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_is_no_document_of_s3_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"x\">]><a>&b;</a>";
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        let wide = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS));
        let broken = ["<a>", "<a></b>", "</a>", "<a", "<![CDATA[", "<a><!DOCTYPE x></a>", "<!doctype a><a/>"];
        for document in broken.into_iter().chain([bomb, &deep, &wide]) {
            assert_eq!(checked(document), None, "{}", &document[..document.len().min(60)]);
        }
        assert!(checked(&format!("<a>{}</a>", "<b/>".repeat(ELEMENTS - 1))).is_some());
        assert!(check(Bytes::from_static(b"<a><![CDATA[\xFF]]></a>")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_refused_or_left_without_cdata(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "<a>", "</a>", "<b/>", "<![CDATA[", "]]>", "<!--", "-->", "&amp;", "x", "]]", "<", ">", "<?p ?>", "é",
            ]), 0..12),
        ) {
            let document = pieces.concat();
            if let Some(once) = checked(&document) {
                proptest::prop_assert_eq!(checked(&once), Some(once));
            }
        }
    }
}
