//! Chooses the memory map, brings in package and vectors, lists the operators and charts that the package uses, and
//! tells the linker what to do.

use gimbal_core::Model;
use gimbal_core::format::Role;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Arm MPS2 with the images AN385 (Cortex-M3), AN386 (Cortex-M4F) and AN500 (Cortex-M7), as QEMU emulates
/// it.
const MPS2: &str = "MEMORY
{
  FLASH : ORIGIN = 0x00000000, LENGTH = 4M
  RAM : ORIGIN = 0x20000000, LENGTH = 4M
}
";

/// Arm MPS2 with the image AN505 (Cortex-M33), from the secure side, in which it starts.
const AN505: &str = "MEMORY
{
  FLASH : ORIGIN = 0x10000000, LENGTH = 4M
  RAM : ORIGIN = 0x38000000, LENGTH = 4M
}
";

/// Arm MPS3 with the image AN547 (Cortex-M55): its memories for code and for data, from the secure side.
const AN547: &str = "MEMORY
{
  FLASH : ORIGIN = 0x10000000, LENGTH = 512K
  RAM : ORIGIN = 0x30000000, LENGTH = 512K
}
";

/// QEMU's `virt` with a RISC-V processor: it starts where the RAM does, and there is nothing else.
const VIRT: &str = "MEMORY
{
  RAM : ORIGIN = 0x80000000, LENGTH = 16M
}
REGION_ALIAS(\"REGION_TEXT\", RAM);
REGION_ALIAS(\"REGION_RODATA\", RAM);
REGION_ALIAS(\"REGION_DATA\", RAM);
REGION_ALIAS(\"REGION_BSS\", RAM);
REGION_ALIAS(\"REGION_HEAP\", RAM);
REGION_ALIAS(\"REGION_STACK\", RAM);
";

const NRF52840: &str = "MEMORY
{
  FLASH : ORIGIN = 0x00000000, LENGTH = 1M
  RAM : ORIGIN = 0x20000000, LENGTH = 256K
}
";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    write(&out.join("memory.x"), memory_map().as_bytes());
    let package = out.join("model.gmbl");
    copy("GIMBAL_PACKAGE", "../tests/data/wrist.gmbl", &package);
    write(&out.join("kernels.rs"), kernels(&package).as_bytes());
    copy("GIMBAL_VECTORS", "../tests/data/wrist.vectors", &out.join("model.vectors"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(gimbal_sets)");
    println!("cargo::rustc-check-cfg=cfg(gimbal_within)");
    println!("cargo::rustc-link-search={}", out.display());
    // Sections need not start on pages of 64 KiB: there is no operating system to map them.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    for logs in ["pose", "digits", "points", "classes", "track", "golden", "bench"] {
        println!("cargo::rustc-link-arg-bin={logs}=-Tdefmt.x");
    }
}

/// Tables of the operators and charts that the package uses: no other reaches the flash.
fn kernels(package: &Path) -> String {
    let bytes = fs::read(package).unwrap_or_default();
    match Model::from_bytes(&bytes) {
        Ok(model) => {
            let records: BTreeSet<_> = model.operators().map(|operator| operator.record()).collect();
            let operators: Vec<String> = records.iter().map(|record| format!("kernel::{record}::KERNEL")).collect();
            let frames: Vec<String> = model.frames().map(|frame| format!("group::{}", frame.path())).collect();
            if model.takes_sets() {
                println!("cargo::rustc-cfg=gimbal_sets");
            }
            if model.output_of(Role::Within).is_some() {
                println!("cargo::rustc-cfg=gimbal_within");
            }
            let sets = if model.takes_sets() { "Some(gimbal_core::set::SETS)" } else { "None" };
            let [operators, frames] = [operators, frames].map(|all| all.join(", "));
            format!("Kernels {{ operators: &[{operators}], frames: &[{frames}], sets: {sets} }}")
        }
        Err(error) => {
            println!("cargo::error=the package cannot be used: {error}");
            "Kernels { operators: &[], frames: &[], sets: None }".into()
        }
    }
}

fn memory_map() -> &'static str {
    if env::var_os("CARGO_FEATURE_NRF52840").is_some() {
        return NRF52840;
    }
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    match target.split(['.', '-']).next() {
        // Two processors share this target; what the compiler was told about the processor tells them apart.
        Some("thumbv8m") if flags.contains("cortex-m55") => AN547,
        Some("thumbv8m") => AN505,
        Some(arch) if arch.starts_with("riscv32") => VIRT,
        _ => MPS2,
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
