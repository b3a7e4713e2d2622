//! A user's own triples: pictures, and a table of actions.
//!
//! The table is a CSV file with a line of names, among them one column a number of the action, `g0`, `g1` and so on. What else it
//! has depends on the pictures:
//!
//! * **A folder of PNG files**, eight bits a channel, all of one size: the columns `before` and `after` name two files of the
//!   folder in each row.
//! * **A NumPy archive, `.npz`**, with the arrays `before` and `after`, u8, `[n, height, width]` or
//!   `[n, height, width, channels]`: row i of the table belongs to picture i of both.
//!
//! A column `class`, numbers from 0 to 255, says what a pair shows; nothing learns from it, and it may be missing.

use super::convert::array;
use super::png::{self, Picture};
use super::triples::{ActionGroup, Triples, TriplesError, Walks};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::Path;

/// Why files are no triples.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system refused.
    #[error("{path} cannot be read: {reason}.")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// The file is not what it should be.
    #[error("{path}: {reason}.")]
    Content {
        /// The file.
        path: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// Pictures of different sizes.
    #[error("{path} is a picture of {found}, and {first} one of {expected}: all must be of one size.")]
    Sizes {
        /// The picture.
        path: String,
        /// Its size.
        found: String,
        /// The first one.
        first: String,
        /// Its size.
        expected: String,
    },
    /// A picture that no row names.
    #[error("{path} is a picture without an action: no row of the table names it.")]
    NoAction {
        /// The picture.
        path: String,
    },
    /// What was read makes no triples.
    #[error("{path}: {error}")]
    Triples {
        /// The table.
        path: String,
        /// Why.
        error: TriplesError,
    },
}

/// A row of the table.
struct Row {
    files: Option<[String; 2]>,
    action: Vec<f32>,
    class: u8,
}

/// The triples of a folder of pictures, or of an archive, with a table of actions of a group.
///
/// # Errors
/// What is wrong, with the file and the row.
pub fn read(pictures: &Path, actions: &Path, group: ActionGroup) -> Result<Triples, ReadError> {
    let in_folder = pictures.is_dir();
    let rows = table(actions, group.numbers(), in_folder)?;
    let (shape, [before, after]) = if in_folder { folder(pictures, &rows)? } else { archive(pictures)? };
    let actions_of = rows.iter().flat_map(|row| row.action.iter().copied()).collect();
    let count = before.len() / shape.iter().product::<usize>().max(1);
    let mut classes: Vec<u8> = rows.iter().map(|row| row.class).collect();
    // Rows that are missing, or too many, are told as actions.
    classes.resize(count, 0);
    let triples = Triples { group, shape, before, after, actions: actions_of, classes };
    triples.check().map_err(|error| ReadError::Triples { path: actions.display().to_string(), error })?;
    Ok(triples)
}

