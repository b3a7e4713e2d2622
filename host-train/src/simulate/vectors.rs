//! Test vectors: windows, how to turn them, and what the host finds in them.
//!
//! The firmware reads the bytes without an allocator, in `firmware-example/src/vectors.rs`.
//! Little-endian, no padding:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `GMBV` |
//! | 2 | version, 1 |
//! | 2 | `c`, length of the code |
//! | 2 | `l`, number of logits |
//! | 4 | `n`, numbers in a window |
//! | … | records of equal length to the end: |
//! | 16 | the quaternion w, x, y, z that turns the window, `f32` |
//! | 2·n | the window before it is turned, `i16` |
//! | 1 | the outcome: 0 pose and results, 1 results without a pose, 2 vanishing, 3 parallel |
//! | 40 | the pose's matrix row by row, then its confidence, `f32` |
//! | 2·n | the canonical window, `i16` |
//! | c | the code, `i8` |
//! | l | the logits, `i8` |
//!
//! What an outcome does not have is zero.

use crate::data::rotation::random_quaternion;
use crate::data::{windows, wrist};
use crate::package::expect_vectors;
use anyhow::{Result, bail};
use gimbal_core::domain::vector_window;
use gimbal_core::format::Role;
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Degenerate, Element, Pose};
use gimbal_core::{Features, Model, Outcome, Session};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The first bytes: magic and version.
const START: [u8; 6] = *b"GMBV\x01\x00";
/// Of the random turns.
const SEED: u64 = 7;
/// Whose recordings [`Vectors::recorded`] takes.
const SUBJECT: u8 = 9;

/// Windows and what the host finds in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    code_len: u16,
    logits_len: u16,
    window_len: u32,
    /// One for each window.
    pub vectors: Vec<Vector>,
}

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// The unit quaternion w, x, y, z that turns the window before it is run.
    pub quaternion: [f32; 4],
    /// The window before it is turned, counts `[samples, channels]`.
    pub window: Vec<i16>,
    /// What the host finds in the turned window.
    pub expected: Expected,
}

/// What a run answers, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Results.
    Encoded {
        /// The pose, if the model has a pose head.
        pose: Option<Pose>,
        /// The window in its canonical pose.
        canonical: Vec<i16>,
        /// η's code, or nothing.
        code: Vec<i8>,
        /// The logits, or nothing.
        logits: Vec<i8>,
    },
    /// No pose.
    Degenerate(Degenerate),
}

impl Vectors {
    /// Windows spread over the recordings of a subject that no shipped recipe trains on, and what the host
    /// finds in them.
    ///
    /// # Errors
    /// As [`compute`](Self::compute), or where no recording is long enough.
    pub fn recorded(package: &[u8], count: usize) -> Result<Self> {
        let length = usize::from(Model::from_bytes(package)?.input().samples);
        let all = windows(&wrist::load()?, length, length, |subject| subject == SUBJECT);
        if all.is_empty() {
            bail!("no recording of the data that ships is {length} samples long");
        }
        let step = (all.len() / count.max(1)).max(1);
        let some: Vec<_> = all.into_iter().step_by(step).take(count).map(|window| window.counts).collect();
        Self::compute(package, &some)
    }

    /// Runs the package on the windows, the first as it is and each other under a random turn of its
    /// own, always the same, and then on a window of zeros, which has no pose.
    ///
    /// # Errors
    /// Where the package is invalid or not about vectors, or a window has another length than it asks for.
    pub fn compute(package: &[u8], windows: &[Vec<i16>]) -> Result<Self> {
        let model = Model::from_bytes(package)?;
        expect_vectors(&model)?;
        let elements = |role| model.output_of(role).and_then(|tensor| tensor.elements()).unwrap_or(0).try_into();
        let (code_len, logits_len) = (elements(Role::Eta)?, elements(Role::Classifier)?);
        let window_len = model.window_len();
        let mut arena = vec![0; model.arena_len().div_ceil(size_of::<u32>())];
        let mut session = Session::new(model, &mut arena)?;
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let zeros = vec![0; window_len];
        let mut vectors = Vec::with_capacity(windows.len() + 1);
        for (index, window) in windows.iter().chain([&zeros]).enumerate() {
            let quaternion = if index == 0 { [1.0, 0.0, 0.0, 0.0] } else { random_quaternion(&mut rng) };
            let expected = run(&mut session, quaternion, window)?;
            vectors.push(Vector { quaternion, window: window.clone(), expected });
        }
        Ok(Self { code_len, logits_len, window_len: window_len.try_into()?, vectors })
    }

    /// The bytes that the firmware reads, see the module.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = START.to_vec();
        bytes.extend(self.code_len.to_le_bytes());
        bytes.extend(self.logits_len.to_le_bytes());
        bytes.extend(self.window_len.to_le_bytes());
        for vector in &self.vectors {
            bytes.extend(vector.quaternion.iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend(vector.window.iter().flat_map(|x| x.to_le_bytes()));
            self.write_expected(&vector.expected, &mut bytes);
        }
        bytes
    }

    fn write_expected(&self, expected: &Expected, bytes: &mut Vec<u8>) {
        let end = bytes.len()
            + 1
            + 10 * size_of::<f32>()
            + self.window_len as usize * size_of::<i16>()
            + usize::from(self.code_len)
            + usize::from(self.logits_len);
        match expected {
            Expected::Encoded { pose, canonical, code, logits } => {
                bytes.push(if pose.is_some() { 0 } else { 1 });
                let pose = pose.as_ref().and_then(numbers).unwrap_or([0.0; 10]);
                bytes.extend(pose.iter().flat_map(|x| x.to_le_bytes()));
                bytes.extend(canonical.iter().flat_map(|x| x.to_le_bytes()));
                bytes.extend(code.iter().chain(logits).map(|&x| x as u8));
            }
            Expected::Degenerate(why) => bytes.push(if *why == Degenerate::Vanishing { 2 } else { 3 }),
        }
        bytes.resize(end, 0);
    }
}

/// The pose's matrix row by row, then its confidence; `None` for the elements of another group.
fn numbers(pose: &Pose) -> Option<[f32; 10]> {
    let Element::Rotation(rotation) = pose.element else { return None };
    let [[a, b, c], [d, e, f], [g, h, i]] = rotation.rows();
    Some([a, b, c, d, e, f, g, h, i, pose.confidence])
}

fn run(session: &mut Session<'_, '_>, quaternion: [f32; 4], window: &[i16]) -> Result<Expected> {
    let mut turned = window.to_vec();
    vector_window::rotate(&Rotation::from_quaternion(quaternion), session.model().input().fields, &mut turned);
    let values = |features: Option<Features<'_>>| features.map_or_else(Vec::new, |features| features.values.to_vec());
    Ok(match session.run(&turned)? {
        Outcome::Encoded(found) => Expected::Encoded {
            pose: found.pose,
            canonical: found.canonical.to_vec(),
            code: values(found.code),
            logits: values(found.logits),
        },
        Outcome::Degenerate(why @ (Degenerate::Vanishing | Degenerate::Parallel)) => Expected::Degenerate(why),
        Outcome::Degenerate(why) => bail!("test vectors have no number for the outcome {why:?}"),
    })
}
