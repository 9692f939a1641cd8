//! An error with its causes, on one line.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes, outermost first, separated by `: `. For the log, never for a client.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl fmt::Display + 'a {
    Chain(error)
}

struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Level(&'static str, #[source] Option<Box<Level>>);

    #[test]
    fn causes_follow_their_error_on_one_line() {
        let error = Level("put", Some(Box::new(Level("commit", Some(Box::new(Level("fsync", None)))))));
        assert_eq!(chain(&error).to_string(), "put: commit: fsync");
    }
}