/// Takes one in so many triples away, drawn by a seed, as walks of one step to test with.
pub fn hold_out(triples: Triples, one_in: usize, seed: u64) -> (Triples, Walks) {
    let mut order: Vec<usize> = (0..triples.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let (test, train) = order.split_at(triples.len().div_ceil(one_in.max(1)));
    let Triples { group, shape, .. } = &triples;
    let each = |items: &[usize], row: fn(&Triples, usize) -> &[f32]| -> Vec<f32> {
        items.iter().flat_map(|&item| row(&triples, item)).copied().collect()
    };
    let classes = |items: &[usize]| items.iter().map(|&item| triples.classes[item]).collect();
    let samples = |row: fn(&Triples, usize) -> &[u8]| -> Vec<u8> {
        train.iter().flat_map(|&item| row(&triples, item)).copied().collect()
    };
    let walks = Walks {
        group: group.clone(),
        shape: *shape,
        steps: 1,
        marks: vec![0, 1],
        frames: test.iter().flat_map(|&item| [triples.before(item), triples.after(item)].concat()).collect(),
        actions: each(test, |all, item| all.action(item)),
        classes: classes(test),
        poses: Vec::new(),
    };
    let kept = Triples {
        group: group.clone(),
        shape: *shape,
        before: samples(|all, item| all.before(item)),
        after: samples(|all, item| all.after(item)),
        actions: each(train, |all, item| all.action(item)),
        classes: classes(train),
    };
    (kept, walks)
}

fn table(path: &Path, numbers: usize, in_folder: bool) -> Result<Vec<Row>, ReadError> {
    let wrong = |reason: String| ReadError::Content { path: path.display().to_string(), reason };
    let text = bytes(path)?;
    let mut csv = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(&text[..]);
    let names = csv.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let column = |name: &str| names.iter().position(|known| known == name);
    let needed = |name: &str| column(name).ok_or_else(|| wrong(format!("it has no column `{name}`")));
    let files = if in_folder { Some([needed("before")?, needed("after")?]) } else { None };
    let action = (0..numbers).map(|at| needed(&format!("g{at}"))).collect::<Result<Vec<_>, _>>()?;
    if column(&format!("g{numbers}")).is_some() {
        return Err(wrong(format!("it has a column `g{numbers}`, and an action takes {numbers} numbers")));
    }
    let class = column("class");
    let mut rows = Vec::new();
    for (line, record) in csv.records().enumerate() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let at = |column: usize| record.get(column).unwrap_or_default();
        let wrong = |reason: String| wrong(format!("row {}: {reason}", line + 1));
        let number = |&column: &usize| match at(column) {
            "" => Err(wrong("it has no action, or not all of it".into())),
            text => text.parse::<f32>().map_err(|_| wrong(format!("`{text}` is no number"))),
        };
        let file = |column: usize| match at(column) {
            "" => Err(wrong("it names no picture before, or none after its action".into())),
            name => Ok(name.to_owned()),
        };
        rows.push(Row {
            files: files.map(|[before, after]| Ok([file(before)?, file(after)?])).transpose()?,
            action: action.iter().map(number).collect::<Result<_, _>>()?,
            class: match class.map(at) {
                None | Some("") => 0,
                Some(text) => text.parse().map_err(|_| wrong(format!("`{text}` is no class: 0 to 255")))?,
            },
        });
    }
    Ok(rows)
}

/// Shape of a sample, and the samples before and after.
type Pictures = ([usize; 3], [Vec<u8>; 2]);

