//! The wrist recordings that ship with the program; `data/wrist/README.md` describes the layout.

use super::{CHANNELS, Dataset, Recording};

const FILE: &[u8] = include_bytes!("../../data/wrist/wrist.bin");
const CLASSES: [&str; 7] = ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"];

/// The bytes are not a wrist file of a version known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WristError {
    /// Another kind of file, or another version of it.
    #[error("This is not a file of wrist recordings of version 1.")]
    Foreign,
    /// The file ends inside a recording, or goes on after the last.
    #[error("The file of wrist recordings is damaged at byte {0}.")]
    Damaged(usize),
}

/// The recordings inside the program.
pub fn load() -> Result<Dataset, WristError> {
    parse(FILE)
}

/// Reads a whole file.
pub fn parse(file: &[u8]) -> Result<Dataset, WristError> {
    let mut bytes = Bytes { file, at: 0 };
    if bytes.take()? != *b"GWRT" || bytes.number::<2>()? != 1 {
        return Err(WristError::Foreign);
    }
    let recordings = bytes.number::<2>()?;
    if bytes.number::<2>()? as usize != CHANNELS {
        return Err(WristError::Foreign);
    }
    let rate_hz = bytes.number::<2>()? as f32;
    let units_per_count = [bytes.float()?, bytes.float()?];
    let dataset = Dataset {
        recordings: (0..recordings).map(|_| bytes.recording()).collect::<Result<_, _>>()?,
        units_per_count,
        rate_hz,
        classes: CLASSES.map(String::from).to_vec(),
    };
    match bytes.at == file.len() {
        true => Ok(dataset),
        false => Err(WristError::Damaged(bytes.at)),
    }
}

/// A cursor whose every read is checked.
struct Bytes<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn slice(&mut self, length: usize) -> Result<&'a [u8], WristError> {
        let rest = self.file.get(self.at..).unwrap_or_default();
        let slice = rest.get(..length).ok_or(WristError::Damaged(self.at))?;
        self.at += length;
        Ok(slice)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], WristError> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(N)?);
        Ok(array)
    }

    /// An unsigned number of `N` ≤ 4 bytes.
    fn number<const N: usize>(&mut self) -> Result<u32, WristError> {
        let bytes = self.take::<N>()?;
        Ok(bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    fn float(&mut self) -> Result<f32, WristError> {
        let at = self.at;
        let number = f32::from_le_bytes(self.take()?);
        match number.is_finite() && number > 0.0 {
            true => Ok(number),
            false => Err(WristError::Damaged(at)),
        }
    }

    fn recording(&mut self) -> Result<Recording, WristError> {
        let at = self.at;
        let [label, subject, side, zero] = self.take()?;
        if usize::from(label) >= CLASSES.len() || side > 1 || zero != 0 {
            return Err(WristError::Damaged(at));
        }
        let samples = self.number::<4>()? as usize;
        let length = samples.checked_mul(2 * CHANNELS);
        let bytes = self.slice(length.ok_or(WristError::Damaged(at))?)?;
        let mut numbers = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        Ok(Recording {
            subject,
            label: label.into(),
            side,
            counts: (0..samples).map(|_| std::array::from_fn(|_| numbers.next().unwrap_or_default())).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_what_its_readme_says() {
        let set = load().unwrap();
        assert_eq!(set.recordings.len(), 140);
        let samples: usize = set.recordings.iter().map(|r| r.counts.len()).sum();
        assert_eq!(samples, 244_102);
        assert_eq!(set.units_per_count, [1.0 / 2048.0, 1.0 / 512.0]);
        assert_eq!(set.rate_hz, 50.0);
        // A wrist at rest feels one g and a moving one more: the mean length tells the unit.
        let mean = set.recordings.iter().flat_map(|r| &r.counts).map(|s| {
            let [x, y, z] = [s[0], s[1], s[2]].map(|c| f64::from(c) / 2048.0);
            (x * x + y * y + z * z).sqrt()
        });
        assert!((1.0..1.3).contains(&(mean.sum::<f64>() / samples as f64)));
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        // Two short recordings are enough to cut everywhere.
        let mut file = FILE[..20].to_vec();
        file[6] = 2;
        file[7] = 0;
        for subject in [1, 2] {
            file.extend([0, subject, 0, 0, 2, 0, 0, 0]);
            file.extend([7; 24]);
        }
        assert_eq!(parse(&file).unwrap().recordings.len(), 2);
        for length in 0..file.len() {
            assert!(parse(&file[..length]).is_err(), "cut to {length}");
        }
        file.push(0);
        assert_eq!(parse(&file), Err(WristError::Damaged(file.len() - 1)));
    }
}
