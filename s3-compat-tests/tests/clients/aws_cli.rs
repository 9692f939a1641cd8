//! The command line of AWS, versions 2 and 1: still installed side by side in the world, and different on the wire.

use std::fs;
use std::path::PathBuf;

use s3_compat_tests::body;
use s3_compat_tests::process;
use s3_compat_tests::server::Server;
use s3_compat_tests::tool;

use crate::command_line::{Tool, assert_opens};
use crate::keys::odd_keys;

const MIB: usize = 1024 * 1024;

/// Each version that is installed; each that is not has been reported as skipped.
fn installed() -> impl Iterator<Item = PathBuf> {
    let two = tool::find("awscli", "aws", &["--version"], |said| said.contains("aws-cli/2."));
    let one = tool::find("awscli-v1", "aws", &["--version"], |said| said.contains("aws-cli/1."));
    [two, one].into_iter().flatten()
}

/// The tool, pointed at its server.
fn on(aws: PathBuf, server: Server) -> Tool {
    let endpoint = server.endpoint().to_owned();
    Tool::of(aws, server).argument("--endpoint-url").argument(endpoint).environment("AWS_PAGER", "")
}

/// Each version with a server of its own.
fn each() -> impl Iterator<Item = Tool> {
    installed().map(|aws| on(aws, Server::start()))
}

#[test]
fn small_and_large_files_are_copied_there_and_back() {
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        for (name, size) in [("empty", 0), ("small.txt", 1000), ("large", 30 * MIB)] {
            let sent = body::random(size, size as u64);
            f.write(name, &sent);
            let url = format!("s3://bucket/dir with space/{name}");
            f.run(&["s3", "cp", "--no-progress", name, &url]);
            f.run(&["s3", "cp", "--no-progress", &url, "back"]);
            assert!(f.content("back") == sent, "{name} came back changed");
            f.run(&["s3", "cp", "--no-progress", &url, &format!("{url}.copy")]);
            f.run(&["s3", "cp", "--no-progress", &format!("{url}.copy"), "back"]);
            assert!(f.content("back") == sent, "the copy of {name} came back changed");
        }
        let listed = f.run(&["s3", "ls", "--recursive", "s3://bucket"]);
        assert_eq!(listed.lines().count(), 6, "{listed}");
        assert!(listed.contains(&format!("{} dir with space/large", 30 * MIB)), "{listed}");
        let listed = f.run(&["s3", "ls", "s3://bucket"]);
        assert_eq!(listed.trim(), "PRE dir with space/");
        assert!(f.run(&["s3", "ls"]).contains("bucket"));
        assert!(f.refused(&["s3", "rb", "s3://bucket"]).err.contains("BucketNotEmpty"));
        f.run(&["s3", "rm", "s3://bucket/dir with space/small.txt"]);
        f.refused(&["s3", "cp", "s3://bucket/dir with space/small.txt", "back"]);
        f.run(&["s3", "mv", "--no-progress", "s3://bucket/dir with space/large", "s3://bucket/moved"]);
        f.run(&["s3", "rb", "--force", "s3://bucket"]);
        assert_eq!(f.run(&["s3", "ls"]).trim(), "");
        f.finish();
    }
}

#[test]
fn streams_go_in_and_out() {
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        f.write("nothing", b"");
        // Of a stream it knows neither length nor end: above 8 MiB it goes in parts.
        for size in [0, 1000, 18 * MIB] {
            f.write("stream", &body::random(size, 4));
            f.piped(&["s3", "cp", "-", "s3://bucket/stream"], "stream", "nothing");
            f.piped(&["s3", "cp", "s3://bucket/stream", "-"], "nothing", "back");
            assert!(f.content("back") == f.content("stream"), "{size} bytes came back changed");
        }
        f.finish();
    }
}

