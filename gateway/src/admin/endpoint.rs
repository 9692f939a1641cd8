//! Where a running gateway listens, for the commands that talk to it: the file `<data_dir>/endpoint`.

use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const FILE: &str = "endpoint";

/// Where a gateway listens, and the word by which it knows its owner. Left behind by a gateway that was killed.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The S3 listener.
    pub s3: SocketAddr,
    /// The admin listener.
    pub admin: SocketAddr,
    /// Made anew at each start; whoever can read the file may run [`Operations`](super::Operations).
    pub token: String,
}

impl Endpoint {
    /// An endpoint with a fresh token.
    ///
    /// # Errors
    /// The operating system has no random numbers.
    pub fn new(s3: SocketAddr, admin: SocketAddr) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self { s3, admin, token: hex::encode(bytes) })
    }

    /// What `directory` says; `None` if no gateway was started there, or it stopped in order.
    ///
    /// # Errors
    /// The file cannot be read, or is not as a gateway writes it.
    pub fn read(directory: &Path) -> io::Result<Option<Self>> {
        match std::fs::read_to_string(path(directory)) {
            Ok(text) => {
                toml::from_str(&text).map(Some).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file, for its owner alone, whole or not at all.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let temporary = directory.join(format!("{FILE}.{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&temporary, path(directory))
    }

    /// Removes the file; absent is fine.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn remove(directory: &Path) -> io::Result<()> {
        match std::fs::remove_file(path(directory)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
