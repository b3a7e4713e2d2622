//! Chooses the memory map, brings in package and vectors, lists the operators that the package uses, and
//! tells the linker what to do.

use gimbal_core::Model;
use std::collections::BTreeSet;
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
    let package = out.join("model.gmbl");
    copy("GIMBAL_PACKAGE", "../tests/data/wrist.gmbl", &package);
    write(&out.join("kernels.rs"), kernels(&package).as_bytes());
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

/// A table of the operators that the package uses: no other reaches the flash.
fn kernels(package: &Path) -> String {
    let bytes = fs::read(package).unwrap_or_default();
    match Model::from_bytes(&bytes) {
        Ok(model) => {
            let records: BTreeSet<_> = model.operators().map(|operator| operator.record()).collect();
            let kernels: Vec<String> = records.iter().map(|record| format!("kernel::{record}::KERNEL")).collect();
            format!("&[{}]", kernels.join(", "))
        }
        Err(error) => {
            println!("cargo::error=the package cannot be used: {error}");
            "&[]".into()
        }
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
