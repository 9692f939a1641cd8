//! The backup tool restic: what it stores must come back bit by bit, with modes and times.

use std::fs;

use s3_compat_tests::body;

use crate::command_line::Tool;
use crate::files::{assert_same_tree, write};

const MIB: usize = 1024 * 1024;

/// restic with the repository that it makes, bucket and all.
fn restic(tool: Option<Tool>) -> Option<Tool> {
    let tool = tool?;
    let repository = format!("s3:{}/backup/repository", tool.server().endpoint());
    let cache = tool.path("cache").to_str().unwrap().to_owned();
    let tool = tool
        .environment("RESTIC_REPOSITORY", repository)
        .environment("RESTIC_PASSWORD", "not a secret")
        .environment("RESTIC_CACHE_DIR", cache);
    tool.run(&["init"]);
    Some(tool)
}

#[test]
fn a_backup_is_checked_restored_and_pruned() {
    let Some(f) = restic(Tool::start("restic", "version")) else { return };
    let source = f.path("source");
    write(&source.join("random"), &body::random(150 * MIB, 1), 0o600, 1_600_000_000);
    write(&source.join("empty"), b"", 0o644, 1_500_000_000);
    for n in 0..200_u64 {
        let name = format!("folder {}/{n} ü", n % 7);
        write(
            &source.join(name),
            &body::random(usize::try_from(n).unwrap() * 100, n),
            0o640,
            1_400_000_000 + n,
        );
    }
    f.run(&["backup", "source"]);

    write(&source.join("second"), &body::random(3 * MIB, 2), 0o755, 1_700_000_000);
    write(&source.join("empty"), b"no longer", 0o600, 1_700_000_001);
    fs::remove_file(source.join("folder 3/3 ü")).unwrap();
    f.run(&["backup", "source"]);
    f.run(&["check", "--read-data"]);

    f.run(&["restore", "latest", "--target", "restored"]);
    assert_same_tree(&source, &f.path("restored/source"));

    f.run(&["forget", "--keep-last", "1", "--prune"]);
    f.run(&["check", "--read-data"]);
    fs::remove_dir_all(f.path("restored")).unwrap();
    f.run(&["restore", "latest", "--target", "restored"]);
    assert_same_tree(&source, &f.path("restored/source"));
    assert_eq!(f.run(&["snapshots", "--json"]).matches("\"short_id\"").count(), 1);
    f.finish();
}

#[test]
fn a_backup_over_tls_is_checked_and_restored() {
    let Some(tool) = Tool::start_secured("restic", "version", &[]) else { return };
    let authority = tool.authority();
    let Some(f) = restic(Some(tool.argument("--cacert").argument(authority))) else { return };
    f.write_tree();
    f.run(&["backup", "source"]);
    f.run(&["check", "--read-data"]);
    f.run(&["restore", "latest", "--target", "restored"]);
    assert_same_tree(&f.path("source"), &f.path("restored/source"));
    f.finish_over_tls("HTTP/2.0");
}
