//! The keys of the gateway's owner: set, or generated once and kept in `<data_dir>/credentials`.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Secret, Settings, make_directory};

/// Name of the file that keeps generated keys, in the data directory.
pub const CREDENTIALS_FILE: &str = "credentials";
const ACCESS_KEY_LENGTH: usize = 20;
const ACCESS_KEY_START: &str = "TERR";
const SECRET_KEY_LENGTH: usize = 40;
/// Letters and digits alone: the pair goes through shells, URLs and other tools' files unquoted. 32 of them: 5 bits a character.
const ACCESS_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A pair of keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Names the owner; not a secret.
    pub access_key: String,
    /// Signs requests.
    pub secret_key: Secret,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// No keys are set, and the listener is not on loopback: generated keys are for one machine.
    #[error(
        "{0} is not a loopback address, and no keys are set: set TERRACE_AUTH__ACCESS_KEY and TERRACE_AUTH__SECRET_KEY"
    )]
    Required(std::net::SocketAddr),
    /// The file that keeps generated keys cannot be read or written.
    #[error("cannot {what} {}", path.display())]
    File {
        /// `read`, `write` or `create`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file that keeps generated keys is not as the gateway wrote it.
    #[error("{} holds no keys; remove it to have new ones generated", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and why. Shows no value of the file.
        source: Box<toml::de::Error>,
    },
    /// The operating system has no random numbers.
    #[error("no random numbers to make keys of")]
    Random(#[source] getrandom::Error),
}

impl Credentials {
    /// The keys that the settings give; else those of `<data_dir>/credentials`, generated at the first call. The path is that file,
    /// when the keys come from there.
    ///
    /// # Errors
    /// No keys and no loopback listener; a file that cannot be read or written.
    pub fn resolve(settings: &Settings) -> Result<(Self, Option<PathBuf>), CredentialsError> {
        if let (Some(access_key), Some(secret_key)) = (&settings.auth.access_key, &settings.auth.secret_key) {
            return Ok((Self { access_key: access_key.clone(), secret_key: secret_key.clone() }, None));
        }
        if !settings.server.listen.ip().is_loopback() {
            return Err(CredentialsError::Required(settings.server.listen));
        }
        let path = settings.data_dir.join(CREDENTIALS_FILE);
        let credentials = match load(&path)? {
            Some(credentials) => credentials,
            None => generate_at(&settings.data_dir, &path)?,
        };
        Ok((credentials, Some(path)))
    }
}

fn load(path: &Path) -> Result<Option<Credentials>, CredentialsError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(file_error("read", path)(source)),
    };
    let mode = std::fs::metadata(path).map_err(file_error("read", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), mode = format_args!("{:o}", mode & 0o777), "others can read the secret key: chmod 600");
    }
    toml::from_str(&text).map(Some).map_err(|mut source| {
        source.set_input(None);
        CredentialsError::Damaged { path: path.to_owned(), source: Box::new(source) }
    })
}

/// Generates a pair and writes it so that it is there whole or not at all. Two processes that start at once end with the same pair.
fn generate_at(directory: &Path, path: &Path) -> Result<Credentials, CredentialsError> {
    make_directory(directory).map_err(file_error("create", directory))?;
    let credentials = Credentials {
        access_key: format!(
            "{ACCESS_KEY_START}{}",
            random(ACCESS_ALPHABET, ACCESS_KEY_LENGTH - ACCESS_KEY_START.len())?
        ),
        secret_key: Secret::new(random(SECRET_ALPHABET, SECRET_KEY_LENGTH)?),
    };
    let temporary = directory.join(format!("{CREDENTIALS_FILE}.{}", std::process::id()));
    let written = write_once(&credentials, &temporary, path, directory);
    // Gone already unless a step failed; what matters is the error of that step.
    let _ = std::fs::remove_file(&temporary);
    written.map_err(file_error("write", path))?;
    load(path)?.ok_or_else(|| file_error("read", path)(ErrorKind::NotFound.into()))
}

fn write_once(
    credentials: &Credentials,
    temporary: &Path,
    path: &Path,
    directory: &Path,
) -> std::io::Result<()> {
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(temporary)?;
    write!(
        file,
        "# Keys of this gateway's owner, generated at its first start.\naccess_key = \"{}\"\nsecret_key = \"{}\"\n",
        credentials.access_key,
        credentials.secret_key.expose()
    )?;
    file.sync_all()?;
    match std::fs::hard_link(temporary, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        linked => linked?,
    }
    std::fs::File::open(directory)?.sync_all()
}

/// `length` characters, each equally likely, because 32 divides 256.
fn random(alphabet: &[u8; 32], length: usize) -> Result<String, CredentialsError> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(CredentialsError::Random)?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

fn file_error<'a>(what: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> CredentialsError + 'a {
    move |source| CredentialsError::File { what, path: path.to_owned(), source }
}
