//! The layers of settings, put on one another.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use terrace_runtime::planted::Bug;
use toml::{Table, Value};

use super::Settings;
use super::environment;
use super::problem::Problems;

/// What the command line sets.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--admin-listen`
    pub admin_listen: Option<SocketAddr>,
    /// `--log-level`
    pub log_level: Option<String>,
}

/// Where settings come from.
pub struct Sources {
    /// The command line.
    pub flags: Overrides,
    /// The environment, names and values.
    pub environment: Vec<(OsString, OsString)>,
}

/// Why there are no settings to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file of settings cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of settings is not TOML, or has a key or a value that is none.
    #[error("{} is not a file of settings", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A path on the command line is not UTF-8.
    #[error("{} is not UTF-8", .0.display())]
    Path(PathBuf),
    /// Variables that are no settings, or values that do not fit.
    #[error("the environment sets what is no setting:\n{0}")]
    Environment(Problems),
    /// Values that do not go together.
    #[error("the settings are not valid:\n{0}")]
    Invalid(Problems),
}

/// Not a setting: a bug for a test of the real binary, which only a build for tests can plant.
const PLANT: &str = "TERRACE_TEST_PLANT";

impl Sources {
    /// The command line and the environment of this process.
    #[must_use]
    pub fn of_process(flags: Overrides) -> Self {
        Self { flags, environment: std::env::vars_os().collect() }
    }

    /// The bug that a test asks for by `TERRACE_TEST_PLANT`.
    #[must_use]
    pub fn planted(&self) -> Option<Bug> {
        let (_, asked) = self.environment.iter().find(|(name, _)| name == PLANT)?;
        (asked == "answer-before-sync").then_some(Bug::AnswerBeforeSync)
    }

    /// Puts the layers on one another, reads the `_file` twins and validates.
    ///
    /// # Errors
    /// The first layer that cannot be read, or all problems of the whole.
    pub fn load(&self) -> Result<Settings, ConfigError> {
        let environment =
            environment::read(self.environment.iter().cloned()).map_err(ConfigError::Environment)?;
        let file = self.flags.config.as_ref().or(environment.config.as_ref());
        let mut table = file.map_or_else(|| Ok(Table::new()), |path| read(path).map(|(table, _)| table))?;
        merge(&mut table, environment.layer);
        merge(&mut table, self.flags.layer()?);
        let mut settings = Settings::deserialize(table).map_err(|source| ConfigError::File {
            path: file.cloned().unwrap_or_default(),
            source: Box::new(source),
        })?;
        let mut problems = Problems::default();
        settings.auth.read_files(&mut problems);
        if !problems.0.is_empty() {
            return Err(ConfigError::Invalid(problems));
        }
        settings.validate().map_err(ConfigError::Invalid)?;
        Ok(settings)
    }
}

/// Checks one file alone: its keys, its values, and what they say together. Files that hold secrets are not opened.
///
/// # Errors
/// What is wrong with it.
pub fn check_file(path: &Path) -> Result<Settings, ConfigError> {
    let (_, settings) = read(path)?;
    settings.validate().map_err(ConfigError::Invalid)?;
    Ok(settings)
}

fn read(path: &Path) -> Result<(Table, Settings), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let refused = |source| ConfigError::File { path: path.to_owned(), source: Box::new(source) };
    // From the text first: only then does an error say the line.
    let settings = toml::from_str(&text).map_err(refused)?;
    Ok((toml::from_str(&text).map_err(refused)?, settings))
}

impl Overrides {
    fn layer(&self) -> Result<Table, ConfigError> {
        let mut layer = Table::new();
        let section = |name: &str, field: &str, value: String| {
            Table::from_iter([(
                name.to_owned(),
                Table::from_iter([(field.to_owned(), Value::String(value))]).into(),
            )])
        };
        if let Some(dir) = &self.data_dir {
            let text = dir.to_str().ok_or_else(|| ConfigError::Path(dir.clone()))?;
            layer.insert("data_dir".to_owned(), text.into());
        }
        if let Some(listen) = self.listen {
            unite(&mut layer, section("server", "listen", listen.to_string()));
        }
        if let Some(listen) = self.admin_listen {
            unite(&mut layer, section("admin", "listen", listen.to_string()));
        }
        if let Some(level) = &self.log_level {
            unite(&mut layer, section("log", "level", level.clone()));
        }
        Ok(layer)
    }
}

/// Puts `over` on `base`. What `over` sets also takes the `_file` twin of it out of `base`, and the other way round.
fn merge(base: &mut Table, over: Table) {
    displace(base, &over);
    unite(base, over);
}

fn displace(base: &mut Table, over: &Table) {
    for (key, value) in over {
        if let (Some(Value::Table(below)), Value::Table(above)) = (base.get_mut(key), value) {
            displace(below, above);
        }
        let twin = key.strip_suffix("_file").map_or_else(|| format!("{key}_file"), str::to_owned);
        if !over.contains_key(&twin) {
            base.remove(&twin);
        }
    }
}

/// Puts `over` on `base`, setting by setting.
pub(super) fn unite(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => unite(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
