//! Running the firmware and reading its log.

use super::{Missing, Target};
use anyhow::{Context, Result, anyhow, bail};
use defmt_decoder::{DecodeError, StreamDecoder, Table};
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A firmware that runs longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// The emulator is there.
pub fn look_for(target: Target) -> Result<()> {
    let (emulator, _) = target.emulator();
    match Command::new(emulator).arg("--version").stdout(Stdio::null()).status() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(Missing(format!("{emulator} is not on the PATH: run `tests/setup`, or install it by hand")))
        }
        Err(error) => bail!("cannot run {emulator}: {error}"),
    }
}

/// Runs an ELF file, whose `bytes` also hold the strings of its log, with more options of QEMU's; returns
/// whether it exits with 0.
pub fn run(
    elf: &Path,
    bytes: &[u8],
    target: Target,
    options: &[OsString],
    on_line: &mut dyn FnMut(&str),
) -> Result<bool> {
    let table = Table::parse(bytes).map_err(|error| anyhow!("cannot read the firmware's log strings: {error}"))?;
    let table = table.context("the firmware has no log strings")?;
    let (emulator, machine) = target.emulator();
    let mut qemu = Command::new(emulator);
    qemu.args(machine).args(["-nographic", "-semihosting-config", "enable=on,target=native"]).args(options);
    // The monitor must not read the user's keys, nor the serial port mix into the log.
    qemu.args(["-monitor", "none", "-serial", "none", "-kernel"]).arg(elf);
    qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guest = Guest(qemu.spawn().with_context(|| format!("cannot run {emulator}"))?);

    let log = guest.0.stdout.take().map(pump).context("no pipe to QEMU")?;
    let complaints = guest.0.stderr.take().map(pump).context("no pipe to QEMU")?;
    let deadline = Instant::now() + PATIENCE;
    let mut decoder = table.new_stream_decoder();
    loop {
        match log.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(chunk) => {
                decoder.received(&chunk);
                print_frames(decoder.as_mut(), on_line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => bail!("the firmware did not end within {} s", PATIENCE.as_secs()),
        }
    }
    let status = guest.0.wait().context("cannot wait for QEMU")?;
    let complaints: Vec<u8> = complaints.into_iter().flatten().collect();
    for line in String::from_utf8_lossy(&complaints).lines() {
        on_line(&format!("QEMU: {line}"));
    }
    Ok(status.success())
}

/// A running QEMU, which does not outlive its user.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is what is wanted.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// What a pipe delivers, as it comes, until it is closed.
fn pump(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn print_frames(decoder: &mut dyn StreamDecoder, on_line: &mut dyn FnMut(&str)) {
    loop {
        match decoder.decode() {
            Ok(frame) => {
                let level = frame.level().map_or("", |level| level.as_str());
                on_line(format!("{:<5} {}", level.to_uppercase(), frame.display_message()).trim_start());
            }
            Err(DecodeError::UnexpectedEof) => return,
            // The stream is cut into frames, and the next one may be whole.
            Err(DecodeError::Malformed) => on_line("(a damaged log line)"),
        }
    }
}
