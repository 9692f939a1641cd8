//! rclone, as the provider `Other`: lists by version 1, sends Content-MD5 and unsigned payloads, keeps times of change as metadata.

use std::collections::BTreeSet;
use std::fs;

use s3_compat_tests::server::{ACCESS_KEY, SECRET_KEY};
use s3_compat_tests::{binary, body};

use crate::command_line::{Tool, assert_opens, md5_hex};
use crate::files::{assert_same_contents, contents};
use crate::keys::odd_keys;

const MIB: usize = 1024 * 1024;

/// rclone against a gateway with its default settings.
fn rclone() -> Option<Tool> {
    Some(remote(Tool::start("rclone", "version")?, "Other"))
}

/// rclone with a remote `s3` of this provider and an empty bucket `bucket`.
fn remote(tool: Tool, provider: &str) -> Tool {
    let endpoint = tool.server().endpoint().to_owned();
    let tool = tool
        .environment("RCLONE_CONFIG", "/dev/null")
        .environment("RCLONE_CONFIG_S3_TYPE", "s3")
        .environment("RCLONE_CONFIG_S3_PROVIDER", provider)
        .environment("RCLONE_CONFIG_S3_ENDPOINT", endpoint)
        .environment("RCLONE_CONFIG_S3_ACCESS_KEY_ID", ACCESS_KEY)
        .environment("RCLONE_CONFIG_S3_SECRET_ACCESS_KEY", SECRET_KEY);
    tool.run(&["mkdir", "s3:bucket"]);
    tool
}

#[test]
fn a_tree_is_copied_checked_and_synchronised() {
    let Some(f) = rclone() else { return };
    f.write_tree();
    f.run(&["copy", "source", "s3:bucket/t"]);
    let said = f.said(&["copy", "-v", "source", "s3:bucket/t"]);
    assert!(said.err.contains("There was nothing to transfer"), "{}", said.err);
    let said = f.said(&["check", "source", "s3:bucket/t"]);
    assert!(said.err.contains("5 matching files"), "{}", said.err);
    let said = f.said(&["check", "--download", "source", "s3:bucket/t"]);
    assert!(said.err.contains("5 matching files") && !said.err.contains("could not be"), "{}", said.err);
    let times = f.run(&["lsf", "-R", "--files-only", "--format", "t", "s3:bucket/t"]);
    assert!(times.lines().all(|time| time == "2023-11-14 22:13:20") && times.lines().count() == 5, "{times}");
    f.run(&["copy", "s3:bucket/t", "back"]);
    assert_same_contents(&f.path("source"), &f.path("back"));

    fs::remove_file(f.path("source/a")).unwrap();
    f.write("source/empty", b"no longer");
    f.write("source/new", b"new");
    f.refused(&["check", "source", "s3:bucket/t"]);
    f.run(&["sync", "source", "s3:bucket/t"]);
    f.run(&["sync", "s3:bucket/t", "s3:bucket/u"]);
    f.run(&["sync", "s3:bucket/u", "back"]);
    assert_same_contents(&f.path("source"), &f.path("back"));
    f.run(&["purge", "s3:bucket/t"]);
    assert_eq!(f.run(&["lsf", "s3:bucket"]), "u/\n");
    f.run(&["purge", "s3:bucket"]);
    assert_eq!(f.run(&["lsd", "s3:"]), "");
    f.finish();
}

#[test]
fn hashes_are_those_of_the_files() {
    let Some(f) = rclone() else { return };
    f.write_tree();
    f.run(&["copy", "source", "s3:bucket"]);
    let sums = f.run(&["hashsum", "MD5", "--download", "s3:bucket"]);
    let files = contents(&f.path("source"));
    let expected = files.iter().map(|(name, content)| format!("{}  {name}", md5_hex(content)));
    let mut lines: Vec<&str> = sums.lines().collect();
    lines.sort_unstable();
    let mut expected: Vec<String> = expected.collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    f.finish();
}

#[test]
fn large_files_and_streams_go_in_parts() {
    let Some(f) = rclone() else { return };
    // Above 200 MiB rclone sends parts; up to there one PUT; a stream in parts of 5 MiB.
    let large = body::random(201 * MIB, 2);
    f.write("single", &large[..200 * MIB]);
    f.run(&["copyto", "single", "s3:bucket/large"]);
    f.piped(&["cat", "s3:bucket/large"], "single", "back");
    assert!(f.content("back") == f.content("single"));
    f.write("large", &large);
    f.run(&["copy", "large", "s3:bucket"]);
    let said = f.said(&["check", "--download", "--include", "large", ".", "s3:bucket"]);
    assert!(said.err.contains("1 matching files"), "{}", said.err);
    f.write("stream", &body::random(18 * MIB, 3));
    f.piped(&["rcat", "s3:bucket/stream"], "stream", "nothing");
    f.run(&["copyto", "s3:bucket/stream", "s3:bucket/copy"]);
    f.run(&["moveto", "s3:bucket/copy", "s3:bucket/moved"]);
    f.run(&["copyto", "s3:bucket/moved", "back"]);
    assert!(f.content("back") == f.content("stream"));
    assert_eq!(f.run(&["lsf", "s3:bucket"]), "large\nmoved\nstream\n");
    f.run(&["cleanup", "s3:bucket"]);
    f.finish();
}

