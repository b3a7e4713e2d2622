//! RISC-V with 32 bits.

pub use riscv::singleton;
pub use riscv_rt::entry;

use crate::exit;
use riscv::interrupt::Exception;
use riscv_rt::exception;

/// Where the stack ends now: safe code cannot ask here.
#[must_use]
pub const fn stack_pointer() -> Option<u32> {
    None
}

/// Nothing: no plugin watches this processor.
#[inline]
pub const fn mark() {}

/// Without it each of these faults would hang.
macro_rules! ends_the_program {
    ($($fault:ident)*) => {
        $(const _: () = {
            #[exception(Exception::$fault)]
            fn fault() -> ! {
                exit(false)
            }
        };)*
    };
}

ends_the_program! {
    InstructionMisaligned InstructionFault IllegalInstruction LoadMisaligned LoadFault StoreMisaligned StoreFault
}