#[test]
fn a_tree_is_synchronised_in_both_directions() {
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        let names = ["tree/a", "tree/b/c", "tree/b/d e+f%.txt", "tree/ü"];
        for name in names {
            f.write(name, name.as_bytes());
        }
        f.write("tree/large", &body::random(9 * MIB, 1));
        let sync = |from: &str, to: &str, more: &[&str]| {
            f.run(&[&["s3", "sync", "--no-progress", from, to], more].concat()).lines().count()
        };
        assert_eq!(sync("tree", "s3://bucket/t", &[]), 5);
        assert_eq!(sync("tree", "s3://bucket/t", &[]), 0, "nothing has changed");
        assert_eq!(sync("s3://bucket/t", "back", &[]), 5);
        for name in names {
            assert_eq!(f.content(&name.replace("tree/", "back/")), name.as_bytes());
        }
        assert!(f.content("back/large") == f.content("tree/large"));
        fs::remove_file(f.path("tree/a")).unwrap();
        f.write("tree/b/c", b"changed and longer");
        assert_eq!(sync("tree", "s3://bucket/t", &["--delete"]), 2);
        assert_eq!(sync("s3://bucket/t", "s3://bucket/u", &[]), 4);
        assert_eq!(sync("s3://bucket/u", "again", &[]), 4);
        assert_eq!(f.content("again/b/c"), b"changed and longer");
        f.run(&["s3", "rm", "--recursive", "s3://bucket/t"]);
        assert_eq!(f.run(&["s3", "ls", "s3://bucket"]).trim(), "PRE u/");
        f.finish();
    }
}

#[test]
fn a_presigned_url_is_open_to_who_holds_it() {
    // Version 1 signs URLs with signature version 2.
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        f.write("small", b"by url");
        f.run(&["s3", "cp", "--no-progress", "small", "s3://bucket/a b"]);
        let url = f.run(&["s3", "presign", "s3://bucket/a b"]);
        assert_opens(f.server(), &url, "a%20b", "by url");
        f.finish();
    }
}

#[test]
fn single_operations_answer_as_documented() {
    for f in each() {
        let api = |arguments: &[&str]| f.run(&[&["s3api"], arguments].concat());
        api(&["create-bucket", "--bucket", "bucket"]);
        f.write("part", &body::random(5 * MIB, 2));
        f.write("small", b"small");
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
        f.write("parts.json", parts.as_bytes());
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
    for f in each() {
        let printed = f.server().home().run(&["credentials"]);
        assert!(printed.status.success(), "{}", printed.err);
        f.write("config", printed.out.as_bytes());
        let profile = printed.out.lines().find_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'));
        let profile =
            profile.unwrap_or_else(|| panic!("no profile in {}", printed.out)).trim_start_matches("profile ");
        let mut command = f.command(&["--profile", profile, "s3", "mb", "s3://bucket"]);
        for set in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"] {
            command.env_remove(set);
        }
        process::succeed(command.env("AWS_CONFIG_FILE", "config"), &f.server().home().scratch());
        f.finish();
    }
}

#[test]
fn many_keys_are_listed_and_removed() {
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        let names = f.write_many();
        f.run(&["s3", "cp", "--recursive", "--quiet", "many", "s3://bucket/many"]);
        let listed = f.run(&["s3", "ls", "s3://bucket/many/"]);
        let listed: Vec<&str> = listed.lines().filter_map(|line| line.get(31..)).collect();
        assert_eq!(listed, names);
        let count = ["s3api", "list-objects", "--bucket", "bucket", "--query", "length(Contents)"];
        assert_eq!(f.run(&count).trim(), "1100");
        f.run(&["s3", "rm", "--recursive", "--quiet", "s3://bucket/many"]);
        f.run(&["s3", "rb", "s3://bucket"]);
        f.finish();
    }
}

#[test]
fn odd_keys_come_back() {
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        // What can be the name of a file beside the others.
        let names = odd_keys(|key| !key.contains("//") && key != "x/y" && key.len() < 256);
        for name in &names {
            f.write(&format!("odd/{name}"), name.as_bytes());
        }
        f.run(&["s3", "cp", "--recursive", "--quiet", "odd", "s3://bucket/"]);
        f.run(&["s3", "cp", "--recursive", "--quiet", "s3://bucket/", "s3://bucket/copy/"]);
        f.run(&["s3", "cp", "--recursive", "--quiet", "s3://bucket/copy/", "back"]);
        for name in &names {
            assert_eq!(f.content(&format!("back/{name}")), name.as_bytes());
        }
        f.write("file", b"odd");
        let long = "k".repeat(1024);
        let others = ["x/", "x//y", "//z", "/lead", &long];
        for key in others {
            f.run(&["s3api", "put-object", "--bucket", "bucket", "--key", key, "--body", "file"]);
            f.run(&["s3", "cp", "--no-progress", &format!("s3://bucket/{key}"), "back/file"]);
            assert_eq!(f.content("back/file"), b"odd", "{key}");
        }
        let keys = ["s3api", "list-objects-v2", "--bucket", "bucket", "--query", "Contents[].Key"];
        let listed = f.run(&[&keys[..], &["--output", "json", "--page-size", "7"]].concat());
        assert_eq!(listed.lines().count(), 2 + 2 * names.len() + others.len(), "{listed}");
        for key in others {
            assert!(listed.contains(&format!("\"{key}\"")), "{key}: {listed}");
        }
        f.finish();
    }
}

