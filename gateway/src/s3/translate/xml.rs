//! XML of answers that hold keys. s3s writes control characters raw, which no XML parser reads back (a carriage return even comes back
//! as another character); S3 writes them as character references, and so do we. A page of 1,000 entries is one buffer, written once.

use std::io::Write as _;

use bytes::Bytes;

use super::url;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// How keys are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As text.
    Plain,
    /// Percent-encoded: the client asked with `encoding-type=url`.
    Url,
}

/// A document being written.
pub(crate) struct Document {
    root: &'static str,
    out: Vec<u8>,
}

impl Document {
    /// Begins a document; `capacity` in bytes.
    pub(crate) fn new(root: &'static str, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity + 192);
        out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        for piece in [root, " xmlns=\"", NAMESPACE, "\">"] {
            out.extend_from_slice(piece.as_bytes());
        }
        Self { root, out }
    }

    /// Continues a document that ends with its root; `None` if it does not.
    pub(crate) fn reopened(root: &'static str, document: &[u8]) -> Option<Self> {
        let open = document.strip_suffix(format!("</{root}>").as_bytes())?;
        let mut out = Vec::with_capacity(document.len() + 512);
        out.extend_from_slice(open);
        Some(Self { root, out })
    }

    /// An element with elements inside.
    pub(crate) fn nested(&mut self, name: &'static str, inside: impl FnOnce(&mut Self)) {
        self.tag("<", name);
        inside(self);
        self.tag("</", name);
    }

    /// An element with text.
    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        self.nested(name, |document| document.escaped(text.as_bytes()));
    }

    /// An element with text that is known to hold nothing to escape.
    pub(crate) fn plain(&mut self, name: &'static str, text: &[u8]) {
        self.nested(name, |document| document.out.extend_from_slice(text));
    }

    /// An element with a number.
    pub(crate) fn number(&mut self, name: &'static str, number: u64) {
        self.nested(name, |document| document.write(format_args!("{number}")));
    }

    /// An element with `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &'static str, value: bool) {
        self.plain(name, if value { b"true" } else { b"false" });
    }

    /// An element with a quoted ETag, its quotes as S3 writes them.
    pub(crate) fn etag(&mut self, etag: terrace_store::object::ETag) {
        self.nested("ETag", |document| {
            document.write(format_args!("&quot;{}&quot;", etag.bare()));
        });
    }

    /// An element with a key, prefix, delimiter or marker.
    pub(crate) fn key(&mut self, name: &'static str, key: &[u8], encoding: Encoding) {
        self.nested(name, |document| match encoding {
            Encoding::Url => document.write(format_args!("{}", url::encode(key))),
            Encoding::Plain if std::str::from_utf8(key).is_ok() => document.escaped(key),
            Encoding::Plain => document.escaped(String::from_utf8_lossy(key).as_bytes()),
        });
    }

    /// The document.
    pub(crate) fn finish(mut self) -> Bytes {
        self.tag("</", self.root);
        self.out.into()
    }

    fn tag(&mut self, open: &str, name: &str) {
        self.out.extend_from_slice(open.as_bytes());
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing into memory does not fail.
        let _ = self.out.write_fmt(text);
    }

    fn escaped(&mut self, text: &[u8]) {
        let mut written = 0;
        for (at, byte) in text.iter().enumerate() {
            let replacement: &[u8] = match byte {
                b'&' => b"&amp;",
                b'<' => b"&lt;",
                b'>' => b"&gt;",
                b'"' => b"&quot;",
                0..0x20 => b"",
                _ => continue,
            };
            self.out.extend_from_slice(&text[written..at]);
            written = at + 1;
            self.out.extend_from_slice(replacement);
            if replacement.is_empty() {
                self.write(format_args!("&#x{byte:X};"));
            }
        }
        self.out.extend_from_slice(&text[written..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(write: impl FnOnce(&mut Document)) -> String {
        let mut document = Document::new("R", 0);
        write(&mut document);
        let text = String::from_utf8(document.finish().to_vec()).unwrap();
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        text.strip_prefix(head).unwrap().strip_suffix("</R>").unwrap().to_owned()
    }

    #[test]
    fn keys_survive_xml() {
        for (key, plain, url) in [
            ("a/b", "a/b", "a/b"),
            ("<&>\"'", "&lt;&amp;&gt;&quot;'", "%3C%26%3E%22%27"),
            ("\r\n\t\u{1}", "&#xD;&#xA;&#x9;&#x1;", "%0D%0A%09%01"),
            ("ä𝄞", "ä𝄞", "%C3%A4%F0%9D%84%9E"),
            ("", "", ""),
        ] {
            assert_eq!(one(|d| d.key("Key", key.as_bytes(), Encoding::Plain)), format!("<Key>{plain}</Key>"));
            assert_eq!(one(|d| d.key("Key", key.as_bytes(), Encoding::Url)), format!("<Key>{url}</Key>"));
        }
        assert_eq!(one(|d| d.key("Key", b"\xFFa", Encoding::Plain)), "<Key>\u{FFFD}a</Key>");
    }

    #[test]
    fn elements_nest() {
        let written = one(|d| {
            d.nested("A", |d| {
                d.number("N", 10);
                d.boolean("T", true);
                d.text("S", "a&b");
            });
        });
        assert_eq!(written, "<A><N>10</N><T>true</T><S>a&amp;b</S></A>");
    }
}
