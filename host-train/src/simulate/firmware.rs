//! A program of the firmware: building it, and running it.

use super::{Bin, Missing, Target, Vectors, qemu};
use anyhow::{Context, Result, anyhow, bail};
use object::{Object, ObjectSection};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::{env, fs};
use tempfile::TempDir;

/// Builds write to the same place, so that one must be copied away before the next begins.
static BUILDING: Mutex<()> = Mutex::new(());

/// A program of the firmware, built for a target with a package and its vectors.
#[derive(Debug)]
pub struct Firmware {
    target: Target,
    elf: PathBuf,
    bytes: Vec<u8>,
    text_bytes: u64,
    /// Where the ELF file is.
    _scratch: TempDir,
}

impl Firmware {
    /// Builds it, once it is clear that there is an emulator to run it in.
    ///
    /// # Errors
    /// [`Missing`] where something is to be installed first; else where the firmware does not build.
    pub fn build(package: &[u8], vectors: &Vectors, target: Target, bin: Bin, firmware_dir: &Path) -> Result<Self> {
        // Building takes longer than to notice that it was in vain.
        qemu::look_for(target)?;
        let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
        let vectors = vectors.to_bytes();
        let elf = build(firmware_dir, target, bin, package, &vectors, scratch.path())?;
        let bytes = fs::read(&elf).with_context(|| format!("cannot read {}", elf.display()))?;
        let data = (package.len() + vectors.len()) as u64;
        let text_bytes = text_bytes(&bytes)?.saturating_sub(data);
        Ok(Self { target, elf, bytes, text_bytes, _scratch: scratch })
    }

    /// Bytes of code and constants, `.text` and `.rodata`, without package and vectors.
    #[must_use]
    pub const fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Runs it in QEMU with these options beside its own, hands each line that it logs to `on_line` as it
    /// comes, and returns whether the firmware says that all is well.
    ///
    /// # Errors
    /// Where the firmware does not end.
    pub fn run(&self, options: &[OsString], on_line: &mut dyn FnMut(&str)) -> Result<bool> {
        qemu::run(&self.elf, &self.bytes, self.target, options, on_line)
    }
}

/// Builds a program of the firmware and returns where its ELF file is, in `scratch`.
fn build(
    firmware_dir: &Path,
    target: Target,
    bin: Bin,
    package: &[u8],
    vectors: &[u8],
    scratch: &Path,
) -> Result<PathBuf> {
    if !firmware_dir.join("Cargo.toml").is_file() {
        bail!("no firmware in {}: run from a checkout of Gimbal", firmware_dir.display());
    }
    look_for_target(firmware_dir, target)?;
    let [package_path, vectors_path, elf] = ["model.gmbl", "model.vectors", bin.name()].map(|name| scratch.join(name));
    fs::write(&package_path, package).with_context(|| format!("cannot write {}", package_path.display()))?;
    fs::write(&vectors_path, vectors).with_context(|| format!("cannot write {}", vectors_path.display()))?;

    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut cargo = Command::new(env::var_os("CARGO").as_deref().unwrap_or(OsStr::new("cargo")));
    cargo.args(["build", "--release", "--message-format=json-render-diagnostics", "--target", target.triple()]);
    cargo.args(["--bin", bin.name()]);
    cargo.env("GIMBAL_PACKAGE", &package_path).env("GIMBAL_VECTORS", &vectors_path);
    // Flags for the host's code are not the firmware's.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    if let Some(flags) = target.rustflags() {
        // Cargo keeps what it built with other flags, so that targets with one triple do not rebuild each other.
        let triple = target.triple().to_uppercase().replace(['-', '.'], "_");
        cargo.env(format!("CARGO_TARGET_{triple}_RUSTFLAGS"), flags);
    }
    let output = cargo.current_dir(firmware_dir).output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!(Missing("cargo is not on the PATH: install Rust from https://rustup.rs".into())),
        _ => anyhow!("cannot run cargo: {error}"),
    })?;
    let built = executable(&output, bin)?;
    fs::copy(&built, &elf).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(elf)
}

/// The standard library for the target is there, or the compiler cannot be asked.
fn look_for_target(firmware_dir: &Path, target: Target) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target.triple()]).current_dir(firmware_dir);
    let Ok(output) = rustc.output() else { return Ok(()) };
    let libraries = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && !Path::new(libraries.trim()).is_dir() {
        let triple = target.triple();
        bail!(Missing(format!("Rust cannot compile for {target} yet: run `rustup target add {triple}`")));
    }
    Ok(())
}

/// Where cargo says that it put the program.
fn executable(output: &Output, bin: Bin) -> Result<PathBuf> {
    if !output.status.success() {
        bail!("the firmware does not build:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let path = messages.filter(|message| message["target"]["name"] == bin.name()).find_map(|message| {
        let path = message["executable"].as_str()?;
        Some(PathBuf::from(path))
    });
    path.with_context(|| format!("cargo does not say where it put `{}`", bin.name()))
}

/// Bytes of `.text` and `.rodata`.
fn text_bytes(elf: &[u8]) -> Result<u64> {
    let file = object::File::parse(elf).context("the firmware is no ELF file")?;
    let sections = file.sections().filter(|section| matches!(section.name(), Ok(".text" | ".rodata")));
    Ok(sections.map(|section| section.size()).sum())
}
