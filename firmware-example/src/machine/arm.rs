//! Cortex-M.

pub use cortex_m::singleton;
pub use cortex_m_rt::entry;

use crate::exit;
use cortex_m_rt::{ExceptionFrame, exception};

/// Without it a fault would hang. `unsafe` only says that it must not rely on what faulted, and it
/// relies on nothing.
#[allow(unsafe_code)]
#[exception]
unsafe fn HardFault(_frame: &ExceptionFrame) -> ! {
    exit(false)
}
