//! A stopwatch, under the same name on every machine: [`Clock::start`], then [`Clock::stop`] gives what
//! ran between in [`Clock::UNIT`], and a little that is always the same.
//!
//! In QEMU the unit is instructions, and the emulator must run with `-icount shift=0`, where each one takes
//! a nanosecond of the guest's time. On a board it is cycles.

#[cfg(all(target_arch = "arm", feature = "nrf52840"))]
mod dwt;
#[cfg(target_arch = "riscv32")]
mod minstret;
#[cfg(all(target_arch = "arm", not(feature = "nrf52840")))]
mod systick;

#[cfg(all(target_arch = "arm", feature = "nrf52840"))]
pub use dwt::Clock;
#[cfg(target_arch = "riscv32")]
pub use minstret::Clock;
#[cfg(all(target_arch = "arm", not(feature = "nrf52840")))]
pub use systick::Clock;
