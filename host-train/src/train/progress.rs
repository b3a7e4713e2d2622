//! One bar a training on a terminal; a line every few epochs elsewhere, so that a log stays readable.

use super::Epoch;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::LazyLock;

/// Where bars stand below each other.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Reports finished epochs on stderr.
pub struct Progress {
    name: String,
    bar: ProgressBar,
    epochs: usize,
    every: usize,
}

impl Progress {
    /// `done` of a run's `epochs` epochs were finished by an earlier one.
    pub fn new(name: &str, epochs: usize, done: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = match terminal {
            true => BARS.add(ProgressBar::new(epochs as u64)),
            false => ProgressBar::with_draw_target(Some(epochs as u64), ProgressDrawTarget::hidden()),
        };
        bar.set_prefix(name.to_owned());
        let style = ProgressStyle::with_template("{prefix}  {bar:30} epoch {pos}/{len}  {msg}  {eta} left");
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_position(done as u64);
        // What an earlier run did took this run no time.
        bar.reset_eta();
        Self {
            name: name.to_owned(),
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
            eprintln!("{}: epoch {number}/{}  {message}", self.name, self.epochs);
        }
        self.bar.set_message(message);
        self.bar.set_position(number as u64);
    }

    /// The run is finished.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
