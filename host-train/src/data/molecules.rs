//! Molecules, as the package of QM9 has them and as the file of samples on a grid keeps them.
//!
//! A molecule is [`MOST`] rows of four counts, an atom a row: its type, which counts from one in the order of [`TYPES`], then
//! x, y and z in thousandths of an ångström. Rows of zeros stand behind the last atom.
//! (Ramakrishnan, Dral, Rupp and von Lilienfeld, *Quantum chemistry structures and properties of 134 kilo molecules*, 2014.)

use super::convert::member;
use super::packed::Packed;
use std::str::FromStr;

/// What atoms there are.
pub const TYPES: [&str; 5] = ["H", "C", "N", "O", "F"];
/// Atoms of the largest molecule that is kept.
pub const MOST: usize = 12;
/// Numbers of an atom.
pub const COLUMNS: usize = 4;
/// Counts of an ångström.
pub const COUNTS: f32 = 1000.0;

/// Tables of the package, one behind the other.
const PARTS: [&str; 3] = ["qm9_part1.csv", "qm9_part2.csv", "qm9_part3.csv"];

/// `molecules`: a Python wheel with three tables, a line a molecule, among whose columns are how many atoms it has, what
/// they are, `['C', 'H', …]`, and where, `[[x, y, z], …]` in ångström. Those of at most [`MOST`] atoms are kept, in
/// their order.
pub fn convert(archive: &[u8]) -> Result<Packed, String> {
    let (rows, columns) = (MOST as u16, COLUMNS as u16);
    let mut packed = Packed { rows, columns, classes: 1, labels: Vec::new(), counts: Vec::new() };
    for part in PARTS {
        let name = format!("qm9pack/data/{part}");
        let table = member(archive, &name)?;
        let mut reader = csv::Reader::from_reader(&table[..]);
        let headers = reader.headers().map_err(|error| format!("{name}: {error}"))?;
        let column = |wanted: &str| {
            headers.iter().position(|header| header == wanted).ok_or_else(|| format!("{name} has no column {wanted}"))
        };
        let columns = [column("N_atoms")?, column("Elements")?, column("XYZ_Ang")?];
        for (line, record) in reader.records().enumerate() {
            let record = record.map_err(|error| format!("{name}: {error}"))?;
            let [atoms, elements, places] = columns.map(|column| record.get(column).unwrap_or_default());
            // The first line is the header.
            let wrong = || format!("{name}: line {} is no molecule of H, C, N, O and F with a place each", line + 2);
            let atoms: usize = atoms.parse().map_err(|_| wrong())?;
            if atoms > MOST {
                continue;
            }
            packed.labels.push(0);
            packed.counts.extend(rows_of(atoms, elements, places).ok_or_else(wrong)?);
        }
    }
    Ok(packed)
}

/// The rows of a molecule; None if it is none.
fn rows_of(atoms: usize, elements: &str, places: &str) -> Option<[i16; MOST * COLUMNS]> {
    let kind = |name: &str| TYPES.iter().position(|kind| *kind == name);
    let kinds = list(elements).map(kind).collect::<Option<Vec<usize>>>()?;
    let places = list(places).map(count).collect::<Option<Vec<i16>>>()?;
    if atoms == 0 || kinds.len() != atoms || places.len() != 3 * atoms {
        return None;
    }
    let mut rows = [0; MOST * COLUMNS];
    for ((row, kind), place) in rows.chunks_exact_mut(COLUMNS).zip(kinds).zip(places.chunks_exact(3)) {
        row[0] = kind as i16 + 1;
        row[1..].copy_from_slice(place);
    }
    Some(rows)
}

/// What stands in a list, or in a list of lists, each without its quotes.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let quoted = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '\'' | '"');
    text.split(',').map(move |item| item.trim_matches(quoted))
}

/// Ångströms in counts.
fn count(angstroms: &str) -> Option<i16> {
    let counts = (f32::from_str(angstroms).ok()? * COUNTS).round();
    // Not a number is not in the range either.
    (f32::from(i16::MIN)..=f32::from(i16::MAX)).contains(&counts).then_some(counts as i16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::convert::testing::zipped;

    const HEADER: &str = "XYZ_file,N_atoms,Elements,XYZ_Ang,Note";
    const WATER: &str =
        "w.xyz,3,\"['O', 'H', 'H']\",\"[[0.0, -0.0004, 0.1], [0.0, 0.75, -0.48], [1e-1, -0.75, -0.48]]\",x";

    /// A wheel whose second table has these lines behind its header.
    fn wheel(lines: &str) -> Result<Packed, String> {
        let (empty, table) = (format!("{HEADER}\n"), format!("{HEADER}\n{lines}\n"));
        let names = PARTS.map(|part| format!("qm9pack/data/{part}"));
        let members = names.iter().zip([&empty, &table, &empty]);
        convert(&zipped(&members.map(|(name, text)| (name.as_str(), text.as_bytes())).collect::<Vec<_>>()))
    }

    #[test]
    fn small_molecules_are_kept_and_their_places_are_counts() {
        let large = format!("l.xyz,13,\"[{}]\",\"[]\",x", ["'H'"; 13].join(", "));
        let fluorine = "f.xyz,1,['F'],\"[['-32.768', '32.767', '2']]\",x";
        let packed = wheel(&format!("{WATER}\n{large}\n{fluorine}")).unwrap();
        assert_eq!((packed.rows, packed.columns, packed.classes, packed.labels.len()), (12, 4, 1, 2));
        let [water, fluorine] = packed.counts.as_chunks::<48>().0 else { panic!("two molecules") };
        assert_eq!(water[..12], [4, 0, 0, 100, 1, 0, 750, -480, 1, 100, -750, -480]);
        assert_eq!(water[12..], [0; 36]);
        assert_eq!(fluorine[..8], [5, i16::MIN, i16::MAX, 2000, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_molecule_is_refused_by_its_line() {
        for line in [
            "w,2,\"['O', 'H', 'H']\",\"[[0, 0, 0], [0, 0, 0], [0, 0, 0]]\",x",
            "w,1,['S'],\"[[0, 0, 0]]\",x",
            "w,1,['O'],\"[[0, 0]]\",x",
            "w,1,['O'],\"[[0, 0, nan]]\",x",
            "w,1,['O'],\"[[0, 0, 32.7676]]\",x",
            "w,0,[],[],x",
            "w,many,['O'],\"[[0, 0, 0]]\",x",
        ] {
            let error = wheel(&format!("{WATER}\n{line}")).unwrap_err();
            assert!(error.contains("qm9_part2.csv: line 3 is no molecule"), "{line}: {error}");
        }
        assert!(wheel("w,1").unwrap_err().contains("qm9_part2.csv"));
    }

    #[test]
    fn a_missing_table_or_column_is_named() {
        assert!(convert(&zipped(&[])).unwrap_err().contains("qm9_part1.csv"));
        let names = PARTS.map(|part| format!("qm9pack/data/{part}"));
        let bare: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"N_atoms,Elements\n"[..])).collect();
        assert!(convert(&zipped(&bare)).unwrap_err().contains("no column XYZ_Ang"));
        assert!(convert(b"no archive").is_err());
    }
}