#[test]
fn metadata_comes_back() {
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        f.write("small.html", b"<p>");
        let more =
            ["--metadata", "color=light blue", "--cache-control", "no-cache", "--content-language", "de"];
        f.run(&[&["s3", "cp", "--no-progress", "small.html", "s3://bucket/a"], &more[..]].concat());
        f.run(&["s3", "cp", "--no-progress", "s3://bucket/a", "s3://bucket/b"]);
        for key in ["a", "b"] {
            let head = f.run(&["s3api", "head-object", "--bucket", "bucket", "--key", key]);
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

#[test]
fn it_works_over_tls() {
    for aws in installed() {
        let f = on(aws, Server::start_secured(&[]));
        let authority = f.authority();
        let f = f.environment("AWS_CA_BUNDLE", authority);
        f.run(&["s3", "mb", "s3://bucket"]);
        let copy = ["s3", "cp", "--no-progress"];
        f.there_and_back(&copy, &copy, "s3://bucket");
        f.run(&["s3", "rb", "--force", "s3://bucket"]);
        f.finish_over_tls("HTTP/1.1");
    }
}

#[test]
fn files_are_moved_and_chosen_by_patterns() {
    for f in each() {
        f.run(&["s3", "mb", "s3://bucket"]);
        for name in ["tree/a.txt", "tree/b.log", "tree/sub/c.txt"] {
            f.write(name, name.as_bytes());
        }
        let chosen = ["--exclude", "*", "--include", "*.txt"];
        f.run(&[&["s3", "mv", "--recursive", "--quiet", "tree", "s3://bucket/t"], &chosen[..]].concat());
        assert!(!f.path("tree/a.txt").exists() && f.path("tree/b.log").exists());
        let listed = f.run(&["s3", "ls", "--recursive", "--summarize", "--human-readable", "s3://bucket"]);
        assert!(listed.contains("Total Objects: 2") && !listed.contains(".log"), "{listed}");
        f.run(&["s3", "mv", "--quiet", "s3://bucket/t/a.txt", "back"]);
        assert_eq!(f.content("back"), b"tree/a.txt");
        let keys = ["--delete", "Objects=[{Key=t/sub/c.txt},{Key=never there}]"];
        f.run(&[&["s3api", "delete-objects", "--bucket", "bucket"], &keys[..]].concat());
        f.run(&["s3", "rb", "s3://bucket"]);
        f.finish();
    }
}

#[test]
fn checksums_are_compared_and_writes_conditional_where_it_knows_how() {
    let newest = tool::find("awscli-v1", "aws", &["--version"], |said| said.contains("aws-cli/1."));
    let Some(f) = newest.map(|aws| on(aws, Server::start())) else { return };
    f.run(&["s3", "mb", "s3://bucket"]);
    let sent = body::random(20 * MIB, 5);
    f.write("file", &sent);
    for algorithm in ["CRC32", "SHA1", "SHA256"] {
        f.run(&["s3", "cp", "--quiet", "--checksum-algorithm", algorithm, "file", "s3://bucket/key"]);
        let head = f.run(&[
            "s3api",
            "head-object",
            "--checksum-mode",
            "ENABLED",
            "--bucket",
            "bucket",
            "--key",
            "key",
        ]);
        assert!(head.contains(&format!("\"Checksum{algorithm}\": ")), "{head}");
        f.run(&["s3", "cp", "--quiet", "--checksum-mode", "ENABLED", "s3://bucket/key", "back"]);
        assert!(f.content("back") == sent, "{algorithm}");
    }
    let put = [
        "s3api",
        "put-object",
        "--bucket",
        "bucket",
        "--key",
        "once",
        "--body",
        "file",
        "--if-none-match",
        "*",
    ];
    f.run(&put);
    let said = f.refused(&put);
    assert!(said.err.contains("PreconditionFailed"), "{}", said.err);
    f.finish();
}
