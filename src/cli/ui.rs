//! What the user sees: results on stdout, the rest on stderr.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lookalike::Error;

use super::args::GlobalArgs;

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Exit code 0.
    Yes,
    /// Exit code 1: it ran, but the answer is no.
    No,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Yes => Self::SUCCESS,
            Done::No => Self::from(1),
        }
    }
}

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Told to the user, exit code 2.
    Error(Error),
    /// Nobody reads the output any more (`lookalike … | head`): no failure of ours.
    BrokenPipe,
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Error(e)
    }
}

pub(crate) type Outcome<T = Done> = Result<T, Failure>;

/// Where output goes and how much of it.
pub(crate) struct Ui {
    pub(crate) json: bool,
    quiet: bool,
    pub(crate) verbosity: u8,
}

/// A result that cannot be written, by what is to blame.
fn failed_write(e: std::io::Error) -> Failure {
    if e.kind() == std::io::ErrorKind::BrokenPipe { Failure::BrokenPipe } else { Error::io("Writing", "standard output", e).into() }
}

/// `text` without the control characters that a terminal would obey: names in it can come from anybody's file.
fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(obeyed) {
        return text.into();
    }
    text.chars().flat_map(|c| if obeyed(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

impl Ui {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        Self { json: global.json, quiet: global.quiet, verbosity: global.verbose }
    }

    /// A result, with a line break after it.
    pub(crate) fn line(&self, text: &str) -> Outcome<()> {
        self.record(&harmless(text))
    }

    /// A result for a program, whose format says how names are escaped, with a line break after it.
    pub(crate) fn record(&self, text: &str) -> Outcome<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(failed_write)
    }

    /// A result as JSON.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> Outcome<()> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|e| Error::Caller(format!("The result cannot be written as JSON ({e}). Leave out --json.")))?;
        self.record(&text)
    }

    /// The one line a failed command ends with.
    pub(crate) fn error(&self, text: &str) {
        self.say("error", text);
    }

    /// Something that may surprise.
    pub(crate) fn warn(&self, text: &str) {
        if !self.quiet {
            self.say("warning", text);
        }
    }

    /// Something that was left out; told even to those who want quiet.
    pub(crate) fn skipped(&self, text: &str) {
        self.say("skipped", text);
    }

    /// Something good to know.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.say("note", text);
        }
    }

    /// A line without a prefix, not a result.
    pub(crate) fn say_plain(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{}", harmless(text));
        }
    }

    fn say(&self, prefix: &str, text: &str) {
        // There is nowhere to report that standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "{prefix}: {}", harmless(text));
    }

    /// A progress bar of `len` steps that shows up after a second, on a terminal only.
    pub(crate) fn progress(&self, len: usize, what: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(len as u64), ProgressDrawTarget::hidden());
        let template = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        let wanted = !self.quiet && std::io::stderr().is_terminal();
        Progress { bar, start: Instant::now(), waiting: wanted }
    }
}

/// See [`Ui::progress`].
pub(crate) struct Progress {
    bar: ProgressBar,
    start: Instant,
    waiting: bool,
}

impl Progress {
    /// `n` more steps are done.
    pub(crate) fn advance(&mut self, n: usize) {
        if self.waiting && self.start.elapsed() > Duration::from_secs(1) {
            self.waiting = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(n as u64);
    }

    /// Writes to stderr without tearing the bar.
    pub(crate) fn interrupt<T>(&self, say: impl FnOnce() -> T) -> T {
        self.bar.suspend(say)
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_terminal_gets_no_orders_from_a_file() {
        assert_eq!(harmless("a\tb\nc é"), "a\tb\nc é");
        assert_eq!(harmless("\u{1b}]0;x\u{7}\r\u{9b}2J"), "\\u{1b}]0;x\\u{7}\\r\\u{9b}2J");
    }
}
