//! Data sets whose samples lie on a grid: images, signals, rings of electrodes.

use super::catalog::{Kind, Set, Source, Split};
use super::packed::{Packed, PackedError};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::path::Path;

/// Draws which samples are for testing, and every order. Another seed would be another data set.
const SEED: u64 = 0;

/// Samples on a grid, one shape for all: images `[rows, columns]`, signals `[samples, 1]`, rings `[samples, electrodes]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Grids {
    /// What commands and recipes call the set.
    pub name: String,
    /// Rows of a sample; where there is a rate, rows are instants.
    pub rows: usize,
    /// Columns of a sample.
    pub columns: usize,
    /// `rows × columns` counts a sample, row by row.
    pub counts: Vec<Vec<i16>>,
    /// A label a sample: an index into `classes`.
    pub labels: Vec<usize>,
    /// The classes' names, in the order of their labels.
    pub classes: Vec<String>,
    /// Rows a second; 1 where rows are not instants.
    pub rate_hz: f32,
    /// What one count is, in `unit`.
    pub per_count: f32,
    /// What counts measure.
    pub unit: String,
    /// Indices of the samples to train on, in an order that was drawn: any first few are a fair sample.
    pub train: Vec<usize>,
    /// Indices of all other samples, in an order that was drawn too.
    pub test: Vec<usize>,
}

/// Why a data set cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No set of this name.
    #[error("There is no data set `{0}`; `gimbal data list` lists them.")]
    Unknown(String),
    /// Its samples are sets, and samples on a grid were asked for.
    #[error("The data set `{0}` holds sets of elements; recipes of sets learn from it, and others cannot.")]
    Elements(String),
    /// Fewer sets than a recipe asks for.
    #[error(
        "The data set `{name}` has {there} sets of {least} to {most} elements to {purpose}, fewer than the {asked} asked for."
    )]
    Few {
        /// The set.
        name: String,
        /// Fewest elements.
        least: usize,
        /// Most elements.
        most: usize,
        /// What for: to train or to test on.
        purpose: &'static str,
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        there: usize,
    },
    /// The set was not fetched, or into another folder.
    #[error("{path} is not there; `{command}` fetches it.")]
    Absent {
        /// Where the set's file should be.
        path: String,
        /// What would put it there.
        command: String,
    },
    /// The operating system refused.
    #[error("{path} cannot be read: {reason}.")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// The file holds something else than the set.
    #[error("{path} is not the data set `{name}`: its SHA-256 is {found}; `{command}` replaces it.")]
    Altered {
        /// The file.
        path: String,
        /// The set.
        name: String,
        /// The file's hash.
        found: String,
        /// What would replace it.
        command: String,
    },
    /// The file is the set's, but this program cannot read it.
    #[error("The data set `{name}` cannot be read: {reason}.")]
    Content {
        /// The set.
        name: String,
        /// What is wrong with it.
        reason: PackedError,
    },
}

/// The data set of this name, whose file is in `folder` unless it ships with the program.
pub fn load(name: &str, folder: &Path) -> Result<Grids, DataError> {
    let set = Set::find(name).ok_or_else(|| DataError::Unknown(name.into()))?;
    match set.kind {
        Kind::Grid => table(set, folder),
        Kind::Elements => Err(DataError::Elements(name.into())),
    }
}

/// The samples of a data set, whatever their rows are.
pub fn table(set: &Set, folder: &Path) -> Result<Grids, DataError> {
    let (name, file) = (set.name, file(set, folder)?);
    let packed = Packed::parse(&file).map_err(|reason| DataError::Content { name: name.into(), reason })?;
    Ok(grids(set, &packed))
}

