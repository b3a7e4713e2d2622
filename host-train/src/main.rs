//! The `gimbal` program; `gimbal_train::cli` holds its commands.

fn main() -> std::process::ExitCode {
    gimbal_train::cli::main()
}
