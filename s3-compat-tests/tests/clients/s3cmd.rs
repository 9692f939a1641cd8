//! s3cmd: compares ETags with MD5s, lists by version 1, asks for the ACL of what it copies.

use std::fs;

use s3_compat_tests::body;
use s3_compat_tests::server::{ACCESS_KEY, SECRET_KEY};
use s3_compat_tests::sign::Request;

use crate::command_line::{Tool, assert_opens, md5_hex};
use crate::files::{assert_same_contents, contents};
use crate::keys::odd_keys;

const MIB: usize = 1024 * 1024;

/// s3cmd against a gateway with its default settings.
fn s3cmd() -> Option<Tool> {
    Some(configured(Tool::start("s3cmd", "--version")?))
}

/// s3cmd, as its own `--configure` would set it up, with an empty bucket `bucket`.
fn configured(tool: Tool) -> Tool {
    let address = tool.server().address();
    let is_secure = if tool.server().endpoint().starts_with("https:") { "True" } else { "False" };
    // Its default region `US` is wrong everywhere: it finds the right one in the refusal.
    let settings = format!(
        "[default]\naccess_key = {ACCESS_KEY}\nsecret_key = {SECRET_KEY}\n\
         host_base = {address}\nhost_bucket = {address}\nuse_https = {is_secure}\n"
    );
    tool.write("s3cfg", settings.as_bytes());
    let tool = tool.argument("--config=s3cfg").argument("--no-progress");
    tool.run(&["mb", "s3://bucket"]);
    tool
}

#[test]
fn a_tree_is_synchronised_in_both_directions() {
    let Some(f) = s3cmd() else { return };
    f.write_tree();
    let said = f.run(&["sync", "source/", "s3://bucket/t/"]);
    assert_eq!(said.matches("upload: ").count(), 5, "{said}");
    assert_eq!(f.run(&["sync", "source/", "s3://bucket/t/"]), "", "nothing has changed");
    fs::create_dir(f.path("back")).unwrap();
    f.run(&["sync", "s3://bucket/t/", "back/"]);
    assert_same_contents(&f.path("source"), &f.path("back"));
    fs::remove_file(f.path("source/a")).unwrap();
    f.write("source/empty", b"no longer");
    f.run(&["sync", "--delete-removed", "source/", "s3://bucket/t/"]);
    f.run(&["sync", "--delete-removed", "s3://bucket/t/", "back/"]);
    assert_same_contents(&f.path("source"), &f.path("back"));
    assert!(f.refused(&["rb", "s3://bucket"]).err.contains("BucketNotEmpty"));
    f.run(&["rb", "--recursive", "--force", "s3://bucket"]);
    assert_eq!(f.run(&["ls"]), "");
    assert!(f.refused(&["ls", "s3://bucket"]).err.contains("NoSuchBucket"));
    f.finish();
}

#[test]
fn large_files_go_in_parts() {
    let Some(f) = s3cmd() else { return };
    // In parts of 15 MiB.
    f.write("large", &body::random(33 * MIB, 2));
    f.run(&["put", "large", "s3://bucket/large"]);
    f.run(&["cp", "s3://bucket/large", "s3://bucket/copy"]);
    f.run(&["mv", "s3://bucket/copy", "s3://bucket/moved"]);
    let said = f.said(&["get", "s3://bucket/moved", "back"]);
    assert!(f.content("back") == f.content("large"));
    assert!(!said.err.contains("MD5"), "{}", said.err);
    let uploads = f.run(&["multipart", "s3://bucket"]);
    assert_eq!(uploads.lines().count(), 2, "no upload is left open: {uploads}");
    assert!(f.run(&["du", "s3://bucket"]).trim_start().starts_with(&format!("{} ", 2 * 33 * MIB)));
    f.finish();
}

