//! litestream: a SQLite database is copied out as it changes.

use std::path::Path;
use std::process::Command;

use s3_compat_tests::{process, tool};

use crate::command_line::Tool;

/// Runs Python on the database; gives what it prints.
fn sqlite(file: &Path, program: &str) -> Option<String> {
    let python = tool::find("litestream", "python3", &["-c", "import sqlite3"], |_| true)?;
    let mut command = Command::new(python);
    let connect = "import sqlite3, sys, hashlib\ndb = sqlite3.connect(sys.argv[1])\n";
    command.arg("-c").arg(format!("{connect}{program}")).arg(file);
    Some(process::succeed(&mut command, file.parent().unwrap()))
}

const FILL: &str = "
db.execute('PRAGMA journal_mode=wal')
db.execute('CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body BLOB)')
db.executemany('INSERT INTO t (body) VALUES (randomblob(?))', [(size,) for size in range(0, 20000, 40)])
db.commit()
";
const DIGEST: &str = "
digest = hashlib.sha256()
rows = db.execute('SELECT id, body FROM t ORDER BY id').fetchall()
for row in rows: digest.update(repr(row).encode())
print(len(rows), digest.hexdigest(), *db.execute('PRAGMA integrity_check').fetchone())
";

#[test]
fn a_database_is_replicated_and_restored() {
    let Some(f) = Tool::start("litestream", "version") else { return };
    f.create_bucket("bucket");
    let database = f.path("database");
    let settings = format!(
        "dbs:\n- path: {}\n  replica:\n    type: s3\n    bucket: bucket\n    path: replica\n    endpoint: {}\n    region: us-east-1\n",
        database.display(),
        f.server().endpoint()
    );
    f.write("settings.yml", settings.as_bytes());
    let config = ["-config", "settings.yml"];
    for round in 1..=2 {
        if sqlite(&database, FILL).is_none() {
            return;
        }
        f.run(&[&["replicate", "-once"], &config[..]].concat());
        let back = format!("back{round}");
        f.run(&[&["restore", "-o", &back], &config[..], &[database.to_str().unwrap()]].concat());
        let (left, right) = (sqlite(&database, DIGEST), sqlite(&f.path(&back), DIGEST));
        assert_eq!(left, right);
        assert!(left.is_some_and(|said| said.starts_with(&format!("{} ", 500 * round)) && said.ends_with(" ok\n")));
    }
    let files = f.run(&[&["ltx"], &config[..], &[database.to_str().unwrap()]].concat());
    assert!(files.lines().count() > 2, "{files}");
    f.run(&[&["replicate", "-once", "-force-snapshot", "-enforce-retention"], &config[..]].concat());
    f.finish();
}
