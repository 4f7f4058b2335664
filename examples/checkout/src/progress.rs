//! What the user sees meanwhile: a bar on a terminal, a plain line now and then
//! when the output goes elsewhere.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::batch::Tally;

/// Between two plain lines.
const EVERY: Duration = Duration::from_secs(1);

/// Shows how far a batch has come.
#[derive(Debug)]
pub enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// Anywhere else.
    Plain {
        /// How many orders there are.
        total: usize,
        /// When the last line was written.
        last: Instant,
    },
    /// Nowhere.
    Silent,
}

impl Progress {
    /// For `total` orders; a bar when standard output is a terminal.
    #[must_use]
    pub fn start(total: usize) -> Progress {
        if !std::io::stdout().is_terminal() {
            return Progress::Plain { total, last: Instant::now() };
        }
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stdout());
        let template = "{bar:32} {pos}/{len} orders  {msg}  {elapsed}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress::Bar(bar)
    }

    /// Another order has ended.
    pub(crate) fn advance(&mut self, tally: &Tally) {
        match self {
            Progress::Bar(bar) => {
                bar.set_message(format!("{} completed, {} compensated", tally.completed, tally.compensated));
                bar.set_position(tally.ended() as u64);
            }
            Progress::Plain { total, last } if last.elapsed() >= EVERY => {
                let (ended, Tally { completed, compensated, .. }) = (tally.ended(), tally);
                // Whoever read this may be gone (`| head`): the orders go on.
                let _: std::io::Result<()> = writeln!(
                    std::io::stdout(),
                    "{ended}/{total} orders: {completed} completed, {compensated} compensated"
                );
                *last = Instant::now();
            }
            Progress::Plain { .. } | Progress::Silent => {}
        }
    }

    /// Writes a line to standard error without spoiling the bar.
    pub fn report(&self, line: &str) {
        match self {
            Progress::Bar(bar) => bar.suspend(|| eprintln!("{line}")),
            Progress::Plain { .. } => eprintln!("{line}"),
            Progress::Silent => {}
        }
    }

    /// Takes the bar away: the summary says the rest.
    pub fn finish(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