#[test]
fn a_signed_url_is_open_to_who_holds_it() {
    let Some(f) = s3cmd() else { return };
    f.write("small", b"by url");
    f.run(&["put", "small", "s3://bucket/key"]);
    // By signature version 2.
    let url = f.run(&["signurl", "s3://bucket/key", "+600"]);
    assert_opens(f.server(), url.trim(), "key", "by url");
    f.finish();
}

#[test]
fn many_keys_are_listed_and_removed() {
    let Some(f) = s3cmd() else { return };
    let names = f.write_many();
    f.run(&["put", "--recursive", "many", "s3://bucket/"]);
    let listed = f.run(&["ls", "s3://bucket/many/"]);
    let listed: Vec<&str> =
        listed.lines().filter_map(|line| line.split_once("/many/")).map(|(_, n)| n).collect();
    assert_eq!(listed, names);
    let said = f.run(&["del", "--recursive", "--force", "s3://bucket"]);
    assert_eq!(said.matches("delete: ").count(), 1100);
    f.run(&["rb", "s3://bucket"]);
    f.finish();
}

#[test]
fn odd_keys_come_back() {
    let Some(f) = s3cmd() else { return };
    let keys = odd_keys(|_| true);
    for key in &keys {
        f.write("file", key.as_bytes());
        let url = format!("s3://bucket/{key}");
        f.run(&["put", "file", &url]);
        f.run(&["get", "--force", &url, "back"]);
        assert_eq!(f.content("back"), key.as_bytes(), "{key}");
        f.run(&["cp", &url, "s3://bucket/copy"]);
        f.run(&["get", "--force", "s3://bucket/copy", "back"]);
        assert_eq!(f.content("back"), key.as_bytes(), "the copy of {key}");
    }
    let listed = f.run(&["ls", "--recursive", "s3://bucket"]);
    for key in keys {
        assert!(listed.lines().any(|line| line.ends_with(&format!(" s3://bucket/{key}"))), "{key}: {listed}");
    }
    f.finish();
}

