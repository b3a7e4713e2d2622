//! A user's own recording: a table of numbers in physical units, checked against an input contract.

use crate::package::ContractField;
use std::io::Cursor;
use std::path::Path;

/// Why a file is not a recording for a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The operating system refused.
    #[error("{path} cannot be read: {reason}.")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// Neither `.csv` nor `.npy`.
    #[error("{path} is neither a .csv nor a .npy file.")]
    Kind {
        /// The file.
        path: String,
    },
    /// The file is not what its name says.
    #[error("{path} is not a table of numbers: {reason}.")]
    Content {
        /// The file.
        path: String,
        /// What is wrong and where.
        reason: String,
    },
    /// Another number of columns than the contract's channels.
    #[error("{path} has {found} columns, but the package takes {expected}: {fields}.")]
    Columns {
        /// The file.
        path: String,
        /// Columns of the file.
        found: usize,
        /// Channels of the contract.
        expected: usize,
        /// The contract's fields.
        fields: String,
    },
    /// A number that is none, or beyond the counts' range.
    #[error("{path}, row {row}, column {column}: {value} {reason}.")]
    Value {
        /// The file.
        path: String,
        /// Counted from 1, without a header line.
        row: usize,
        /// Counted from 1.
        column: usize,
        /// The number.
        value: f64,
        /// What is wrong with it.
        reason: String,
    },
    /// Not one window long.
    #[error("{path} has {found} samples, but one window takes {needed}.")]
    Short {
        /// The file.
        path: String,
        /// Samples of the file.
        found: usize,
        /// Samples of a window.
        needed: usize,
    },
}

/// Reads a `.csv` (with or without a header line) or `.npy` file of `[samples, channels]` numbers in
/// the contract's units, and returns the contract's counts.
pub fn read(path: &Path, fields: &[ContractField], samples: usize) -> Result<Vec<i16>, RecordingError> {
    let name = path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|error| RecordingError::File { path: name.clone(), reason: error.to_string() })?;
    let content = |reason: String| RecordingError::Content { path: name.clone(), reason };
    let (columns, numbers) = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => csv(&bytes).map_err(content)?,
        Some("npy") => npy(&bytes).map_err(content)?,
        _ => return Err(RecordingError::Kind { path: name }),
    };
    to_counts(&name, columns, &numbers, fields, samples)
}

fn to_counts(
    path: &str,
    columns: usize,
    numbers: &[f64],
    fields: &[ContractField],
    samples: usize,
) -> Result<Vec<i16>, RecordingError> {
    let channels: Vec<_> = fields.iter().flat_map(|field| std::iter::repeat_n(field, field.width)).collect();
    let expected = channels.len();
    if columns != expected {
        let fields: Vec<String> =
            fields.iter().map(|field| format!("{} x y z in {}", field.name, field.unit)).collect();
        return Err(RecordingError::Columns { path: path.into(), found: columns, expected, fields: fields.join(", ") });
    }
    let mut counts = Vec::with_capacity(numbers.len());
    for (i, &value) in numbers.iter().enumerate() {
        let field = channels[i % columns];
        let wrong = |reason: String| RecordingError::Value {
            path: path.into(),
            row: i / columns + 1,
            column: i % columns + 1,
            value,
            reason,
        };
        if !value.is_finite() {
            return Err(wrong("is not a finite number".into()));
        }
        let count = (value / f64::from(field.per_count)).round();
        if count.abs() > f64::from(i16::MAX) {
            let reach = field.per_count * f32::from(i16::MAX);
            let reason = format!(
                "is beyond ±{reach:.1} {}, which is all that the package's counts hold; is the {} in {0}?",
                field.unit, field.name
            );
            return Err(wrong(reason));
        }
        counts.push(count as i16);
    }
    let (found, needed) = (numbers.len() / columns, samples);
    if found < needed {
        return Err(RecordingError::Short { path: path.into(), found, needed });
    }
    Ok(counts)
}

/// Columns, and all numbers row by row. A first line that holds no number at all is a header.
fn csv(bytes: &[u8]) -> Result<(usize, Vec<f64>), String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(bytes);
    let (mut columns, mut numbers) = (0, Vec::new());
    for (line, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let parsed: Vec<Option<f64>> = record.iter().map(|cell| cell.parse().ok()).collect();
        if line == 0 && parsed.iter().all(Option::is_none) {
            continue;
        }
        columns = record.len();
        for (cell, value) in record.iter().zip(parsed) {
            numbers.push(value.ok_or_else(|| format!("line {} holds `{cell}`", line + 1))?);
        }
    }
    if columns == 0 { Err("it has no rows".into()) } else { Ok((columns, numbers)) }
}

