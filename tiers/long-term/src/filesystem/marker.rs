//! The marker of the deployment: a file that is made once. Blocking.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

use super::classify::settled;
use super::disk::{Disk, absent_is_fine};
use crate::blob::Deployment;
use crate::error::{BlobError, BlobErrorKind};

/// The id in the marker: 32 hexadecimal digits and a newline.
pub(super) fn read(disk: &Disk) -> Result<Option<Deployment>, BlobError> {
    let text = match fs::read(disk.layout.marker()) {
        Ok(text) => text,
        // An absent directory is not an absent marker: nothing can be said of blobs that cannot be seen.
        Err(error) if error.kind() == ErrorKind::NotFound && disk.layout.root().is_dir() => return Ok(None),
        Err(error) => return Err(settled("read the deployment marker")(error)),
    };
    let mut id = Deployment::default();
    hex::decode_to_slice(text.trim_ascii_end(), &mut id).map_err(|error| {
        BlobError::settled(BlobErrorKind::Corrupt, "read the deployment marker").because(error)
    })?;
    Ok(Some(id))
}

/// Makes the marker if there is none, and says what is in it, durably.
pub(super) fn bind(disk: &Disk, deployment: Deployment) -> Result<Deployment, BlobError> {
    if read(disk)?.is_none() {
        make(disk, deployment)?;
    }
    // Also when it was there: the process that made it may have died before this.
    let root = File::open(disk.layout.root()).map_err(settled("open the directory of the blobs"))?;
    disk.fsync(&root, "fsync the deployment marker").map_err(settled("fsync the deployment marker"))?;
    read(disk)?
        .ok_or_else(|| BlobError::settled(BlobErrorKind::Unavailable, "read the deployment marker just made"))
}

/// Makes the marker whole or not at all, and never over another one: a link fails where a name is taken.
fn make(disk: &Disk, deployment: Deployment) -> Result<(), BlobError> {
    let id = hex::encode(deployment);
    let temporary = disk.layout.uploads().join(format!("deployment-{id}"));
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&temporary).map_err(settled("make the deployment marker"))?;
    file.write_all(format!("{id}\n").as_bytes()).map_err(settled("write the deployment marker"))?;
    disk.fsync(&file, "fsync the deployment marker").map_err(settled("fsync the deployment marker"))?;
    match fs::hard_link(&temporary, disk.layout.marker()) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        linked => linked.map_err(settled("put the deployment marker in place"))?,
    }
    absent_is_fine(fs::remove_file(&temporary)).map_err(settled("remove a temporary file"))
}