#[test]
fn metadata_and_what_is_asked_of_a_bucket() {
    let Some(f) = s3cmd() else { return };
    f.write("file", b"0123456789");
    f.run(&["put", "--add-header=x-amz-meta-color:blue", "--mime-type=text/x-y", "file", "s3://bucket/file"]);
    let said = f.run(&["info", "s3://bucket/file"]);
    assert!(said.contains("x-amz-meta-color: blue") && said.contains("MIME type: text/x-y"), "{said}");
    assert!(said.contains("FULL_CONTROL"), "{said}");
    f.run(&["modify", "--add-header=x-amz-meta-color:red", "s3://bucket/file"]);
    let said = f.run(&["info", "s3://bucket/file"]);
    assert!(said.contains("x-amz-meta-color: red") && said.contains("/mtime:1700000000/"), "{said}");
    // What is there already is left out of the request.
    f.write("back", b"0123");
    f.run(&["get", "--continue", "s3://bucket/file", "back"]);
    assert_eq!(f.content("back"), b"0123456789");
    let said = f.run(&["info", "s3://bucket"]);
    for line in ["Location:  us-east-1", "Payer:     BucketOwner", "Policy:    none", "CORS:      none"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    f.finish();
}

#[test]
fn it_works_over_tls() {
    let Some(tool) = Tool::start_secured("s3cmd", "--version", &[]) else { return };
    let authority = tool.authority();
    let f = configured(tool.argument("--ca-certs").argument(authority));
    f.there_and_back(&["put"], &["get", "--force"], "s3://bucket");
    f.finish_over_tls("HTTP/1.1");
}

#[test]
fn etags_that_are_md5s_are_compared() {
    let Some(tool) = Tool::start_with("s3cmd", "--version", &[("TERRACE_ETAG__MODE", "md5")]) else { return };
    let f = configured(tool);
    f.write_tree();
    f.write("source/parts", &body::random(33 * MIB, 3));
    f.run(&["sync", "source/", "s3://bucket/t/"]);
    assert_eq!(f.run(&["sync", "source/", "s3://bucket/t/"]), "", "nothing has changed");
    // A change that neither size nor time tells.
    f.write("source/a", b"b");
    let said = f.run(&["sync", "source/", "s3://bucket/t/"]);
    assert_eq!(said.matches("upload: ").count(), 1, "{said}");
    let listed = f.run(&["ls", "--list-md5", "--recursive", "s3://bucket/t/"]);
    for (name, content) in contents(&f.path("source")) {
        let line = listed.lines().find(|line| line.ends_with(&format!("s3://bucket/t/{name}")));
        assert!(line.is_some_and(|line| line.contains(&md5_hex(&content))), "{name}: {listed}");
    }
    fs::create_dir(f.path("back")).unwrap();
    let said = f.said(&["sync", "s3://bucket/t/", "back/"]);
    assert!(!said.err.contains("MD5"), "{}", said.err);
    assert_same_contents(&f.path("source"), &f.path("back"));
    assert_eq!(f.run(&["sync", "s3://bucket/t/", "back/"]), "");
    f.finish();
}

#[test]
fn streams_go_in_and_out() {
    let Some(f) = s3cmd() else { return };
    f.write("nothing", b"");
    for size in [1000, 20 * MIB] {
        f.write("stream", &body::random(size, 4));
        f.piped(&["put", "-", "s3://bucket/stream"], "stream", "said");
        f.piped(&["get", "s3://bucket/stream", "-"], "nothing", "back");
        assert!(f.content("back") == f.content("stream"), "{size} bytes came back changed");
    }
    f.finish();
}

#[test]
fn an_upload_that_broke_off_goes_on() {
    for (mode, skipped) in [("revision", 0), ("md5", 1)] {
        let Some(tool) = Tool::start_with("s3cmd", "--version", &[("TERRACE_ETAG__MODE", mode)]) else {
            return;
        };
        let f = configured(tool);
        f.write("large", &body::random(33 * MIB, 2));
        let (_, said) = f.send(&Request::new("POST", "/bucket/large").query("uploads=").body(b""), b"");
        let id = said.split_once("<UploadId>").unwrap().1.split('<').next().unwrap();
        let first = &f.content("large")[..15 * MIB];
        let part = Request::new("PUT", "/bucket/large").query(&format!("partNumber=1&uploadId={id}"));
        f.send(&part.body(first), first);
        // It takes a part for sent if its ETag is the MD5 of what it would send.
        let said = f.said(&["put", "--continue-put", "large", "s3://bucket/large"]);
        assert_eq!((said.out + &said.err).matches("skipping").count(), skipped, "{mode}");
        f.run(&["get", "s3://bucket/large", "back"]);
        assert!(f.content("back") == f.content("large"));
        f.finish();
    }
}

#[test]
fn folders_are_copied_moved_and_counted() {
    let Some(f) = s3cmd() else { return };
    f.write_tree();
    f.run(&["put", "--recursive", "--storage-class=STANDARD_IA", "source/", "s3://bucket/t/"]);
    f.run(&["cp", "--recursive", "s3://bucket/t/", "s3://bucket/u/"]);
    f.run(&["mv", "--recursive", "s3://bucket/u/", "s3://bucket/v/"]);
    fs::create_dir(f.path("back")).unwrap();
    f.run(&["get", "--recursive", "s3://bucket/v/", "back/"]);
    assert_same_contents(&f.path("source"), &f.path("back"));
    let listed = f.run(&["ls", "--long-listing", "--recursive", "s3://bucket"]);
    assert_eq!(listed.matches(" STANDARD_IA ").count(), 5, "{listed}");
    f.run(&["setacl", "--acl-private", "s3://bucket/t/a"]);
    let said = f.refused(&["setacl", "--acl-public", "s3://bucket/t/a"]);
    assert!(said.err.contains("NotImplemented"), "{}", said.err);
    f.run(&["del", "s3://bucket/never there"]);
    f.finish();
}