/// Columns, and all numbers row by row, of a two-dimensional array of floats or 16-bit integers.
fn npy(bytes: &[u8]) -> Result<(usize, Vec<f64>), String> {
    let file = npyz::NpyFile::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let &[_, columns] = file.shape() else {
        return Err(format!("its shape is {:?}, not [samples, channels]", file.shape()));
    };
    if file.order() != npyz::Order::C {
        return Err("it is stored column by column; save it in C order".into());
    }
    let columns = usize::try_from(columns).map_err(|error| error.to_string())?;
    let numbers = match file.dtype().descr().trim_matches('\'') {
        "<f8" => floats::<f64>(file),
        "<f4" => floats::<f32>(file),
        "<i2" => floats::<i16>(file),
        other => Err(format!("its numbers are {other}, not little-endian f64, f32 or i16")),
    };
    Ok((columns, numbers?))
}

fn floats<T: npyz::Deserialize + Into<f64>>(file: npyz::NpyFile<Cursor<&[u8]>>) -> Result<Vec<f64>, String> {
    let data = file.data::<T>().map_err(|error| error.to_string())?;
    data.map(|number| number.map(Into::into).map_err(|error| error.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::format::FieldKind;

    fn fields() -> [ContractField; 2] {
        let field = |name: &str, unit: &str, per_count| ContractField {
            name: name.into(),
            unit: unit.into(),
            per_count,
            kind: FieldKind::Vector,
            width: 3,
        };
        [field("acceleration", "g", 1.0 / 2048.0), field("angular rate", "rad/s", 1.0 / 512.0)]
    }

    fn read_as(extension: &str, bytes: &[u8]) -> Result<Vec<i16>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("recording.{extension}"));
        std::fs::write(&path, bytes).unwrap();
        read(&path, &fields(), 2).map_err(|error| error.to_string())
    }

    #[test]
    fn csv_with_and_without_header_gives_counts() {
        let rows = "1, 0, -0.5, 2, 0, 0.25\n0,0,1,0,0,0\n";
        let expected = [2048, 0, -1024, 1024, 0, 128, 0, 0, 2048, 0, 0, 0];
        assert_eq!(read_as("csv", rows.as_bytes()).unwrap(), expected);
        assert_eq!(read_as("csv", format!("ax,ay,az,wx,wy,wz\n{rows}").as_bytes()).unwrap(), expected);
    }

    #[test]
    fn npy_gives_the_same_counts() {
        let mut bytes = Vec::new();
        {
            use npyz::WriterBuilder;
            let mut writer =
                npyz::WriteOptions::new().default_dtype().shape(&[2, 6]).writer(&mut bytes).begin_nd().unwrap();
            writer.extend([1.0f32, 0.0, -0.5, 2.0, 0.0, 0.25, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]).unwrap();
            writer.finish().unwrap();
        }
        assert_eq!(read_as("npy", &bytes).unwrap(), [2048, 0, -1024, 1024, 0, 128, 0, 0, 2048, 0, 0, 0]);
        assert!(read_as("npy", &bytes[..40]).is_err());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, says) in [
            ("1,2,3,4,5,6\n1,2,nan,4,5,6\n", "row 2, column 3: NaN is not a finite number"),
            ("1,2,3,4,5\n1,2,3,4,5\n", "has 5 columns, but the package takes 6"),
            ("1,2,3,4,5,6\n", "has 1 samples, but one window takes 2"),
            ("1,2,3,4,5,6\n1,2,3,4,5\n", "line: 2"),
            ("1,2,3,4,5,6\n1,2,x,4,5,6\n", "line 2 holds `x`"),
            ("1,2,3,4,5,6\n1,2,30,4,5,6\n", "row 2, column 3: 30 is beyond ±16.0 g"),
            ("1,2,3,4,5,6\n1,2,30,4,5,6\n", "is the acceleration in g?"),
            ("", "it has no rows"),
        ] {
            let error = read_as("csv", text.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{text:?} gave: {error}");
        }
        assert!(read_as("txt", b"1").unwrap_err().contains("neither a .csv nor a .npy"));
        assert!(read_as("csv", &[0xff, 0xfe, 0x00]).is_err());
    }
}