fn folder(path: &Path, rows: &[Row]) -> Result<Pictures, ReadError> {
    let mut known: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut first: Option<(String, [usize; 3])> = None;
    let mut pairs = [Vec::new(), Vec::new()];
    for row in rows {
        for (name, samples) in row.files.iter().flatten().zip(&mut pairs) {
            if !known.contains_key(&**name) {
                let place = path.join(name);
                let shown = place.display().to_string();
                let picture = png::decode(&bytes(&place)?)
                    .map_err(|reason| ReadError::Content { path: shown.clone(), reason })?;
                let shape = [picture.channels, picture.height, picture.width];
                let (other, expected) = first.get_or_insert_with(|| (shown.clone(), shape));
                if shape != *expected {
                    let [found, expected] = [shape, *expected].map(size);
                    return Err(ReadError::Sizes { path: shown, found, first: other.clone(), expected });
                }
                known.insert(name, planes(&picture));
            }
            samples.extend(&known[&**name]);
        }
    }
    let names = std::fs::read_dir(path).map_err(|error| refused(path, &error))?;
    for entry in names {
        let entry = entry.map_err(|error| refused(path, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.to_lowercase().ends_with(".png") && !known.contains_key(&*name) {
            return Err(ReadError::NoAction { path: entry.path().display().to_string() });
        }
    }
    Ok((first.map_or([1, 1, 1], |(_, shape)| shape), pairs))
}

fn archive(path: &Path) -> Result<Pictures, ReadError> {
    let wrong = |reason: String| ReadError::Content { path: path.display().to_string(), reason };
    let file = bytes(path)?;
    let read = |name: &str| array::<u8>(&file, name).map_err(wrong);
    let ((shape, before), (shape_after, after)) = (read("before")?, read("after")?);
    let side = |side: u64| usize::try_from(side).unwrap_or(0);
    let shape_of = |name: &str, shape: &[u64]| match *shape {
        [_, height, width] => Ok([1, side(height), side(width)]),
        [_, height, width, channels] => Ok([side(channels), side(height), side(width)]),
        _ => Err(wrong(format!(
            "{name} has the shape {shape:?}, not [n, height, width] or [n, height, width, channels]"
        ))),
    };
    let (of_before, of_after) = (shape_of("before", &shape)?, shape_of("after", &shape_after)?);
    if of_before != of_after {
        let name = |part: &str| format!("{}, {part}", path.display());
        let [expected, found] = [of_before, of_after].map(size);
        return Err(ReadError::Sizes { path: name("after"), found, first: name("before"), expected });
    }
    let [channels, height, width] = of_before;
    let numbers = (channels * height * width).max(1);
    let all = |pixels: Vec<u8>| {
        let pictures = pixels.chunks(numbers);
        pictures.flat_map(|pixels| planes(&Picture { channels, height, width, pixels: pixels.to_vec() })).collect()
    };
    Ok((of_before, [all(before), all(after)]))
}

/// The channels of a picture one behind the other.
fn planes(picture: &Picture) -> Vec<u8> {
    let channel = |channel: usize| picture.pixels.iter().copied().skip(channel).step_by(picture.channels.max(1));
    (0..picture.channels).flat_map(channel).collect()
}

fn size([channels, height, width]: [usize; 3]) -> String {
    format!("{height} × {width} pixels of {channels}")
}

fn bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    std::fs::read(path).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &std::io::Error) -> ReadError {
    ReadError::File { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::convert::testing::zipped;
    use super::png::{Colours, encode};
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    const TABLE: &str = "before,after,g0,class\na.png,b.png,0.5,1\nb.png,a.png,-0.5,1\nb.png,c.png,0.25,\n";

    /// Three pictures of 2 × 3 pixels in red, green and blue.
    fn pictures() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, start) in [("a.png", 0), ("b.png", 100), ("c.png", 200)] {
            let pixels: Vec<u8> = (start..start + 18).collect();
            std::fs::write(folder.path().join(name), encode(&pixels, 3, Colours::True).unwrap()).unwrap();
        }
        folder
    }

    fn written(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn npy(shape: &[u64], elements: &[u8]) -> Vec<u8> {
        use npyz::WriterBuilder;
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(elements.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn a_folder_is_read_picture_by_picture() {
        let (folder, tables) = (pictures(), tempfile::tempdir().unwrap());
        let table = written(&tables, "t.csv", TABLE.as_bytes());
        let triples = read(folder.path(), &table, ActionGroup::Heading).unwrap();
        assert_eq!((triples.shape, triples.len(), &triples.classes[..]), ([3, 2, 3], 3, &[1, 1, 0][..]));
        assert_eq!(triples.actions, [0.5, -0.5, 0.25]);
        let [red, green, blue] = [0, 1, 2].map(|channel| (0..6).map(move |pixel| 100 + 3 * pixel + channel));
        assert_eq!(triples.before(1), red.chain(green).chain(blue).collect::<Vec<u8>>());
        assert_eq!(triples.before(1), triples.after(0));
    }

    #[test]
    fn an_archive_is_read_row_by_row() {
        let folder = tempfile::tempdir().unwrap();
        let table = written(&folder, "t.csv", b"g0, g1\n1, 2\n3, 4\n");
        let [before, after] = [npy(&[2, 1, 2, 3], &(0..12).collect::<Vec<_>>()), npy(&[2, 1, 2, 3], &[7; 12])];
        let file = written(&folder, "t.npz", &zipped(&[("before.npy", &before), ("after.npy", &after)]));
        let triples = read(&file, &table, ActionGroup::Translations(2)).unwrap();
        assert_eq!((triples.shape, triples.before(0)), ([3, 1, 2], &[0, 3, 1, 4, 2, 5][..]));
        assert_eq!((triples.action(1), &triples.classes[..]), (&[3.0, 4.0][..], &[0, 0][..]));
        let grey = npy(&[2, 2, 3], &(0..12).collect::<Vec<_>>());
        let file = written(&folder, "g.npz", &zipped(&[("before.npy", &grey), ("after.npy", &grey)]));
        assert_eq!(read(&file, &table, ActionGroup::Translations(2)).unwrap().shape, [1, 2, 3]);
        // Pictures without a row, rows without pictures, pictures of two sizes.
        let short = written(&folder, "s.csv", b"g0,g1\n1,2\n");
        let long = written(&folder, "l.csv", b"g0,g1\n1,2\n1,2\n1,2\n");
        let says = |file: &Path, table: &Path| read(file, table, ActionGroup::Translations(2)).unwrap_err().to_string();
        assert!(says(&file, &short).contains("Triple 1 has no action"), "{}", says(&file, &short));
        assert!(says(&file, &long).contains("Action 2 belongs to no triple"), "{}", says(&file, &long));
        let two = written(&folder, "2.npz", &zipped(&[("before.npy", &grey), ("after.npy", &after)]));
        assert!(says(&two, &table).contains("must be of one size"), "{}", says(&two, &table));
    }

    #[test]
    fn what_is_wrong_names_the_file_and_the_row() {
        let (folder, tables) = (pictures(), tempfile::tempdir().unwrap());
        let says = |table: &str, group: ActionGroup| {
            let table = written(&tables, "t.csv", table.as_bytes());
            read(folder.path(), &table, group).unwrap_err().to_string()
        };
        let heading = || ActionGroup::Heading;
        for (table, says_so) in [
            ("before,after\na.png,b.png\n", "no column `g0`"),
            ("before,g0\na.png,0\n", "no column `after`"),
            ("before,after,g0,g1\na.png,b.png,0,0\n", "takes 1 numbers"),
            ("before,after,g0\na.png,b.png,0\nb.png,c.png,\n", "row 2: it has no action"),
            ("before,after,g0\na.png,b.png,0\nb.png,c.png\n", "row 2: it has no action"),
            ("before,after,g0\na.png,,1\n", "row 1: it names no picture"),
            ("before,after,g0\na.png,b.png,left\n", "row 1: `left` is no number"),
            ("before,after,g0,class\na.png,b.png,1,256\n", "row 1: `256` is no class"),
            ("before,after,g0\na.png,d.png,1\n", "d.png cannot be read"),
            ("before,after,g0\na.png,b.png,1\n", "c.png is a picture without an action"),
            (
                "before,after,g0\na.png,b.png,NaN\na.png,c.png,1\n",
                "Action 0 is no element of the group: number 1 of 1 is not finite",
            ),
        ] {
            let error = says(table, heading());
            assert!(error.contains(says_so), "{error}");
        }
        let turned =
            "before,after,g0,g1,g2,g3,g4,g5,g6,g7,g8\na.png,b.png,1,0,0,0,1,0,0,0,1\nb.png,c.png,1,0,0,0,1,0,0,0,2\n";
        assert!(says(turned, ActionGroup::Rotations).contains("Action 1 is no element of the group"));
        written(&folder, "b.png", &encode(&[0; 12], 2, Colours::Grey).unwrap());
        let error = says(TABLE, heading());
        assert!(
            error.contains("b.png is a picture of 6 × 2 pixels of 1, and ") && error.contains("2 × 3 pixels of 3"),
            "{error}"
        );
        written(&folder, "b.png", b"GIF89a");
        assert!(says(TABLE, heading()).contains("b.png: it is no PNG"));
    }

    #[test]
    fn what_is_held_out_is_not_trained_on() {
        let (folder, tables) = (pictures(), tempfile::tempdir().unwrap());
        let table = written(&tables, "t.csv", TABLE.as_bytes());
        let all = read(folder.path(), &table, ActionGroup::Heading).unwrap();
        let (train, test) = hold_out(all.clone(), 3, 0);
        assert_eq!((train.len(), test.len(), train.check(), test.check()), (2, 1, Ok(()), Ok(())));
        let place = |action: f32| all.actions.iter().position(|&known| known == action).unwrap();
        let at = place(test.actions[0]);
        assert_eq!((test.frame(0, 0), test.frame(0, 1)), (all.before(at), all.after(at)));
        let mut places: Vec<usize> = train.actions.iter().chain(&test.actions).map(|&action| place(action)).collect();
        assert!((0..2).all(|item| train.before(item) == all.before(place(train.actions[item]))));
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2]);
    }
}
