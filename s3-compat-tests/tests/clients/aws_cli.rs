//! The command line of AWS, versions 2 and 1: still installed side by side in the world, and different on the wire.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use s3_compat_tests::body;
use s3_compat_tests::process::{self, Said};
use s3_compat_tests::server::{ACCESS_KEY, Home, REGION, SECRET_KEY, Server};
use s3_compat_tests::tool;

use crate::command_line::assert_opens;

const MIB: usize = 1024 * 1024;

/// A running server, and one version of the tool.
struct Fixture {
    server: Server,
    aws: PathBuf,
}

impl Fixture {
    /// One for each version that is installed; each that is not has been reported as skipped.
    fn each() -> Vec<Self> {
        let two = tool::find("awscli", "aws", &["--version"], |said| said.contains("aws-cli/2."));
        let one = tool::find("awscli-v1", "aws", &["--version"], |said| said.contains("aws-cli/1."));
        let found = [two, one].into_iter().flatten();
        found.map(|aws| Self { aws, server: Server::start() }).collect()
    }

    fn scratch(&self) -> PathBuf {
        self.server.home().scratch()
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.aws);
        command
            .args(["--endpoint-url", self.server.endpoint()])
            .args(arguments)
            .current_dir(self.scratch())
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_PAGER", "");
        command
    }

    /// Runs `aws` with these arguments, which must succeed.
    #[track_caller]
    fn aws(&self, arguments: &[&str]) -> String {
        process::succeed(&mut self.command(arguments), &self.scratch())
    }

    /// Runs `aws` with these arguments, which must fail.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> Said {
        let said = process::run(&mut self.command(arguments), &self.scratch());
        assert!(!said.status.success(), "{arguments:?}: {}", said.out);
        said
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.scratch().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn content(&self, name: &str) -> Vec<u8> {
        fs::read(self.scratch().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn finish(self) -> Home {
        self.server.stop_clean()
    }
}

#[test]
fn small_and_large_files_are_copied_there_and_back() {
    for f in Fixture::each() {
        f.aws(&["s3", "mb", "s3://bucket"]);
        for (name, size) in [("empty", 0), ("small.txt", 1000), ("large", 30 * MIB)] {
            let sent = body::random(size, size as u64);
            f.file(name, &sent);
            let url = format!("s3://bucket/dir with space/{name}");
            f.aws(&["s3", "cp", "--no-progress", name, &url]);
            f.aws(&["s3", "cp", "--no-progress", &url, "back"]);
            assert!(f.content("back") == sent, "{name} came back changed");
            f.aws(&["s3", "cp", "--no-progress", &url, &format!("{url}.copy")]);
            f.aws(&["s3", "cp", "--no-progress", &format!("{url}.copy"), "back"]);
            assert!(f.content("back") == sent, "the copy of {name} came back changed");
        }
        let listed = f.aws(&["s3", "ls", "--recursive", "s3://bucket"]);
        assert_eq!(listed.lines().count(), 6, "{listed}");
        assert!(listed.contains(&format!("{} dir with space/large", 30 * MIB)), "{listed}");
        let listed = f.aws(&["s3", "ls", "s3://bucket"]);
        assert_eq!(listed.trim(), "PRE dir with space/");
        assert!(f.aws(&["s3", "ls"]).contains("bucket"));
        assert!(f.refused(&["s3", "rb", "s3://bucket"]).err.contains("BucketNotEmpty"));
        f.aws(&["s3", "rm", "s3://bucket/dir with space/small.txt"]);
        f.refused(&["s3", "cp", "s3://bucket/dir with space/small.txt", "back"]);
        f.aws(&["s3", "mv", "--no-progress", "s3://bucket/dir with space/large", "s3://bucket/moved"]);
        f.aws(&["s3", "rb", "--force", "s3://bucket"]);
        assert_eq!(f.aws(&["s3", "ls"]).trim(), "");
        f.finish();
    }
}

#[test]
fn a_stream_of_unknown_length_is_stored() {
    for f in Fixture::each() {
        f.aws(&["s3", "mb", "s3://bucket"]);
        let sent = body::random(18 * MIB, 4);
        let path = f.file("stream", &sent);
        let words = [
            "-c",
            "exec \"$0\" \"$@\" < stream",
            f.aws.to_str().unwrap(),
            "--endpoint-url",
            f.server.endpoint(),
        ];
        let mut shell = Command::new("sh");
        shell.args(words).args(["s3", "cp", "-", "s3://bucket/stream"]);
        for (name, value) in f.command::<&str>(&[]).get_envs() {
            shell.env(name, value.unwrap());
        }
        process::succeed(shell.current_dir(path.parent().unwrap()), &f.scratch());
        f.aws(&["s3", "cp", "--no-progress", "s3://bucket/stream", "back"]);
        assert!(f.content("back") == sent);
        f.finish();
    }
}

#[test]
fn a_tree_is_synchronised_in_both_directions() {
    for f in Fixture::each() {
        f.aws(&["s3", "mb", "s3://bucket"]);
        let names = ["tree/a", "tree/b/c", "tree/b/d e+f%.txt", "tree/ü"];
        for name in names {
            f.file(name, name.as_bytes());
        }
        f.file("tree/large", &body::random(9 * MIB, 1));
        // S3 tells times in whole seconds: to the tool a file written in the second of its upload is newer than the object.
        for name in names.into_iter().chain(["tree/large"]) {
            let file = fs::File::options().write(true).open(f.scratch().join(name)).unwrap();
            let written = file.metadata().unwrap().modified().unwrap();
            file.set_modified(written - Duration::from_secs(3600)).unwrap();
        }
        let sync = |from: &str, to: &str, more: &[&str]| {
            f.aws(&[&["s3", "sync", "--no-progress", from, to], more].concat()).lines().count()
        };
        assert_eq!(sync("tree", "s3://bucket/t", &[]), 5);
        assert_eq!(sync("tree", "s3://bucket/t", &[]), 0, "nothing has changed");
        assert_eq!(sync("s3://bucket/t", "back", &[]), 5);
        for name in names {
            assert_eq!(f.content(&name.replace("tree/", "back/")), name.as_bytes());
        }
        assert!(f.content("back/large") == f.content("tree/large"));
        fs::remove_file(f.scratch().join("tree/a")).unwrap();
        f.file("tree/b/c", b"changed and longer");
        assert_eq!(sync("tree", "s3://bucket/t", &["--delete"]), 2);
        assert_eq!(sync("s3://bucket/t", "s3://bucket/u", &[]), 4);
        assert_eq!(sync("s3://bucket/u", "again", &[]), 4);
        assert_eq!(f.content("again/b/c"), b"changed and longer");
        f.aws(&["s3", "rm", "--recursive", "s3://bucket/t"]);
        assert_eq!(f.aws(&["s3", "ls", "s3://bucket"]).trim(), "PRE u/");
        f.finish();
    }
}

#[test]
fn a_presigned_url_is_open_to_who_holds_it() {
    // Version 1 signs URLs with signature version 2.
    for f in Fixture::each() {
        f.aws(&["s3", "mb", "s3://bucket"]);
        f.file("small", b"by url");
        f.aws(&["s3", "cp", "--no-progress", "small", "s3://bucket/a b"]);
        let url = f.aws(&["s3", "presign", "s3://bucket/a b"]);
        assert_opens(&f.server, &url, "a%20b", "by url");
        f.finish();
    }
}

#[test]
fn single_operations_answer_as_documented() {
    for f in Fixture::each() {
        let api = |arguments: &[&str]| f.aws(&[&["s3api"], arguments].concat());
        api(&["create-bucket", "--bucket", "bucket"]);
        f.file("part", &body::random(5 * MIB, 2));
        f.file("small", b"small");
        let on = ["--bucket", "bucket", "--key", "key"];
        let with = |operation: &str, more: &[&str]| api(&[&[operation], &on[..], more].concat());
        with("put-object", &["--body", "small", "--metadata", "a=b", "--content-type", "x/y"]);
        let head = with("head-object", &[]);
        assert!(head.contains("\"a\": \"b\"") && head.contains("\"ContentType\": \"x/y\""), "{head}");
        with("get-object", &["--range", "bytes=1-2", "back"]);
        assert_eq!(f.content("back"), b"ma");
        let attributes = with("get-object-attributes", &["--object-attributes", "ETag", "ObjectSize"]);
        assert!(attributes.contains("\"ObjectSize\": 5"), "{attributes}");
        let page =
            api(&["list-objects-v2", "--bucket", "bucket", "--query", "Contents[].Key", "--output", "text"]);
        assert_eq!(page.trim(), "key");

        let text = ["--output", "text"];
        let id = with("create-multipart-upload", &[&["--query", "UploadId"], &text[..]].concat());
        let upload = ["--upload-id", id.trim()];
        for number in ["1", "2"] {
            with("upload-part", &[&upload[..], &["--part-number", number, "--body", "part"]].concat());
        }
        let parts = with(
            "list-parts",
            &[&upload[..], &["--query", "{Parts: Parts[].{PartNumber: PartNumber, ETag: ETag}}"]].concat(),
        );
        f.file("parts.json", parts.as_bytes());
        with(
            "complete-multipart-upload",
            &[&upload[..], &["--multipart-upload", "file://parts.json"]].concat(),
        );
        with("get-object", &["back"]);
        assert!(f.content("back") == f.content("part").repeat(2));
        let id = with("create-multipart-upload", &[&["--query", "UploadId"], &text[..]].concat());
        with("abort-multipart-upload", &["--upload-id", id.trim()]);
        let said = f.refused(&[&["s3api", "list-parts"], &on[..], &["--upload-id", id.trim()]].concat());
        assert!(said.err.contains("NoSuchUpload"), "{}", said.err);
        with("delete-object", &[]);
        api(&["delete-bucket", "--bucket", "bucket"]);
        let said = f.refused(&["s3api", "head-bucket", "--bucket", "bucket"]);
        assert!(said.err.contains("404"), "{}", said.err);
        f.finish();
    }
}

#[test]
fn the_profile_that_terrace_prints_works() {
    for f in Fixture::each() {
        let printed = f.server.home().run(&["credentials"]);
        assert!(printed.status.success(), "{}", printed.err);
        let config = f.file("config", printed.out.as_bytes());
        let profile = printed.out.lines().find_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'));
        let profile =
            profile.unwrap_or_else(|| panic!("no profile in {}", printed.out)).trim_start_matches("profile ");
        let mut command = f.command(&["--profile", profile, "s3", "mb", "s3://bucket"]);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env_remove("AWS_DEFAULT_REGION");
        let file: &Path = &config;
        process::succeed(command.env("AWS_CONFIG_FILE", file), &f.scratch());
        f.finish();
    }
}

#[test]
fn many_keys_are_listed_and_removed() {
    for f in Fixture::each() {
        f.aws(&["s3", "mb", "s3://bucket"]);
        let names: Vec<String> = (0..1100).map(|n| format!("file {n:04}")).collect();
        for name in &names {
            f.file(&format!("many/{name}"), name.as_bytes());
        }
        f.aws(&["s3", "cp", "--recursive", "--quiet", "many", "s3://bucket/many"]);
        let listed = f.aws(&["s3", "ls", "s3://bucket/many/"]);
        let listed: Vec<&str> = listed.lines().filter_map(|line| line.get(31..)).collect();
        assert_eq!(listed, names);
        let count = ["s3api", "list-objects", "--bucket", "bucket", "--query", "length(Contents)"];
        assert_eq!(f.aws(&count).trim(), "1100");
        f.aws(&["s3", "rm", "--recursive", "--quiet", "s3://bucket/many"]);
        f.aws(&["s3", "rb", "s3://bucket"]);
        f.finish();
    }
}

#[test]
fn odd_keys_come_back() {
    for f in Fixture::each() {
        f.aws(&["s3", "mb", "s3://bucket"]);
        let names =
            ["a b", "a+b", "a%2Fb", "a%", "<&>'\"", "?#", "~!@$^*()", "ü", "🦀", "日本/語", "x", "y/z"];
        for name in names {
            f.file(&format!("odd/{name}"), name.as_bytes());
        }
        f.aws(&["s3", "cp", "--recursive", "--quiet", "odd", "s3://bucket/"]);
        f.aws(&["s3", "cp", "--recursive", "--quiet", "s3://bucket/", "s3://bucket/copy/"]);
        f.aws(&["s3", "cp", "--recursive", "--quiet", "s3://bucket/copy/", "back"]);
        for name in names {
            assert_eq!(f.content(&format!("back/{name}")), name.as_bytes());
        }
        // No file has such a name.
        f.file("file", b"odd");
        let long = "k".repeat(1024);
        for key in ["x/", "x//y", "//", "/lead", &long] {
            f.aws(&["s3api", "put-object", "--bucket", "bucket", "--key", key, "--body", "file"]);
            f.aws(&["s3", "cp", "--no-progress", &format!("s3://bucket/{key}"), "back/file"]);
            assert_eq!(f.content("back/file"), b"odd", "{key}");
        }
        let keys = ["s3api", "list-objects-v2", "--bucket", "bucket", "--query", "Contents[].Key"];
        let listed = f.aws(&[&keys[..], &["--output", "json", "--page-size", "7"]].concat());
        assert_eq!(listed.lines().count(), 2 + 2 * names.len() + 5, "{listed}");
        assert!(
            listed.contains(r#""x//y""#) && listed.contains(r#""//""#) && listed.contains(&long),
            "{listed}"
        );
        f.finish();
    }
}

#[test]
fn metadata_comes_back() {
    for f in Fixture::each() {
        f.aws(&["s3", "mb", "s3://bucket"]);
        f.file("small.html", b"<p>");
        let more =
            ["--metadata", "color=light blue", "--cache-control", "no-cache", "--content-language", "de"];
        f.aws(&[&["s3", "cp", "--no-progress", "small.html", "s3://bucket/a"], &more[..]].concat());
        f.aws(&["s3", "cp", "--no-progress", "s3://bucket/a", "s3://bucket/b"]);
        for key in ["a", "b"] {
            let head = f.aws(&["s3api", "head-object", "--bucket", "bucket", "--key", key]);
            for line in [
                r#""color": "light blue""#,
                r#""CacheControl": "no-cache""#,
                r#""ContentLanguage": "de""#,
                r#""ContentType": "text/html""#,
            ] {
                assert!(head.contains(line), "{key} lacks {line}: {head}");
            }
        }
        f.finish();
    }
}
