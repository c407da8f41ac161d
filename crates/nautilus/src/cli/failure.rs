//! How a command ends that could not do its work: a sentence, what to do about it, and an exit code of `sysexits.h`.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

/// The command line was wrong.
pub(crate) const USAGE: u8 = 64;
/// The data directory holds what this version cannot take.
pub(crate) const DATA: u8 = 65;
/// Something that we depend on is not to be had: a port.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A bug of ours.
pub(crate) const SOFTWARE: u8 = 70;
/// A file or directory cannot be made.
pub(crate) const CANNOT_CREATE: u8 = 73;
/// Reading or writing failed; what was acknowledged is safe.
pub(crate) const IO: u8 = 74;
/// It may work later: another process has the directory.
pub(crate) const TEMPORARY: u8 = 75;
/// What we were told to set up is wrong.
pub(crate) const CONFIG: u8 = 78;

/// Why a command ended, for the person who started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u8,
    problems: Vec<Problem>,
}

/// One thing that is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { message: message.into(), hint: Some(hint.into()) }
    }
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Failure {
        Failure { code, problems: vec![Problem { message: message.into(), hint: None }] }
    }

    pub(crate) fn with_hint(
        code: u8,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Failure {
        Failure { code, problems: vec![Problem::new(message, hint)] }
    }

    /// Several things at once; there must be one.
    pub(crate) fn all(code: u8, problems: Vec<Problem>) -> Failure {
        Failure { code, problems }
    }

    /// Tells it on stderr.
    pub(crate) fn tell(&self) -> ExitCode {
        let stderr = io::stderr();
        let colors = stderr.is_terminal() && colors_are_wanted();
        let text = self.to_string();
        let text = match colors {
            true => text
                .replace("error:", "\x1b[1;31merror:\x1b[0m")
                .replace("hint:", "\x1b[1;36mhint:\x1b[0m"),
            false => text,
        };
        // A closed stderr leaves nobody to tell.
        let _ = stderr.lock().write_all(text.as_bytes());
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "error: {}", problem.message)?;
            if let Some(hint) = &problem.hint {
                writeln!(f, "  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

/// <https://no-color.org>: set and not empty means no.
pub(crate) fn colors_are_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_with_its_hint() {
        let failure = Failure::all(
            USAGE,
            vec![Problem::new("a is wrong", "do b"), Problem { message: "c".into(), hint: None }],
        );
        assert_eq!(failure.to_string(), "error: a is wrong\n  hint: do b\nerror: c\n");
    }
}
