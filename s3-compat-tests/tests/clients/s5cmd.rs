//! s5cmd: many requests at once, by the first Go SDK.

use std::fs;

use s3_compat_tests::body;

use crate::command_line::{Tool, assert_opens};
use crate::files::assert_same_contents;
use crate::keys::odd_keys;

const MIB: usize = 1024 * 1024;

fn s5cmd() -> Option<Tool> {
    Some(bucket(Tool::start("s5cmd", "version")?))
}

/// s5cmd with an empty bucket `bucket`.
fn bucket(tool: Tool) -> Tool {
    let endpoint = tool.server().endpoint().to_owned();
    let tool = tool.environment("S3_ENDPOINT_URL", endpoint);
    tool.run(&["mb", "s3://bucket"]);
    tool
}

#[test]
fn a_tree_is_copied_and_synchronised() {
    let Some(f) = s5cmd() else { return };
    f.write_tree();
    f.run(&["cp", "source/", "s3://bucket/t/"]);
    // An empty file is read by a range of nothing, which must be refused.
    f.run(&["cp", "s3://bucket/t/*", "back/"]);
    assert_same_contents(&f.path("source"), &f.path("back"));
    assert_eq!(f.run(&["sync", "source/", "s3://bucket/t/"]), "");
    fs::remove_file(f.path("source/a")).unwrap();
    f.write("source/empty", b"no longer");
    let said = f.run(&["sync", "--delete", "source/", "s3://bucket/t/"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    f.run(&["cp", "s3://bucket/t/*", "s3://bucket/u/"]);
    f.run(&["cp", "s3://bucket/u/*", "again/"]);
    assert_same_contents(&f.path("source"), &f.path("again"));
    f.refused(&["rb", "s3://bucket"]);
    f.run(&["rm", "s3://bucket/*"]);
    f.run(&["rb", "s3://bucket"]);
    assert_eq!(f.run(&["ls"]), "");
    f.finish();
}

#[test]
fn large_files_and_streams_go_in_parts() {
    let Some(f) = s5cmd() else { return };
    // In parts of 50 MiB, down by ranges of as much.
    f.write("large", &body::random(101 * MIB, 2));
    f.run(&["cp", "large", "s3://bucket/large"]);
    assert!(f.run(&["head", "s3://bucket/large"]).contains(r#"-3","metadata""#));
    f.run(&["cp", "s3://bucket/large", "back"]);
    assert!(f.content("back") == f.content("large"));
    f.piped(&["pipe", "s3://bucket/stream"], "large", "nothing");
    f.run(&["mv", "s3://bucket/stream", "s3://bucket/moved"]);
    f.piped(&["cat", "s3://bucket/moved"], "nothing", "back");
    assert!(f.content("back") == f.content("large"));
    f.finish();
}

#[test]
fn many_keys_are_listed_and_removed() {
    let Some(f) = s5cmd() else { return };
    let names = f.write_many();
    f.run(&["cp", "many/", "s3://bucket/many/"]);
    let listed = f.run(&["ls", "s3://bucket/many/"]);
    let listed: Vec<&str> =
        listed.lines().filter_map(|line| line.split_once("  file")).map(|(_, n)| n).collect();
    assert_eq!(listed, names.iter().filter_map(|name| name.strip_prefix("file")).collect::<Vec<_>>());
    assert!(f.run(&["du", "s3://bucket/*"]).starts_with("9900 bytes in 1100 objects"));
    assert_eq!(f.run(&["rm", "s3://bucket/many/*"]).lines().count(), 1100);
    f.run(&["rb", "s3://bucket"]);
    f.finish();
}

#[test]
fn odd_keys_come_back() {
    let Some(f) = s5cmd() else { return };
    let keys = odd_keys(|key| !key.contains(['*', '?']));
    for key in &keys {
        f.write("file", key.as_bytes());
        f.piped(&["pipe", "--raw", &format!("s3://bucket/{key}")], "file", "nothing");
        assert_eq!(f.run(&["cat", "--raw", &format!("s3://bucket/{key}")]), *key);
        // Its copies name their source with `+` for a space.
        f.run(&["cp", "--raw", &format!("s3://bucket/{key}"), "s3://bucket/copy"]);
        assert_eq!(f.run(&["cat", "s3://bucket/copy"]), *key);
    }
    let listed = f.run(&["ls", "s3://bucket/*"]);
    assert_eq!(listed.lines().count(), keys.len() + 1, "{listed}");
    f.finish();
}

#[test]
fn metadata_and_presigned() {
    let Some(f) = s5cmd() else { return };
    f.write("file", b"0123456789");
    f.run(&["cp", "--metadata", "color=blue", "--content-type", "text/x-y", "file", "s3://bucket/file"]);
    let said = f.run(&["head", "s3://bucket/file"]);
    assert!(said.contains(r#""content_type":"text/x-y""#), "{said}");
    assert!(said.contains(r#""metadata":{"color":"blue"}"#), "{said}");
    assert_opens(f.server(), &f.run(&["presign", "s3://bucket/file"]), "file", "0123456789");
    let said = f.refused(&["cat", "s3://bucket/absent"]);
    assert!(said.err.contains("not found"), "{}", said.err);
    f.finish();
}

#[test]
fn it_works_over_tls() {
    let Some(tool) = Tool::start_secured("s5cmd", "version", &[]) else { return };
    let authority = tool.authority();
    // It has no option for this: Go's own variable.
    let f = bucket(tool.environment("SSL_CERT_FILE", authority));
    f.there_and_back(&["cp"], &["cp"], "s3://bucket");
    f.finish_over_tls("HTTP/2.0");
}

#[test]
fn a_list_of_commands_and_all_versions() {
    let Some(f) = s5cmd() else { return };
    f.write("file", b"0123456789");
    f.write("list", b"cp file s3://bucket/a\ncp --storage-class STANDARD_IA file s3://bucket/b\n");
    f.run(&["run", "list"]);
    let listed = f.run(&["ls", "--storage-class", "s3://bucket"]);
    assert!(listed.contains(" STANDARD ") && listed.contains(" STANDARD_IA "), "{listed}");
    assert!(f.run(&["bucket-version", "s3://bucket"]).contains("unversioned"));
    f.refused(&["cp", "--sse", "aws:kms", "file", "s3://bucket/secret"]);
    f.refused(&["cp", "--acl", "public-read", "file", "s3://bucket/public"]);
    let listed = f.run(&["ls", "--all-versions", "s3://bucket/*"]);
    assert_eq!(listed.lines().filter(|line| line.trim_end().ends_with("null")).count(), 2, "{listed}");
    assert_eq!(f.run(&["rm", "--all-versions", "s3://bucket/*"]).lines().count(), 2);
    f.run(&["rb", "s3://bucket"]);
    f.finish();
}
