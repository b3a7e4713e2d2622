//! Test vectors: windows, how to turn them, and what the host finds in them.
//!
//! The firmware reads the bytes without an allocator, in `firmware-example/src/vectors.rs`.
//! Little-endian, no padding:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `GMBV` |
//! | 2 | version, 2 |
//! | 2 | `c`, length of the code |
//! | 2 | `l`, number of logits |
//! | 4 | `n`, numbers in a window |
//! | … | records of equal length to the end: |
//! | 16 | the quaternion w, x, y, z that turns the window, `f32` |
//! | 2·n | the window before it is turned, `i16` |
//! | 1 | the outcome: 0 pose and results, 1 results without a pose, 2 vanishing, 3 parallel, 4 tied, 5 coplanar |
//! | 40 | nine numbers of the pose, see `Element::numbers`, then its confidence, `f32` |
//! | 2·n | the canonical window, `i16` |
//! | c | the code, `i8` |
//! | l | the logits, `i8` |
//!
//! Version 3 is that of sets, whose windows are not of one length: the header ends with `e`, numbers of an element, and
//! with 1 if there is a canonical order, 2 if the code is `i16`, 3 for both and 0 for neither, 2 bytes each in the place of
//! `n`. Each record begins with its own `n`, 4 bytes, and with an order ends with its places, n/e `i16`, and its gaps, n/e `u16`.
//!
//! Version 4 is that of packages that say what a window has beside its class: the header ends with `w`, numbers of v, and 1 if
//! there is an anomaly score or 0, 2 bytes each behind `n`; each record ends with v, w `i8`, and the score, 4 bytes, `f32`, if
//! there is one.
//!
//! What an outcome does not have is zero. The numbers of a pose, with zeros behind them, are in SO(3) and O(3) its matrix row by
//! row, in SO(2) cosine and sine, in O(2) these and 1 if it is reflected, in C_n index and order, in R/Z the fraction of
//! the period, in T(2) x and y in pixels, in SE(2) those with cosine and sine, and in T(3), SE(3) and E(3) x, y and z in counts
//! with the matrix's first two rows. A quaternion turns vectors and points and nothing else: images, rings and signals are
//! stored as they run, and theirs is the identity.

use super::samples::{samples, sets_of, takes_vectors};
use crate::data::grid::Grids;
use crate::data::rotation::random_quaternion;
use crate::data::sets::Sets;
use crate::data::{windows, wrist};
use anyhow::{Result, bail};
use gimbal_core::domain::vector_window;
use gimbal_core::format::{Dtype, Role};
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Degenerate, Pose};
use gimbal_core::{Features, Model, Outcome, Session};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The first bytes: magic and version.
const START: [u8; 6] = *b"GMBV\x02\x00";
/// The same of sets.
const START_OF_SETS: [u8; 6] = *b"GMBV\x03\x00";
/// The same of packages with class codes.
const START_OF_CLASSES: [u8; 6] = *b"GMBV\x04\x00";
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
    set: Option<SetShape>,
    /// Numbers of v, and whether there is an anomaly score; none for a package without class codes.
    within: Option<(u16, bool)>,
    /// One for each window.
    pub vectors: Vec<Vector>,
}

/// What the records of sets have.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SetShape {
    /// Numbers of an element.
    channels: u16,
    ordered: bool,
    /// Whether the code has 16 bits.
    wide: bool,
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
        /// η's code, or nothing, as where it has 16 bits.
        code: Vec<i8>,
        /// η's code of 16 bits, or nothing.
        wide_code: Vec<i16>,
        /// The logits, or nothing.
        logits: Vec<i8>,
        /// Of a set, which element stands where in the canonical order, and the gap to the next, or nothing.
        order: Box<(Vec<i16>, Vec<u16>)>,
        /// What models with class codes say besides.
        described: Box<Described>,
    },
    /// No pose.
    Degenerate(Degenerate),
}

