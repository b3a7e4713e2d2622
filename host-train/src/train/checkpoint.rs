//! One file that holds a whole run: `RUN/checkpoint/state`.
//!
//! It is written beside the old one and renamed over it, so a crash or a full disk leaves the
//! previous epoch's. Layout: postcard of [`Checkpoint`], then its SHA-256.

use super::{Epoch, State};
use crate::run::{CHECKPOINT, replace};
use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;
const DIGEST: usize = 32;

/// What can go wrong with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// There is none.
    #[error("There is no checkpoint at {}.", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("The checkpoint {} cannot be {action}", path.display())]
    File {
        /// The file or its directory.
        path: PathBuf,
        /// "read" or "written".
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not a checkpoint, of another version, or changed since it was written.
    #[error("The checkpoint {} is damaged or from another version.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Written by another recipe.
    #[error("The checkpoint {} belongs to another recipe; start afresh or restore the recipe.", path.display())]
    OtherRecipe {
        /// The file.
        path: PathBuf,
    },
}

/// The state after an epoch.
#[derive(Serialize, Deserialize)]
pub struct Checkpoint {
    version: u32,
    recipe: String,
    history: Vec<Epoch>,
    model: Vec<u8>,
    optimizer: Vec<u8>,
    #[serde(skip)]
    path: PathBuf,
}

/// Where a run keeps its checkpoint.
pub fn path(run: &Path) -> PathBuf {
    run.join(CHECKPOINT).join("state")
}

impl Checkpoint {
    /// Epochs finished.
    pub fn epochs(&self) -> usize {
        self.history.len()
    }

    /// The run's checkpoint, if there is one; `trains_as` says of its recipe whether it is the caller's.
    pub fn find(run: &Path, trains_as: impl Fn(&str) -> bool) -> Result<Option<Self>, CheckpointError> {
        let path = path(run);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CheckpointError::File { path, action: "read", source });
            }
        };
        let Some(mut checkpoint) = decode(&bytes) else {
            return Err(CheckpointError::Damaged { path });
        };
        if !trains_as(&checkpoint.recipe) {
            return Err(CheckpointError::OtherRecipe { path });
        }
        checkpoint.path = path;
        Ok(Some(checkpoint))
    }

    /// Replaces the run's checkpoint.
    pub(super) fn save<M: Module>(run: &Path, recipe: String, state: &State<M>) -> Result<(), CheckpointError> {
        // `valid` settles the running statistics; a record taken without it misses the last step's.
        let model = state.model.valid().into_record().into_bytes();
        let optimizer = state.optimizer.to_record().into_bytes();
        let checkpoint = Self {
            version: VERSION,
            recipe,
            history: state.history.clone(),
            model: model.expect("a record in memory can be written").to_vec(),
            optimizer: optimizer.expect("a record in memory can be written").to_vec(),
            path: PathBuf::new(),
        };
        let mut bytes = postcard::to_stdvec(&checkpoint).expect("a vector takes any number of bytes");
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        let path = path(run);
        replace(&path, &bytes).map_err(|source| CheckpointError::File { path, action: "written", source })
    }

    /// `fresh`, a state of the same recipe, with everything replaced by the checkpoint's.
    pub(super) fn restore<M: Module>(self, fresh: State<M>) -> Result<State<M>, CheckpointError> {
        let Self { path, history, .. } = self;
        let damaged = || CheckpointError::Damaged { path: path.clone() };
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(self.model));
        let model = fresh.model.try_load_record(record.map_err(|_| damaged())?);
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(self.optimizer));
        Ok(State {
            model: model.map_err(|_| damaged())?,
            optimizer: fresh.optimizer.load_record(record.map_err(|_| damaged())?),
            history,
        })
    }
}

fn decode(bytes: &[u8]) -> Option<Checkpoint> {
    let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if Sha256::digest(body).as_slice() != digest {
        return None;
    }
    let checkpoint: Checkpoint = postcard::from_bytes(body).ok()?;
    (checkpoint.version == VERSION).then_some(checkpoint)
}