#[test]
fn many_keys_are_listed_and_removed() {
    let Some(f) = rclone() else { return };
    let names = f.write_many();
    f.run(&["copy", "--transfers", "16", "many", "s3:bucket/many"]);
    let listed = f.run(&["lsf", "s3:bucket/many"]);
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
    assert!(f.run(&["size", "s3:bucket"]).contains("Total objects: 1.100k (1100)"));
    f.run(&["delete", "s3:bucket/many"]);
    assert_eq!(f.run(&["lsf", "-R", "s3:bucket"]), "");
    f.finish();
}

#[test]
fn odd_keys_come_back() {
    let Some(f) = rclone() else { return };
    let mut keys = odd_keys(|key| !key.contains("//"));
    for key in &keys {
        f.write("file", key.as_bytes());
        f.piped(&["rcat", &format!("s3:bucket/{key}")], "file", "nothing");
        assert_eq!(f.run(&["cat", &format!("s3:bucket/{key}")]), *key);
    }
    let listed = f.run(&["lsf", "-R", "--files-only", "s3:bucket"]);
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    keys.sort_unstable();
    assert_eq!(listed, keys);
    f.finish();
}

#[test]
fn metadata_ranges_and_links() {
    let Some(f) = rclone() else { return };
    f.write("file", b"0123456789");
    let set = ["--metadata-set", "color=blue", "--metadata-set", "content-type=text/x-y"];
    f.run(&[&["copyto", "--metadata"], &set[..], &["file", "s3:bucket/file"]].concat());
    let said = f.run(&["lsjson", "--metadata", "s3:bucket/file"]);
    assert!(said.contains(r#""color":"blue""#) && said.contains(r#""content-type":"text/x-y""#), "{said}");
    assert!(said.contains(r#""mtime":"2023-11-14T22:13:20.123456789Z""#), "{said}");
    f.run(&["touch", "--timestamp", "2020-01-01T00:00:00", "s3:bucket/file"]);
    assert!(f.run(&["lsl", "s3:bucket/file"]).contains("2020-01-01 00:00:00.000000000"));
    assert_eq!(f.run(&["cat", "--offset", "3", "--count", "4", "s3:bucket/file"]), "3456");
    assert_eq!(f.run(&["cat", "--tail", "2", "s3:bucket/file"]), "89");
    assert_opens(f.server(), &f.run(&["link", "s3:bucket/file"]), "file", "0123456789");
    f.finish();
}

#[test]
fn it_works_over_tls() {
    let Some(tool) = Tool::start_secured("rclone", "version", &[]) else { return };
    let authority = tool.authority();
    let f = remote(tool.argument("--ca-cert").argument(authority), "Other");
    f.there_and_back(&["copyto"], &["copyto"], "s3:bucket");
    f.write("nothing", b"");
    f.piped(&["rcat", "s3:bucket/stream"], "large", "nothing");
    f.run(&["copyto", "s3:bucket/stream", "back"]);
    assert!(f.content("back") == f.content("large"));
    f.finish_over_tls("HTTP/2.0");
}

const CUT: [&str; 2] = ["--s3-upload-cutoff=10M", "--s3-copy-cutoff=10M"];

/// rclone takes the ETags of this provider for MD5s, also those of objects in parts.
fn assert_hashes_hold(f: &Tool) {
    f.write_tree();
    f.write("source/parts", &body::random(28 * MIB, 3));
    f.run(&[&["copy", "--retries=1"], &CUT[..], &["source", "s3:bucket/t"]].concat());
    for check in [&["check"][..], &["check", "--download"]] {
        let said = f.said(&[check, &["source", "s3:bucket/t"]].concat());
        assert!(said.err.contains("6 matching files") && !said.err.contains("could not be"), "{}", said.err);
    }
    let lines = |text: String| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let here = lines(f.run(&["hashsum", "MD5", "source"]));
    assert_eq!(lines(f.run(&["hashsum", "MD5", "s3:bucket/t"])), here);
    // A change that neither size nor time tells.
    f.write("source/a", b"b");
    f.run(&["sync", "--retries=1", "--checksum", "source", "s3:bucket/t"]);
    assert_eq!(f.run(&["cat", "s3:bucket/t/a"]), "b");
    f.run(&[&["sync", "--retries=1"], &CUT[..], &["s3:bucket/t", "s3:bucket/u"]].concat());
    f.run(&["sync", "--retries=1", "s3:bucket/u", "back"]);
    assert_same_contents(&f.path("source"), &f.path("back"));
}

#[test]
fn providers_that_compare_etags_are_served_where_these_are_md5s() {
    let md5 = [("TERRACE_ETAG__MODE", "md5")];
    let Some(tool) = Tool::start_with("rclone", "version", &md5) else { return };
    let f = remote(tool, "Minio");
    assert_hashes_hold(&f);
    f.finish();
    // Without https rclone sends nothing to AWS.
    let Some(tool) = Tool::start_secured("rclone", "version", &md5) else { return };
    let authority = tool.authority();
    let f = remote(tool.argument("--ca-cert").argument(authority), "AWS");
    assert_hashes_hold(&f);
    f.finish_over_tls("HTTP/2.0");
}

#[test]
fn a_provider_that_compares_etags_takes_parts_for_corrupted_and_the_readme_says_what_to_set() {
    let Some(tool) = Tool::start("rclone", "version") else { return };
    let f = remote(tool, "Minio");
    f.write("small", b"small");
    f.run(&["copy", "--retries=1", "small", "s3:bucket"]);
    f.write("parts", &body::random(12 * MIB, 3));
    let copy = [&["copyto", "--retries=1"], &CUT[..], &["parts", "s3:bucket/parts"]].concat();
    let said = f.refused(&copy);
    assert!(said.err.contains("multipart upload corrupted: Etag differ"), "{}", said.err);
    f.run(&[&["--s3-use-multipart-etag=false"], &copy[..]].concat());
    f.run(&["copyto", "s3:bucket/parts", "back"]);
    assert!(f.content("back") == f.content("parts"));
    let readme = fs::read_to_string(binary::workspace().join("README.md")).unwrap();
    for setting in ["`provider = Other`", "`TERRACE_ETAG__MODE=md5`"] {
        assert!(readme.contains(setting), "the README does not say {setting}");
    }
    f.finish();
}

#[test]
fn trees_are_moved_and_kept_in_step_from_both_sides() {
    let Some(f) = rclone() else { return };
    f.write_tree();
    f.run(&["copy", "source", "s3:bucket/t"]);
    f.run(&["move", "s3:bucket/t", "s3:bucket/u"]);
    f.run(&["move", "s3:bucket/u", "moved"]);
    assert_same_contents(&f.path("source"), &f.path("moved"));
    assert_eq!(f.run(&["lsf", "s3:bucket"]), "");
    f.run(&["bisync", "--resync", "moved", "s3:bucket/b"]);
    f.write("moved/here", b"here");
    f.write("there", b"there");
    f.run(&["copy", "there", "s3:bucket/b"]);
    f.run(&["bisync", "moved", "s3:bucket/b"]);
    assert_eq!(
        (f.content("moved/there"), f.run(&["cat", "s3:bucket/b/here"])),
        (b"there".to_vec(), "here".to_owned())
    );
    // What is renamed here is renamed there, and what goes is kept aside.
    fs::rename(f.path("moved/large"), f.path("moved/renamed")).unwrap();
    fs::remove_file(f.path("moved/there")).unwrap();
    let keep =
        ["sync", "-v", "--track-renames", "--track-renames-strategy=modtime", "--backup-dir=s3:bucket/old"];
    let said = f.said(&[&keep[..], &["moved", "s3:bucket/b"]].concat());
    assert!(said.err.contains("Renamed from"), "{}", said.err);
    assert_eq!(f.run(&["lsf", "s3:bucket/old"]), "there\n");
    let listed = f.run(&["lsjson", "--recursive", "--files-only", "s3:bucket/b"]);
    assert!(listed.contains(r#""Path":"renamed","Name":"renamed","Size":9437184"#), "{listed}");
    // A folder with nothing in it is a key that ends in a slash.
    f.run(&["mkdir", "--s3-directory-markers", "s3:bucket/empty"]);
    assert_eq!(f.run(&["lsf", "--s3-directory-markers", "s3:bucket"]), "b/\nempty/\nold/\n");
    f.run(&["rmdirs", "--leave-root", "--s3-directory-markers", "s3:bucket"]);
    assert_eq!(f.run(&["lsf", "s3:bucket"]), "b/\nold/\n");
    assert_eq!(f.run(&["backend", "versioning", "s3:bucket"]).trim(), r#""Unversioned""#);
    f.finish();
}
