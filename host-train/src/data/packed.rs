//! The layout of `NAME.bin`, the compact file of a data set on a grid. Little-endian, no padding between the parts:
//!
//! | bytes | type | what |
//! |---|---|---|
//! | 4 | ASCII | `GGRD` |
//! | 2 | u16 | version of this layout: 1 |
//! | 1 | u8 | what a count is stored as: 0 for u8, 1 for i8, 2 for i16 |
//! | 1 | u8 | number of classes |
//! | 2 | u16 | rows of a sample, at least 1 |
//! | 2 | u16 | columns of a sample, at least 1 |
//! | 4 | u32 | number of samples `n` |
//! | `n` | u8 | labels, each below the number of classes |
//! | `n` · rows · columns · 1 or 2 | as said above | counts, row by row, one sample after the other |
//!
//! What a count is worth, what the classes are called and which samples are for testing stands in
//! [`catalog`](super::catalog), by the set's name.

const MAGIC: [u8; 4] = *b"GGRD";
const VERSION: u16 = 1;
const HEADER: usize = 16;

/// The samples of a data set, as its file holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Rows of a sample.
    pub rows: u16,
    /// Columns of a sample.
    pub columns: u16,
    /// Number of classes.
    pub classes: u8,
    /// A label a sample, below [`classes`](Self::classes).
    pub labels: Vec<u8>,
    /// `n · rows · columns` counts.
    pub counts: Vec<i16>,
}

/// The bytes are not a file of samples on a grid of a version known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackedError {
    /// Another kind of file, or another version of it.
    #[error("this is not a file of samples on a grid of version 1")]
    Foreign,
    /// A label or a length that cannot be, or a file that ends early or goes on after its last count.
    #[error("the file of samples on a grid is damaged at byte {0}")]
    Damaged(usize),
}

/// What a count is stored as; the discriminant is what the file says.
#[derive(Clone, Copy)]
enum Kind {
    Unsigned = 0,
    Signed = 1,
    Wide = 2,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Unsigned, Self::Signed, Self::Wide];

    /// The first kind that holds all counts.
    fn narrowest(counts: &[i16]) -> Self {
        let all = |holds: fn(i16) -> bool| counts.iter().all(|&count| holds(count));
        match () {
            () if all(|count| u8::try_from(count).is_ok()) => Self::Unsigned,
            () if all(|count| i8::try_from(count).is_ok()) => Self::Signed,
            () => Self::Wide,
        }
    }

    fn bytes(self) -> usize {
        if let Self::Wide = self { 2 } else { 1 }
    }
}

impl Packed {
    /// The bytes of the file: the same for the same samples, with counts as narrow as they can be.
    pub fn to_bytes(&self) -> Vec<u8> {
        let kind = Kind::narrowest(&self.counts);
        let samples = u32::try_from(self.labels.len()).expect("a set has fewer than 2³² samples");
        let mut file = Vec::with_capacity(HEADER + self.labels.len() + kind.bytes() * self.counts.len());
        file.extend(MAGIC);
        file.extend(VERSION.to_le_bytes());
        file.extend([kind as u8, self.classes]);
        file.extend(self.rows.to_le_bytes());
        file.extend(self.columns.to_le_bytes());
        file.extend(samples.to_le_bytes());
        file.extend(&self.labels);
        // A count that fits one byte is that byte, whether it has a sign or not.
        file.extend(self.counts.iter().flat_map(|count| count.to_le_bytes().into_iter().take(kind.bytes())));
        file
    }

    /// Reads a whole file.
    pub fn parse(file: &[u8]) -> Result<Self, PackedError> {
        let end = PackedError::Damaged(file.len());
        let (magic, rest) = file.split_at_checked(4).ok_or(end)?;
        let (header, body) = rest.split_at_checked(HEADER - 4).ok_or(end)?;
        let number = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let kind = Kind::ALL.into_iter().find(|&kind| kind as u8 == header[2]);
        let (VERSION, Some(kind)) = (number(0), kind.filter(|_| magic == MAGIC)) else {
            return Err(PackedError::Foreign);
        };
        let (classes, rows, columns) = (header[3], number(4), number(6));
        if rows == 0 || columns == 0 {
            return Err(PackedError::Damaged(8));
        }
        let samples = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let (labels, counts) = body.split_at_checked(samples).ok_or(end)?;
        if let Some(wrong) = labels.iter().position(|&label| label >= classes) {
            return Err(PackedError::Damaged(HEADER + wrong));
        }
        let length = usize::from(rows) * usize::from(columns) * kind.bytes();
        match samples.checked_mul(length) {
            Some(needed) if needed < counts.len() => return Err(PackedError::Damaged(HEADER + samples + needed)),
            Some(needed) if needed == counts.len() => {}
            _ => return Err(end),
        }
        let counts = match kind {
            Kind::Unsigned => counts.iter().map(|&byte| byte.into()).collect(),
            Kind::Signed => counts.iter().map(|&byte| byte.cast_signed().into()).collect(),
            Kind::Wide => counts.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(),
        };
        Ok(Self { rows, columns, classes, labels: labels.to_vec(), counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed() -> impl Strategy<Value = Packed> {
        let range = prop_oneof![Just(0..=255), Just(-128..=127), Just(i16::MIN..=i16::MAX)];
        (1u16..4, 1u16..4, 1u8..9, 0usize..5, range).prop_flat_map(|(rows, columns, classes, samples, range)| {
            let labels = prop::collection::vec(0..classes, samples);
            let counts = prop::collection::vec(range, samples * usize::from(rows * columns));
            (labels, counts).prop_map(move |(labels, counts)| Packed { rows, columns, classes, labels, counts })
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(packed in packed()) {
            prop_assert_eq!(Packed::parse(&packed.to_bytes()), Ok(packed));
        }

        #[test]
        fn every_truncation_and_every_byte_too_many_is_an_error(packed in packed()) {
            let mut file = packed.to_bytes();
            for length in 0..file.len() {
                prop_assert!(Packed::parse(&file[..length]).is_err(), "cut to {}", length);
            }
            file.push(0);
            prop_assert_eq!(Packed::parse(&file), Err(PackedError::Damaged(file.len() - 1)));
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let packed = Packed { rows: 1, columns: 2, classes: 3, labels: vec![2], counts: vec![-2, 1] };
        let header = [b'G', b'G', b'R', b'D', 1, 0, 1, 3, 1, 0, 2, 0, 1, 0, 0, 0];
        assert_eq!(packed.to_bytes(), [&header[..], &[2, 0xfe, 1]].concat());
        let wide = Packed { counts: vec![-2, 300], ..packed };
        assert_eq!(wide.to_bytes()[16..], [2, 0xfe, 0xff, 44, 1]);
    }

    #[test]
    fn foreign_files_and_wrong_labels_are_told_apart() {
        let file = Packed { rows: 1, columns: 1, classes: 2, labels: vec![1, 0], counts: vec![7, 8] }.to_bytes();
        let with = |at: usize, byte: u8| {
            let mut file = file.clone();
            file[at] = byte;
            Packed::parse(&file)
        };
        for at in [0, 3, 4, 6] {
            assert_eq!(with(at, 9), Err(PackedError::Foreign), "byte {at}");
        }
        assert_eq!(with(8, 0), Err(PackedError::Damaged(8)));
        assert_eq!(with(17, 2), Err(PackedError::Damaged(17)));
        assert!(with(12, 0xff).is_err() && with(15, 0xff).is_err());
    }
}
