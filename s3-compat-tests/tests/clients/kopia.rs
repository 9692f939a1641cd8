//! The backup tool kopia, and its own examination of a storage.

use s3_compat_tests::body;
use s3_compat_tests::server::{ACCESS_KEY, SECRET_KEY};

use crate::command_line::Tool;
use crate::files::assert_same_tree;

const MIB: usize = 1024 * 1024;

/// kopia with a repository in the bucket `backup`.
fn kopia() -> Option<Tool> {
    let tool = Tool::start("kopia", "--version")?;
    tool.create_bucket("backup");
    let tool = tool
        .environment("KOPIA_PASSWORD", "not a secret")
        .environment("KOPIA_CHECK_FOR_UPDATES", "false")
        .argument("--config-file=kopia.config")
        .argument("--no-progress");
    let endpoint = format!("--endpoint={}", tool.server().address());
    let keys = [format!("--access-key={ACCESS_KEY}"), format!("--secret-access-key={SECRET_KEY}")];
    let place = ["repository", "create", "s3", "--bucket=backup", "--prefix=repository/", "--disable-tls"];
    tool.run(&[&place[..], &[&endpoint, &keys[0], &keys[1], "--cache-directory=cache"]].concat());
    Some(tool)
}

/// The id of the newest snapshot.
fn newest(f: &Tool) -> String {
    let list = f.run(&["snapshot", "list", "--json"]);
    let (_, last) = list.rsplit_once(r#"{"id":""#).unwrap_or_else(|| panic!("{list}"));
    last.split('"').next().unwrap().to_owned()
}

#[test]
fn a_backup_is_verified_restored_and_deleted() {
    let Some(f) = kopia() else { return };
    f.write_tree();
    f.write("source/more", &body::random(60 * MIB, 5));
    f.run(&["snapshot", "create", "source"]);
    f.write("source/a", b"changed");
    f.write("source/again", &body::random(3 * MIB, 6));
    f.run(&["snapshot", "create", "source"]);
    f.run(&["snapshot", "verify", "--verify-files-percent=100"]);
    f.run(&["snapshot", "restore", &newest(&f), "restored"]);
    assert_same_tree(&f.path("source"), &f.path("restored"));
    f.run(&["maintenance", "run", "--full"]);
    f.run(&["content", "verify", "--download-percent=100"]);
    f.run(&["snapshot", "delete", "--all-snapshots-for-source", "source", "--delete"]);
    assert_eq!(f.run(&["snapshot", "list", "--json"]).trim(), "[\n]");
    f.finish();
}

#[test]
fn its_examination_of_a_storage_is_passed() {
    let Some(f) = kopia() else { return };
    let said = f.said(&["repository", "validate-provider", "--concurrency-test-duration=5s"]);
    assert!(said.err.contains("All good."), "{}", said.err);
    assert!(!said.err.contains("not support"), "{}", said.err);
    f.finish();
}