/// What models with class codes say of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Described {
    /// What it has beside its class, or nothing.
    pub within: Vec<i8>,
    /// How strange it is, if the model says.
    pub anomaly: Option<f32>,
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

    /// Test samples of a data set, each as it was recorded and then under a random element of the package's group,
    /// always the same, and what the host finds in them.
    ///
    /// # Errors
    /// As [`compute`](Self::compute), or where the package takes larger samples than the set has, or smaller ones.
    pub fn of_grids(package: &[u8], grids: &Grids, count: usize) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        Self::compute(package, &samples(&Model::from_bytes(package)?, grids, count, &mut rng)?)
    }

    /// Sets of a generator, of all sizes in turn, each as it was drawn, then in another order, then moved, then one whose
    /// elements are all equal, and what the host finds in them.
    ///
    /// # Errors
    /// As [`compute`](Self::compute).
    pub fn of_sets(package: &[u8], sets: &Sets, count: usize) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        Self::compute(package, &sets_of(sets, count, &mut rng))
    }

    /// Runs the package on the windows, and then on one of zeros, which has no pose. Windows of vectors run under a
    /// random turn each, always the same, but for the first, which runs as it is; so do all windows of no vectors.
    ///
    /// # Errors
    /// Where the package is invalid, or a window has another length than it asks for.
    pub fn compute(package: &[u8], windows: &[Vec<i16>]) -> Result<Self> {
        let model = Model::from_bytes(package)?;
        let turns = takes_vectors(&model);
        let elements = |role| model.output_of(role).and_then(|tensor| tensor.elements()).unwrap_or(0).try_into();
        let (code_len, logits_len) = (elements(Role::Eta)?, elements(Role::Classifier)?);
        let window_len = model.window_len();
        let ordered = model.output_of(Role::Order).is_some();
        let wide = model.output_of(Role::Eta).is_some_and(|code| code.dtype == Dtype::I16);
        let channels = model.input().channels().try_into()?;
        let set = model.takes_sets().then_some(SetShape { channels, ordered, wide });
        let within = match elements(Role::Within)? {
            0 => None,
            len => Some((len, model.output_of(Role::Anomaly).is_some())),
        };
        let mut arena = vec![0; model.arena_len().div_ceil(size_of::<u32>())];
        let mut session = Session::new(model, &mut arena)?;
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let zeros = vec![0; window_len];
        let mut vectors = Vec::with_capacity(windows.len() + 1);
        for (index, window) in windows.iter().chain([&zeros]).enumerate() {
            let quaternion = if index > 0 && turns { random_quaternion(&mut rng) } else { [1.0, 0.0, 0.0, 0.0] };
            let expected = run(&mut session, quaternion, window)?;
            vectors.push(Vector { quaternion, window: window.clone(), expected });
        }
        Ok(Self { code_len, logits_len, window_len: window_len.try_into()?, set, within, vectors })
    }

    /// The bytes that the firmware reads, see the module.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let start = match (self.set, self.within) {
            (Some(_), _) => START_OF_SETS,
            (None, Some(_)) => START_OF_CLASSES,
            (None, None) => START,
        };
        let mut bytes = start.to_vec();
        bytes.extend(self.code_len.to_le_bytes());
        bytes.extend(self.logits_len.to_le_bytes());
        match self.set {
            None => bytes.extend(self.window_len.to_le_bytes()),
            Some(SetShape { channels, ordered, wide }) => {
                let more = u16::from(ordered) + 2 * u16::from(wide);
                bytes.extend([channels, more].iter().flat_map(|half| half.to_le_bytes()));
            }
        }
        if let Some((len, scored)) = self.within {
            bytes.extend([len, scored.into()].iter().flat_map(|half| half.to_le_bytes()));
        }
        for vector in &self.vectors {
            if self.set.is_some() {
                bytes.extend((vector.window.len() as u32).to_le_bytes());
            }
            bytes.extend(vector.quaternion.iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend(vector.window.iter().flat_map(|x| x.to_le_bytes()));
            self.write_expected(vector.window.len(), &vector.expected, &mut bytes);
        }
        bytes
    }

    fn write_expected(&self, window_len: usize, expected: &Expected, bytes: &mut Vec<u8>) {
        let elements = match self.set {
            Some(SetShape { channels, ordered: true, .. }) => window_len / usize::from(channels),
            _ => 0,
        };
        let end = bytes.len()
            + 1
            + 10 * size_of::<f32>()
            + window_len * size_of::<i16>()
            + usize::from(self.code_len) * if self.set.is_some_and(|set| set.wide) { 2 } else { 1 }
            + usize::from(self.logits_len)
            + self.within.map_or(0, |(len, scored)| usize::from(len) + size_of::<f32>() * usize::from(scored))
            + elements * (size_of::<i16>() + size_of::<u16>());
        match expected {
            Expected::Encoded { pose, canonical, code, wide_code, logits, order, described } => {
                bytes.push(if pose.is_some() { 0 } else { 1 });
                let numbers = pose.iter().flat_map(|pose| pose.element.numbers().into_iter().chain([pose.confidence]));
                let numbers = numbers.chain(std::iter::repeat(0.0)).take(10);
                bytes.extend(numbers.flat_map(f32::to_le_bytes));
                bytes.extend(canonical.iter().flat_map(|x| x.to_le_bytes()));
                bytes.extend(wide_code.iter().flat_map(|x| x.to_le_bytes()));
                bytes.extend(code.iter().chain(logits).map(|&x| x as u8));
                let (places, gaps) = &**order;
                bytes.extend(places.iter().flat_map(|place| place.to_le_bytes()));
                bytes.extend(gaps.iter().flat_map(|gap| gap.to_le_bytes()));
                bytes.extend(described.within.iter().map(|&x| x as u8));
                bytes.extend(described.anomaly.iter().flat_map(|score| score.to_le_bytes()));
            }
            Expected::Degenerate(why) => bytes.push(outcome(*why).unwrap_or(u8::MAX)),
        }
        bytes.resize(end, 0);
    }
}

/// The number of an outcome without results; `None` for one that the table does not have.
fn outcome(why: Degenerate) -> Option<u8> {
    match why {
        Degenerate::Vanishing => Some(2),
        Degenerate::Parallel => Some(3),
        Degenerate::Tied => Some(4),
        Degenerate::Coplanar => Some(5),
        _ => None,
    }
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
            wide_code: found.wide_code().map_or_else(Vec::new, |code| code.values.to_vec()),
            logits: values(found.logits),
            described: Box::new(Described { within: values(found.within()), anomaly: found.anomaly() }),
            order: found
                .order()
                .map(|order| Box::new((order.places.to_vec(), order.gaps.to_vec())))
                .unwrap_or_default(),
        },
        Outcome::Degenerate(why) if outcome(why).is_some() => Expected::Degenerate(why),
        Outcome::Degenerate(why) => bail!("test vectors have no number for the outcome {why:?}"),
    })
}
