//! A Cortex-M4's cycle counter, which QEMU does not have.

use cortex_m::Peripherals;
use cortex_m::peripheral::DWT;

/// Counts cycles, up to 2³².
pub struct Clock {
    started: u32,
}

impl Clock {
    /// What is counted.
    pub const UNIT: &str = "cycles";

    /// The clock; `None` when called again.
    pub fn new() -> Option<Self> {
        let mut peripherals = Peripherals::take()?;
        peripherals.DCB.enable_trace();
        peripherals.DWT.enable_cycle_counter();
        Some(Self { started: 0 })
    }

    /// Begins to count.
    pub fn start(&mut self) {
        self.started = DWT::cycle_count();
    }

    /// What was counted since [`start`](Self::start).
    pub fn stop(&mut self) -> u32 {
        DWT::cycle_count().wrapping_sub(self.started)
    }
}
