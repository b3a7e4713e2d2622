//! What differs between processors, under the same names: the entry point, memory that is handed out
//! once, what a fault does, and two helpers for measuring the stack.

#[cfg(target_arch = "arm")]
mod arm;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
pub use arm::*;
#[cfg(target_arch = "riscv32")]
pub use riscv::*;
