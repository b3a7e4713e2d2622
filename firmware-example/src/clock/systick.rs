//! Every Cortex-M's timer, as an instruction counter in QEMU.
//!
//! A tick is 31¼ to 50 instructions, by the board. Writing the counter begins a new tick, so the start is
//! exact; behind the end the rest of the tick is filled with polls, whose number tells how much of the
//! tick was over. What remains is the last poll of a region, and that of the empty one which is subtracted: less
//! than ten instructions.

use crate::machine::mark;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::{Peripherals, asm};

/// The counter runs down from here, and wraps behind some 500 million instructions.
const RELOAD: u32 = 0x00ff_ffff;
/// Turns of two instructions in the loop that a tick is measured with.
const TURNS: u32 = 200_000;
/// Ticks that the polls are measured with.
const TICKS: u32 = 1_000;

/// Counts instructions.
pub struct Clock {
    syst: SYST,
    /// Quarters of an instruction in a tick.
    tick: u32,
    /// Instructions in a poll.
    poll: u32,
}

impl Clock {
    /// What is counted.
    pub const UNIT: &str = "instructions";

    /// The clock, which has found out what a tick is here; `None` when called again.
    pub fn new() -> Option<Self> {
        let mut syst = Peripherals::take()?.SYST;
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(RELOAD);
        syst.enable_counter();
        let mut clock = Self { syst, tick: 0, poll: 0 };
        clock.start();
        // One more turn than asked for.
        asm::delay(TURNS - 1);
        let (ticks, _) = elapsed();
        clock.tick = rounded(4 * 2 * TURNS, ticks);
        let polls = polls_until(SYST::get_current().wrapping_sub(TICKS));
        clock.poll = rounded(TICKS * clock.tick / 4, polls);
        Some(clock)
    }

    /// Begins to count.
    #[inline(never)]
    pub fn start(&mut self) {
        self.syst.clear_current();
        // It reads 0 up to the first tick.
        while SYST::get_current() == 0 {}
        mark();
    }

    /// What was counted since [`start`](Self::start).
    #[inline(never)]
    pub fn stop(&mut self) -> u32 {
        mark();
        let (ticks, polls) = elapsed();
        (ticks * self.tick / 4).wrapping_sub(polls * self.poll)
    }
}

/// Waits for the next tick; returns the ticks since the start, and the polls of this one.
fn elapsed() -> (u32, u32) {
    let next = SYST::get_current().wrapping_sub(1);
    let polls = polls_until(next);
    (RELOAD - next, polls)
}

/// Polls until the counter has come down to `tick`. Not inlined, so that a poll takes the same everywhere.
#[inline(never)]
fn polls_until(tick: u32) -> u32 {
    let mut polls = 0;
    while SYST::get_current() > tick {
        polls += 1;
    }
    polls
}

fn rounded(numerator: u32, denominator: u32) -> u32 {
    (numerator + denominator / 2) / denominator.max(1)
}
