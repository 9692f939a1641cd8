//! The backup tool restic: what it stores must come back bit by bit, with modes and times.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use s3_compat_tests::body;
use s3_compat_tests::process;
use s3_compat_tests::server::{ACCESS_KEY, REGION, SECRET_KEY, Server};
use s3_compat_tests::tool;

use crate::files::{assert_same_tree, write};

const MIB: usize = 1024 * 1024;

struct Restic<'s> {
    program: PathBuf,
    server: &'s Server,
}

impl Restic<'_> {
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let scratch = self.server.home().scratch();
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&scratch)
            .env("RESTIC_REPOSITORY", format!("s3:{}/backup/repository", self.server.endpoint()))
            .env("RESTIC_PASSWORD", "not a secret")
            .env("RESTIC_CACHE_DIR", scratch.join("cache"))
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_DEFAULT_REGION", REGION);
        process::succeed(&mut command, &scratch)
    }
}

#[test]
fn a_backup_is_checked_restored_and_pruned() {
    let Some(program) = tool::find("restic", "restic", &["version"], |said| said.starts_with("restic "))
    else {
        return;
    };
    let server = Server::start();
    let restic = Restic { program, server: &server };
    let scratch = server.home().scratch();
    let source = scratch.join("source");
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
    restic.run(&["init"]);
    restic.run(&["backup", "source"]);

    write(&source.join("second"), &body::random(3 * MIB, 2), 0o755, 1_700_000_000);
    write(&source.join("empty"), b"no longer", 0o600, 1_700_000_001);
    fs::remove_file(source.join("folder 3/3 ü")).unwrap();
    restic.run(&["backup", "source"]);
    restic.run(&["check", "--read-data"]);

    restic.run(&["restore", "latest", "--target", "restored"]);
    assert_same_tree(&source, &scratch.join("restored/source"));

    restic.run(&["forget", "--keep-last", "1", "--prune"]);
    restic.run(&["check", "--read-data"]);
    fs::remove_dir_all(scratch.join("restored")).unwrap();
    restic.run(&["restore", "latest", "--target", "restored"]);
    assert_same_tree(&source, &scratch.join("restored/source"));
    assert_eq!(restic.run(&["snapshots", "--json"]).matches("\"short_id\"").count(), 1);
    server.stop_clean();
}
