//! Cortex-M.

pub use cortex_m::singleton;
pub use cortex_m_rt::entry;

use crate::exit;
use cortex_m::asm;
use cortex_m::register::msp;
use cortex_m_rt::{ExceptionFrame, exception};

/// Where the stack ends now.
#[must_use]
pub fn stack_pointer() -> Option<u32> {
    Some(msp::read())
}

/// A line between what is measured and what is not, for QEMU's plugin `tests/m4cycles.c`: a SEV, which
/// wakes other cores, where there is no other core. Two of them, because QEMU 7.2 was seen to lose one for
/// the plugin that lay in a page's last bytes.
#[inline]
pub fn mark() {
    asm::sev();
    asm::sev();
}

/// Without it a fault would hang. `unsafe` only says that it must not rely on what faulted, and it
/// relies on nothing.
#[allow(unsafe_code)]
#[exception]
unsafe fn HardFault(_frame: &ExceptionFrame) -> ! {
    exit(false)
}
