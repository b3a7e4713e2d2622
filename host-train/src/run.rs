//! A run's folder: `config.toml`, `metrics.json`, `model.gmbl`, `report.html`, `checkpoint/`.
//!
//! Every file is written beside its place and renamed into it, so a full disk or a crash leaves the
//! old file or none, never half of one.

use anyhow::{Context, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a run keeps its recipe.
pub const CONFIG: &str = "config.toml";
/// Where a run keeps its figures: a flat JSON object, name → number.
pub const METRICS: &str = "metrics.json";
/// Where a run keeps its package.
pub const PACKAGE: &str = "model.gmbl";
/// Where a run keeps its report.
pub const REPORT: &str = "report.html";
/// Where a run keeps what it needs to go on.
pub const CHECKPOINT: &str = "checkpoint";
/// The folder in a run's where η learns the aligned samples.
pub const ALIGNED: &str = "aligned";
/// The folder in a run's where δ learns the codes of the package.
pub const DELTA: &str = "delta";

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    path: PathBuf,
}

impl Run {
    /// The folder, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's own name, which names the package too.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
    }

    /// The path of one of the run's files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes files of the run, making the folder if need be; all of them, or none.
    pub fn write(&self, files: &[(&str, &[u8])]) -> Result<()> {
        let paths: Vec<(PathBuf, &[u8])> = files.iter().map(|(name, bytes)| (self.file(name), *bytes)).collect();
        write_all(&paths.iter().map(|(path, bytes)| (path.as_path(), *bytes)).collect::<Vec<_>>())
    }

    /// Removes what an earlier run left in the folder.
    pub fn clear(&self) -> Result<()> {
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        let clear = || {
            for name in [CONFIG, METRICS, PACKAGE, REPORT] {
                gone(std::fs::remove_file(self.file(name)))?;
            }
            [CHECKPOINT, ALIGNED, DELTA].into_iter().try_for_each(|name| gone(std::fs::remove_dir_all(self.file(name))))
        };
        clear().with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Figures as a flat JSON object; what is no number is left out.
pub fn metrics_json(metrics: &[(String, f64)]) -> String {
    let finite = metrics.iter().filter(|(_, value)| value.is_finite());
    let numbers = finite.map(|(name, value)| (name.clone(), (*value).into())).collect();
    format!("{:#}", serde_json::Value::Object(numbers))
}

/// Replaces a file at once, or leaves it as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_all(&[(path, bytes)])
}

/// Replaces several files. All are on the disk before the first takes its place, so one that cannot be
/// written leaves the others as they were.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<()> {
    let cannot = |path: &Path| format!("cannot write {}", path.display());
    let pending: Vec<_> = files
        .iter()
        .map(|(path, bytes)| Pending::new(path, bytes).with_context(|| cannot(path)))
        .collect::<Result<_>>()?;
    files.iter().zip(pending).try_for_each(|((path, _), pending)| pending.finish().with_context(|| cannot(path)))
}

/// Replaces one file; the error is the system's.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    Pending::new(path, bytes)?.finish()
}

/// Bytes that are on the disk, or ready to go to something that is no file.
enum Pending<'a> {
    File(tempfile::NamedTempFile, PathBuf),
    Other(&'a [u8], PathBuf),
}

impl<'a> Pending<'a> {
    fn new(path: &Path, bytes: &'a [u8]) -> std::io::Result<Self> {
        // A link stays one, and a pipe or a terminal cannot be replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Ok(Self::Other(bytes, path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let file = open_beside(folder)?;
        // Not through `file` itself, which would put its temporary name into every error.
        file.as_file().write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(Self::File(file, path))
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::File(file, path) => file.persist(path).map(|_| ()).map_err(|error| error.error),
            Self::Other(bytes, path) => std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes),
        }
    }
}

// A temporary file is its owner's alone; these are for everyone whom the umask allows.
#[cfg(unix)]
fn open_beside(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn open_beside(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(folder)
}

/// Reads a file, or says which one could not be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
