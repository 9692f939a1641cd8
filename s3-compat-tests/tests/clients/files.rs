//! Files that a tool is to keep, and what must come back of them.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

/// A file with these bytes, mode and time of change (seconds since 1970), and the folders above it.
pub(crate) fn write(path: &Path, content: &[u8], mode: u32, seconds: u64) {
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

/// Two folders hold the same names with the same modes, times and bytes.
#[track_caller]
pub(crate) fn assert_same_tree(left: &Path, right: &Path) {
    let (left, right) = (tree(left), tree(right));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (path, (mode, file)) in &left {
        let (other_mode, other_file) = &right[path];
        assert_eq!(mode, other_mode, "mode of {}", path.display());
        assert!(file == other_file, "content or time of {} differs", path.display());
    }
}

/// Path below the root, and content, of every file below a folder.
pub(crate) fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files =
        WalkDir::new(root).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let content = |entry: walkdir::DirEntry| {
        let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        (name, fs::read(entry.path()).unwrap())
    };
    files.map(content).collect()
}

/// Two folders hold files of the same names with the same bytes.
#[track_caller]
pub(crate) fn assert_same_contents(left: &Path, right: &Path) {
    let (left, right) = (contents(left), contents(right));
    assert!(!left.is_empty());
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, content) in &left {
        assert!(*content == right[name], "content of {name} differs");
    }
}
