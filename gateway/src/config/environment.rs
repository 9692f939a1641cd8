//! The environment as a layer of settings: `TERRACE_<SECTION>__<FIELD>`, one level of nesting for each `__`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::Settings;
use super::problem::Problems;

const PREFIX: &str = "TERRACE_";
const CONFIG_FILE: &str = "TERRACE_CONFIG";
/// Read by the project's test suites, besides `TERRACE_TEST_…`; not settings.
const OF_TESTS: [&str; 2] = ["TERRACE_REQUIRE", "TERRACE_BIN"];

/// What the environment says.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// Path of the file of settings.
    pub(super) config: Option<PathBuf>,
    /// The settings.
    pub(super) layer: Table,
}

/// Reads the variables that are the gateway's. Each must be a setting and hold a value of its type.
///
/// # Errors
/// All variables that are wrong, by name.
pub(super) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Environment, Problems> {
    let defaults = Table::try_from(Settings::default()).unwrap_or_default();
    let mut environment = Environment::default();
    let mut problems = Problems::default();
    let mut ours: Vec<_> = variables.into_iter().filter(|(name, _)| is_ours(name)).collect();
    ours.sort();
    for (name, value) in ours {
        if name == CONFIG_FILE {
            environment.config = Some(PathBuf::from(value));
            continue;
        }
        let shown = name.to_string_lossy().into_owned();
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            problems.add(&shown, "is not UTF-8");
            continue;
        };
        let path: Vec<String> =
            name.trim_start_matches(PREFIX).split("__").map(str::to_ascii_lowercase).collect();
        match typed(&defaults, &path, value) {
            Ok(layer) => super::load::unite(&mut environment.layer, layer),
            Err(what) => problems.add(&shown, what),
        }
    }
    if problems.0.is_empty() { Ok(environment) } else { Err(problems) }
}

/// A table with this one setting in it, if there is such a setting and the value fits.
fn typed(defaults: &Table, path: &[String], value: &str) -> Result<Table, String> {
    let value = match lookup(defaults, path) {
        Some(Value::Integer(_)) => {
            Value::Integer(value.parse().map_err(|_| "must be a whole number".to_owned())?)
        }
        Some(Value::Boolean(_)) => {
            Value::Boolean(value.parse().map_err(|_| "must be true or false".to_owned())?)
        }
        Some(Value::Table(_)) => return Err("is a section, not a setting".to_owned()),
        _ => Value::String(value.to_owned()),
    };
    let mut layer = value;
    for segment in path.iter().rev() {
        layer = Value::Table(Table::from_iter([(segment.clone(), layer)]));
    }
    let Value::Table(table) = layer else { return Err("is not a setting".to_owned()) };
    Settings::deserialize(table.clone()).map_err(|error| error.message().to_owned())?;
    Ok(table)
}

fn lookup<'a>(defaults: &'a Table, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(defaults.get(first)?, |value, segment| value.as_table()?.get(segment))
}

fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_of_tests = OF_TESTS.contains(&&*name) || name.starts_with("TERRACE_TEST_");
    name.starts_with(PREFIX) && !is_of_tests && !is_service_link(&name)
}

/// Kubernetes describes a Service called `terrace` or `terrace-x` to every pod of its namespace by variables such as
/// `TERRACE_SERVICE_HOST` and `TERRACE_PORT_9000_TCP_ADDR` (Services, "Environment variables"): not settings.
fn is_service_link(name: &str) -> bool {
    let port = |rest: &str| {
        let mut parts = rest.split('_');
        let number = parts.next().is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
        number
            && parts.next().is_some_and(|part| matches!(part, "TCP" | "UDP" | "SCTP"))
            && parts.next().is_none_or(|part| matches!(part, "PROTO" | "PORT" | "ADDR"))
            && parts.next().is_none()
    };
    !name.contains("__")
        && (name.ends_with("_SERVICE_HOST")
            || name.ends_with("_PORT")
            || name.contains("_SERVICE_PORT_")
            || name.match_indices("_PORT_").any(|(at, found)| port(&name[at + found.len()..])))
}