/// The bytes of a set's file, which are those that the catalog pins.
pub fn file(set: &Set, folder: &Path) -> Result<Cow<'static, [u8]>, DataError> {
    if let Source::Shipped { file, .. } = set.source {
        return Ok(file.into());
    }
    let place = folder.join(set.file_name());
    let path = place.display().to_string();
    let command = match set.source {
        Source::Brought { .. } => format!("gimbal data fetch {} --data {} --from FILE", set.name, folder.display()),
        _ => format!("gimbal data fetch {} --data {}", set.name, folder.display()),
    };
    let bytes = std::fs::read(&place).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => DataError::Absent { path: path.clone(), command: command.clone() },
        _ => DataError::File { path: path.clone(), reason: error.to_string() },
    })?;
    match sha256(&bytes) {
        found if found == set.sha256 => Ok(bytes.into()),
        found => Err(DataError::Altered { path, name: set.name.into(), found, command }),
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn grids(set: &Set, packed: &Packed) -> Grids {
    let (train, test) = split(set);
    Grids {
        name: set.name.into(),
        rows: set.rows,
        columns: set.columns,
        counts: packed.counts.chunks_exact(set.rows * set.columns).map(<[_]>::to_vec).collect(),
        labels: packed.labels.iter().map(|&label| label.into()).collect(),
        classes: set.classes.iter().copied().map(String::from).collect(),
        rate_hz: set.rate_hz,
        per_count: set.per_count,
        unit: set.unit.into(),
        train,
        test,
    }
}

/// Which samples are to train on and which to test on.
fn split(set: &Set) -> (Vec<usize>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut train: Vec<usize> = (0..set.samples).collect();
    if set.split == Split::Drawn {
        train.shuffle(&mut rng);
    }
    let mut test = train.split_off(set.samples - set.test);
    // Sources sort by class, and who takes the first few should not meet one class only.
    train.shuffle(&mut rng);
    test.shuffle(&mut rng);
    (train, test)
}

#[cfg(test)]
mod tests {
    use super::super::catalog::SETS;
    use super::*;

    #[test]
    fn the_shipped_digits_are_what_their_readme_says() {
        let digits = load("digits", Path::new("nowhere")).unwrap();
        assert_eq!((digits.rows, digits.columns, digits.counts.len()), (8, 8, 1797));
        assert_eq!((digits.train.len(), digits.test.len()), (1437, 360));
        let mut histogram = [0; 10];
        digits.labels.iter().for_each(|&label| histogram[label] += 1);
        assert_eq!(histogram, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        let all = || digits.counts.iter().flatten();
        assert!(digits.counts.iter().all(|image| image.len() == 64));
        assert!(all().all(|count| (0..=240).contains(count) && count % 15 == 0));
        assert_eq!(all().map(|&count| i64::from(count)).sum::<i64>(), 8_425_770);
        // The package's first row, which is a nought.
        assert_eq!(digits.labels[0], 0);
        assert_eq!(digits.counts[0][..8], [0, 0, 5, 13, 9, 1, 0, 0].map(|pixels| pixels * 15));
        let Source::Shipped { file, .. } = SETS[0].source else { panic!("digits ship") };
        assert_eq!(sha256(file), SETS[0].sha256);
    }

    #[test]
    fn every_sample_is_either_to_train_on_or_to_test_on() {
        for set in &SETS {
            let (train, test) = split(set);
            assert_eq!(test.len(), set.test);
            if set.split == Split::Last {
                assert!(test.iter().all(|&sample| sample >= set.samples - set.test));
            }
            let mut all = [train, test].concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..set.samples), "{}", set.name);
        }
    }

    #[test]
    fn the_split_is_the_same_for_ever() {
        let (train, test) = split(&SETS[0]);
        assert_eq!((&train[..4], &test[..4]), (&[1507, 1238, 776, 328][..], &[270, 246, 909, 706][..]));
    }

    #[test]
    fn what_is_not_there_says_how_to_get_it() {
        let folder = tempfile::tempdir().unwrap();
        let says = |name: &str| load(name, folder.path()).unwrap_err().to_string();
        assert!(says("mnist").contains("`gimbal data fetch mnist --data "), "{}", says("mnist"));
        assert!(says("myo-ring").contains(" --from FILE`"), "{}", says("myo-ring"));
        assert!(says("nosuch").contains("`gimbal data list`"));
        std::fs::write(folder.path().join("mnist.bin"), b"GGRD").unwrap();
        assert!(says("mnist").contains("is not the data set `mnist`"), "{}", says("mnist"));
        std::fs::create_dir(folder.path().join("ecg5000.bin")).unwrap();
        assert!(says("ecg5000").contains("cannot be read"), "{}", says("ecg5000"));
    }
}
