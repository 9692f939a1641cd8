//! The backup tool restic: what it stores must come back bit by bit, with modes and times.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use s3_compat_tests::body;
use s3_compat_tests::process;
use s3_compat_tests::server::{ACCESS_KEY, REGION, SECRET_KEY, Server};
use s3_compat_tests::tool;
use walkdir::WalkDir;

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

fn write(path: &Path, content: &[u8], mode: u32, seconds: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_789);
    File::open(path).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
}

/// What must come back of an entry: its mode, and of a file also its time (seconds, nanoseconds) and content.
type Entry = (u32, Option<(i64, i64, Vec<u8>)>);

/// All entries below a folder.
fn tree(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let entries = WalkDir::new(root).min_depth(1).into_iter().map(|entry| {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let file = metadata.is_file();
        let file = file.then(|| (metadata.mtime(), metadata.mtime_nsec(), fs::read(entry.path()).unwrap()));
        (entry.path().strip_prefix(root).unwrap().to_owned(), (metadata.mode(), file))
    });
    entries.collect()
}

#[track_caller]
fn assert_same_tree(left: &Path, right: &Path) {
    let (left, right) = (tree(left), tree(right));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (path, (mode, file)) in &left {
        let (other_mode, other_file) = &right[path];
        assert_eq!(mode, other_mode, "mode of {}", path.display());
        assert!(file == other_file, "content or time of {} differs", path.display());
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
