//! RISC-V's counter of retired instructions, exact in QEMU.

use riscv::register::minstret;

/// Counts instructions, up to 2³².
pub struct Clock {
    started: usize,
}

impl Clock {
    /// What is counted.
    pub const UNIT: &str = "instructions";

    /// The clock.
    pub fn new() -> Option<Self> {
        Some(Self { started: 0 })
    }

    /// Begins to count.
    #[inline(never)]
    pub fn start(&mut self) {
        self.started = minstret::read();
    }

    /// What was counted since [`start`](Self::start).
    #[inline(never)]
    pub fn stop(&mut self) -> u32 {
        minstret::read().wrapping_sub(self.started) as u32
    }
}
