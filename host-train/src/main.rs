//! The `gimbal` program; `gimbal_train::cli` holds its commands.

/// Tensors of a step have the sizes of the step before: their pages are kept.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    gimbal_train::cli::main()
}
