//! One bar on a terminal; a line every few epochs elsewhere, so that a log stays readable.

use super::Epoch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Reports finished epochs on stderr.
pub struct Progress {
    bar: ProgressBar,
    epochs: usize,
    every: usize,
}

impl Progress {
    /// `done` of `epochs` epochs were finished by an earlier run.
    pub fn new(epochs: usize, done: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            Some(epochs as u64),
            match terminal {
                true => ProgressDrawTarget::stderr(),
                false => ProgressDrawTarget::hidden(),
            },
        );
        let style = ProgressStyle::with_template("{bar:30} epoch {pos}/{len}  {msg}  {eta} left");
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_position(done as u64);
        // What an earlier run did took this run no time.
        bar.reset_eta();
        Self {
            bar,
            epochs,
            every: match terminal {
                true => usize::MAX,
                false => epochs.div_ceil(8),
            },
        }
    }

    /// Epoch `number`, counted from 1, is finished.
    pub fn epoch(&self, number: usize, mean: Epoch) {
        let message = format!("loss {:.4}", mean.loss);
        if self.every != usize::MAX && (number.is_multiple_of(self.every) || number == self.epochs) {
            eprintln!("epoch {number}/{}  {message}", self.epochs);
        }
        self.bar.set_message(message);
        self.bar.set_position(number as u64);
    }

    /// The run is finished.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
