//! What is wrong with settings, all of it at once.

use std::fmt;

/// One thing that is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the setting, such as `server.listen`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// Everything that is wrong, in the order of the sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, path: &str, what: impl Into<String>) {
        self.0.push(Problem { path: path.to_owned(), what: what.into() });
    }

    /// Adds a problem unless `right`.
    pub(super) fn require(&mut self, right: bool, path: &str, what: &str) {
        if !right {
            self.add(path, what);
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.what)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for problem in &self.0 {
            write!(formatter, "{separator}{problem}")?;
            separator = "\n";
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
