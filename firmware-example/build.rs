//! Chooses the memory map, brings in package and vectors, and tells the linker what to do.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Arm MPS2 with the images AN385 (Cortex-M3) and AN386 (Cortex-M4F), as QEMU emulates it.
const MPS2: &str = "MEMORY
{
  FLASH : ORIGIN = 0x00000000, LENGTH = 4M
  RAM : ORIGIN = 0x20000000, LENGTH = 4M
}
";

const NRF52840: &str = "MEMORY
{
  FLASH : ORIGIN = 0x00000000, LENGTH = 1M
  RAM : ORIGIN = 0x20000000, LENGTH = 256K
}
";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let memory = if env::var_os("CARGO_FEATURE_NRF52840").is_some() { NRF52840 } else { MPS2 };
    write(&out.join("memory.x"), memory.as_bytes());
    copy("GIMBAL_PACKAGE", "../tests/data/wrist.gmbl", &out.join("model.gmbl"));
    copy("GIMBAL_VECTORS", "../tests/data/wrist.vectors", &out.join("model.vectors"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-search={}", out.display());
    // Sections need not start on pages of 64 KiB: there is no operating system to map them.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    for logs in ["pose", "golden"] {
        println!("cargo::rustc-link-arg-bin={logs}=-Tdefmt.x");
    }
}

/// Copies the file that the environment variable names, or else the default one.
fn copy(variable: &str, default: &str, to: &Path) {
    println!("cargo::rerun-if-env-changed={variable}");
    let from = env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from);
    println!("cargo::rerun-if-changed={}", from.display());
    match fs::read(&from) {
        Ok(bytes) => write(to, &bytes),
        Err(error) => println!(
            "cargo::error=cannot read {}: {error}; set {variable} to an absolute path, or let `cargo gimbal simulate` do it",
            from.display()
        ),
    }
}

fn write(path: &Path, bytes: &[u8]) {
    if let Err(error) = fs::write(path, bytes) {
        println!("cargo::error=cannot write {}: {error}", path.display());
    }
}
