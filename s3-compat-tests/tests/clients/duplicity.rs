//! The backup tool duplicity, by an older boto3.

use crate::command_line::Tool;
use crate::files::{assert_same_contents, write};

const URL: &str = "boto3+s3://bucket/backup";

#[test]
fn a_backup_is_extended_verified_and_restored() {
    let Some(f) = Tool::start("duplicity", "--version") else { return };
    f.create_bucket("bucket");
    let endpoint = f.server().endpoint().to_owned();
    let f = f.argument("--no-encryption").argument("--s3-endpoint-url").argument(endpoint);
    f.write_tree();
    f.run(&["full", "source", URL]);
    // It goes by times.
    write(&f.path("source/a"), b"changed", 0o644, 1_700_000_100);
    f.write("source/new", b"new");
    f.run(&["incr", "source", URL]);
    let said = f.run(&["verify", "--compare-data", URL, "source"]);
    assert!(said.contains(" 0 differences found"), "{said}");
    // What it keeps of past runs on this machine must not be needed.
    std::fs::remove_dir_all(f.path("home")).unwrap();
    f.run(&["restore", URL, "restored"]);
    assert_same_contents(&f.path("source"), &f.path("restored"));
    let status = f.run(&["collection-status", URL]);
    assert!(status.contains("Number of contained backup sets: 2"), "{status}");
    let files = f.run(&["list-current-files", URL]);
    assert!(files.contains("sub/ü/日本 🦀") && files.contains(" new"), "{files}");
    let one = f.run(&["restore", "--file-to-restore", "sub/b +%2F.txt", URL, "one"]);
    assert_eq!(f.content("one"), b"b +%2F.txt", "{one}");
    f.run(&["full", "source", URL]);
    let said = f.run(&["remove-all-but-n-full", "1", "--force", URL]);
    assert!(said.contains("Deleting backup chain"), "{said}");
    f.run(&["cleanup", "--force", URL]);
    f.finish();
}
