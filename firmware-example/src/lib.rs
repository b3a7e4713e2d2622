//! What every firmware here shares: the logger, the panic handler, the way out, and the model with its
//! test vectors; what differs between processors stands in [`machine`], a stopwatch in [`clock`], and what moves
//! sets in [`stream`]. A program in `bin/` then fits on one screen.

#![no_std]

pub mod clock;
pub mod machine;
pub mod stream;
pub mod vectors;

#[cfg(feature = "nrf52840")]
use defmt_rtt as _;
#[cfg(feature = "qemu")]
use defmt_semihosting as _;
#[cfg(feature = "nrf52840")]
use panic_probe as _;

use gimbal_core::Aligned;
#[allow(unused_imports, reason = "a model without a pose has no chart")]
use gimbal_core::group;
use gimbal_core::kernel::{self, Kernels};

#[cfg(not(any(feature = "qemu", feature = "nrf52840")))]
compile_error!("choose a machine: feature `qemu` (the default) or `nrf52840`");
#[cfg(all(feature = "qemu", feature = "nrf52840"))]
compile_error!("choose one machine: `nrf52840` takes `--no-default-features`");

pub use machine::entry;

/// The model.
pub static PACKAGE: &[u8] = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/model.gmbl"))).0;
/// The operators and charts that the model uses, as the build script found them.
pub static KERNELS: &Kernels<'_> = &include!(concat!(env!("OUT_DIR"), "/kernels.rs"));
/// Windows, how to turn them, and what the host found in them; see [`vectors`].
pub static VECTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/model.vectors"));

/// Words of memory for a session, far more than the models here need; `Session::new` says how much.
pub const ARENA_WORDS: usize = 32 * 1024;
/// Numbers in the longest window.
pub const WINDOW_LEN: usize = 16 * 1024;

/// Memory for a session and for a window; `None` when called again.
pub fn memory() -> Option<(&'static mut [u32], &'static mut [i16])> {
    let arena = machine::singleton!(: [u32; ARENA_WORDS] = [0; ARENA_WORDS])?;
    let window = machine::singleton!(: [i16; WINDOW_LEN] = [0; WINDOW_LEN])?;
    Some((arena, window))
}

/// Ends the program and tells the machine's host, QEMU or the debugger, whether all was well.
pub fn exit(ok: bool) -> ! {
    semihosting::process::exit(if ok { 0 } else { 1 })
}

/// Logs where it happened and ends the program. The message would bring `core::fmt` into the flash.
#[cfg(not(feature = "nrf52840"))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    use core::sync::atomic::{AtomicBool, Ordering};
    // The logger itself may have panicked.
    static PANICKED: AtomicBool = AtomicBool::new(false);
    if !PANICKED.load(Ordering::Relaxed) {
        PANICKED.store(true, Ordering::Relaxed);
        if let Some(place) = info.location() {
            defmt::error!("panicked at {=str}:{=u32}", place.file(), place.line());
        }
    }
    exit(false)
}
