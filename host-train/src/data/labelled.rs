//! Samples of which all, or only some, have a label: images, or windows of recordings.

use super::grid::Grids;
use super::posed::{Posed, Sample};
use super::{Dataset, Window, windows};
use crate::evaluate::device::Device as Core;
use crate::evaluate::turn;
use crate::nn::grid::Extent;
use crate::package::ContractField;
use crate::pipeline::{ROTATION_SEED, fields};
use crate::recipe::equivae::EquivaeData;
use crate::recipe::grid::GridData;
use burn::prelude::*;
use gimbal_core::format::FieldKind;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A training sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// `[samples, channels]`, as the device takes it.
    pub counts: Vec<i16>,
    /// Its class, where it has a label.
    pub label: Option<usize>,
    /// Its class, which those without a label keep to themselves until they are tested.
    pub truth: usize,
}

/// A data set as a recipe wants it.
#[derive(Clone, Debug)]
pub struct LabelledSet {
    /// Rows of a sample: instants, or those of an image.
    pub samples: usize,
    /// Samples from window to window.
    pub hop: usize,
    /// Samples a second; 1 where rows are not instants.
    pub rate_hz: f32,
    /// What a row holds.
    pub fields: Vec<ContractField>,
    /// Of each field, what a count is in network units.
    pub units: Vec<f32>,
    /// What the networks see: an image of one channel, or one row of instants with a channel for each number.
    pub extent: Extent,
    /// Names of the classes, without that which is left out.
    pub classes: Vec<String>,
    /// What is learned from.
    pub train: Vec<Labelled>,
    /// Test samples of the classes.
    pub test: Vec<Sample>,
    /// Test samples of the class that is left out; none if none is.
    pub strangers: Vec<Sample>,
    /// Where a canonicalizer stands in front, the samples before it, as the device takes them.
    pub given: Option<Given>,
}

/// Samples that were not moved into their canonical pose yet.
#[derive(Clone, Debug)]
pub struct Given {
    /// Training samples.
    pub train: Vec<Vec<i16>>,
    /// Test samples of the classes.
    pub test: Vec<Vec<i16>>,
    /// Test samples of the class that is left out.
    pub strangers: Vec<Vec<i16>>,
}

/// A sample with what decides its fate: its class, and whose it is.
struct Candidate {
    counts: Vec<i16>,
    class: usize,
    subject: u8,
}

impl LabelledSet {
    /// Images, moved by the recipe's groups.
    ///
    /// # Errors
    /// As a sentence, why a group cannot act on the samples, or which class cannot be left out.
    pub fn of_grids(section: &EquivaeData, grids: &Grids, device: &Device) -> Result<Self, String> {
        let posed = Posed::new(
            &GridData {
                source: section.source.clone(),
                scale: section.scale[0],
                groups: section.groups.clone(),
                order: None,
                posed: true,
                canvas: None,
                samples: section.samples,
            },
            grids,
            device,
        )?;
        let candidate = |sample: &Sample| Candidate { counts: sample.counts.clone(), class: sample.label, subject: 0 };
        let image = ContractField {
            name: "image".into(),
            unit: posed.unit.clone(),
            per_count: posed.per_count,
            kind: FieldKind::Row,
            width: posed.columns,
        };
        Self {
            samples: posed.rows,
            hop: posed.rows,
            rate_hz: posed.rate_hz,
            fields: vec![image],
            units: vec![1.0 / section.scale[0]],
            extent: posed.extent(),
            classes: posed.classes.clone(),
            train: Vec::new(),
            test: Vec::new(),
            strangers: Vec::new(),
            given: None,
        }
        .filled(
            section,
            posed.train.iter().map(candidate).collect(),
            posed.test_moved.samples.iter().map(candidate).collect(),
        )
    }

    /// Windows of recordings, each turned by a rotation of its own if the recipe says so.
    ///
    /// # Errors
    /// As a sentence, that a group of subjects has no window, or which class cannot be left out.
    pub fn of_recordings(section: &EquivaeData, dataset: &Dataset) -> Result<Self, String> {
        let tested = |subject: u8| section.test_subjects.contains(&subject);
        let mut train = windows(dataset, section.window, section.hop, |subject| !tested(subject));
        let mut test = windows(dataset, section.window, section.hop, tested);
        if train.is_empty() || test.is_empty() {
            return Err("The recipe leaves no window to train on, or none to test on.".into());
        }
        if section.samples > 0 {
            // Recordings are sorted by class and subject.
            train.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
            train.truncate(section.samples);
        }
        if section.turned {
            let turned = |windows: &[Window], seed| -> Vec<Window> {
                turn(windows, seed).into_iter().map(|turned| turned.window).collect()
            };
            (train, test) = (turned(&train, ROTATION_SEED.wrapping_add(1)), turned(&test, ROTATION_SEED));
        }
        let candidate =
            |window: Window| Candidate { counts: window.counts, class: window.label, subject: window.subject };
        let fields = fields(dataset);
        let units = dataset.units_per_count.iter().zip(&section.scale).map(|(unit, scale)| unit / scale);
        Self {
            samples: section.window,
            hop: section.hop,
            rate_hz: dataset.rate_hz,
            units: units.collect(),
            extent: Extent { channels: fields.iter().map(|field| field.width).sum(), rows: 1, columns: section.window },
            fields,
            classes: dataset.classes.clone(),
            train: Vec::new(),
            test: Vec::new(),
            strangers: Vec::new(),
            given: None,
        }
        .filled(section, train.into_iter().map(candidate).collect(), test.into_iter().map(candidate).collect())
    }

    /// Draws who keeps a label, and takes the class that is left out away.
    fn filled(mut self, section: &EquivaeData, train: Vec<Candidate>, test: Vec<Candidate>) -> Result<Self, String> {
        let stays = |class: usize| section.left_out != Some(class);
        // Classes behind the one that is gone move up.
        let renamed = |class: usize| class - usize::from(section.left_out.is_some_and(|gone| gone < class));
        if let Some(gone) = section.left_out {
            if gone >= self.classes.len() {
                return Err(format!("`data.left_out` is {gone}, and there are {} classes.", self.classes.len()));
            }
            self.classes.remove(gone);
        }
        let train: Vec<Candidate> = train.into_iter().filter(|sample| stays(sample.class)).collect();
        let labelled = draw(&train, section.labels, section.draw);
        let keep = |(sample, labelled): (Candidate, bool)| Labelled {
            counts: sample.counts,
            label: labelled.then(|| renamed(sample.class)),
            truth: renamed(sample.class),
        };
        self.train = train.into_iter().zip(labelled).map(keep).collect();
        for Candidate { counts, class, .. } in test {
            match stays(class) {
                true => self.test.push(Sample { counts, label: renamed(class) }),
                false => self.strangers.push(Sample { counts, label: class }),
            }
        }
        Ok(self)
    }

    /// The samples in the canonical pose that a package finds, integers and all. Training samples without a pose are left
    /// out, and test samples without one stay as they are.
    ///
    /// # Errors
    /// If the package takes other samples.
    pub fn canonicalized(mut self, package: &[u8]) -> Result<Self, gimbal_core::Error> {
        let mut device = Core::new(package)?;
        let mut given = Given { train: Vec::new(), test: Vec::new(), strangers: Vec::new() };
        let mut train = Vec::with_capacity(self.train.len());
        for sample in self.train {
            let reading = device.read(&sample.counts)?;
            if reading.degenerate.is_none() {
                given.train.push(sample.counts);
                train.push(Labelled { counts: reading.canonical, ..sample });
            }
        }
        self.train = train;
        let sides = [(&mut self.test, &mut given.test), (&mut self.strangers, &mut given.strangers)];
        for (samples, given) in sides {
            for sample in samples.iter_mut() {
                let reading = device.read(&sample.counts)?;
                given.push(sample.counts.clone());
                if reading.degenerate.is_none() {
                    sample.counts = reading.canonical;
                }
            }
        }
        self.given = Some(given);
        Ok(self)
    }

    /// Training samples, at most `most`, test samples and those of the class left out, as the device takes them.
    pub fn as_given(&self, most: usize) -> [Vec<&[i16]>; 3] {
        let mut all: [Vec<&[i16]>; 3] = match &self.given {
            Some(given) => {
                [&given.train, &given.test, &given.strangers].map(|all| all.iter().map(Vec::as_slice).collect())
            }
            None => [
                self.train.iter().map(AsRef::as_ref).collect(),
                self.test.iter().map(AsRef::as_ref).collect(),
                self.strangers.iter().map(AsRef::as_ref).collect(),
            ],
        };
        all[0].truncate(most);
        all
    }

    /// What cannot be trained on, as the rest of a sentence.
    ///
    /// # Errors
    /// No label at all, a label outside the classes, or a class with fewer than two labelled samples, of which none would
    /// have a complement.
    pub fn check(&self) -> Result<(), String> {
        if self.classes.len() < 2 || self.train.iter().all(|sample| sample.label.is_none()) {
            return Err("it has no labels, and class codes are made of labelled samples".into());
        }
        let beyond = |sample: &Labelled| sample.label.is_some_and(|label| label >= self.classes.len());
        if let Some(index) = self.train.iter().position(beyond) {
            return Err(format!("training sample {index} has a label beyond the {} classes", self.classes.len()));
        }
        for (class, name) in self.classes.iter().enumerate() {
            let there = self.train.iter().filter(|sample| sample.label == Some(class)).count();
            if there < 2 {
                return Err(format!(
                    "class `{name}` has {there} labelled samples, and the code of a class is that of other samples of it: it takes two"
                ));
            }
        }
        Ok(())
    }

    /// Samples as the networks see them, network units.
    ///
    /// # Shapes
    /// `B` samples `[samples, channels]` → `[B, channels, rows, columns]` of [`extent`](Self::extent).
    pub fn tensor<S: AsRef<[i16]>>(&self, samples: &[S], device: &Device) -> Tensor<4> {
        let numbers = samples.iter().flat_map(|sample| self.numbers(sample.as_ref()));
        let Extent { channels, rows, columns } = self.extent;
        let shape = [samples.len(), channels, rows, columns];
        Tensor::from_data(TensorData::new(numbers.collect::<Vec<f32>>(), shape), device)
    }

    /// One sample as the networks see it: channel by channel.
    pub fn numbers(&self, counts: &[i16]) -> Vec<f32> {
        let inside = self.in_units(counts);
        let channels = self.extent.channels;
        (0..channels).flat_map(|channel| inside.iter().skip(channel).step_by(channels).copied()).collect()
    }

    /// One sample in network units as the device sees it: channels inside.
    pub fn in_units(&self, counts: &[i16]) -> Vec<f32> {
        let row = self.row_units();
        counts.iter().zip(row.iter().cycle()).map(|(&count, unit)| f32::from(count) * unit).collect()
    }

    /// Of each number in a row of a sample, what a count is in network units.
    pub fn row_units(&self) -> Vec<f32> {
        self.fields.iter().zip(&self.units).flat_map(|(field, &unit)| vec![unit; field.width]).collect()
    }

    /// Places of the labelled samples, a list a class.
    pub fn by_class(&self) -> Vec<Vec<usize>> {
        let of = |class| (0..self.train.len()).filter(|&place| self.train[place].label == Some(class)).collect();
        (0..self.classes.len()).map(of).collect()
    }
}

impl AsRef<[i16]> for Labelled {
    fn as_ref(&self) -> &[i16] {
        &self.counts
    }
}

/// Who keeps a label: so many of each class and subject, or all.
fn draw(samples: &[Candidate], labels: usize, seed: u64) -> Vec<bool> {
    if labels == 0 {
        return vec![true; samples.len()];
    }
    let mut groups: BTreeMap<(usize, u8), Vec<usize>> = BTreeMap::new();
    for (place, sample) in samples.iter().enumerate() {
        groups.entry((sample.class, sample.subject)).or_default().push(place);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut labelled = vec![false; samples.len()];
    for places in groups.values_mut() {
        places.shuffle(&mut rng);
        places.iter().take(labels).for_each(|&place| labelled[place] = true);
    }
    labelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{grid, wrist};
    use crate::nn::testing::device;
    use crate::recipe::equivae::EquivaeRecipe;
    use std::path::Path;

    fn digits(change: impl Fn(&mut EquivaeData)) -> LabelledSet {
        let mut data = EquivaeRecipe::load("equivae-small").unwrap().data;
        change(&mut data);
        LabelledSet::of_grids(&data, &grid::load("digits", Path::new("")).unwrap(), &device()).unwrap()
    }

    #[test]
    fn as_many_have_a_label_as_the_recipe_says() {
        let set = digits(|data| data.labels = 7);
        assert!(set.by_class().iter().all(|places| places.len() == 7));
        assert_eq!((set.train.len(), set.test.len(), set.strangers.len()), (1437, 360, 0));
        let drawn = |seed| digits(|data| data.draw = seed).by_class();
        assert_eq!(drawn(3), drawn(3));
        assert_ne!(drawn(3), drawn(4));
        assert!(digits(|data| data.labels = 0).train.iter().all(|sample| sample.label.is_some()));
    }

    #[test]
    fn each_subject_labels_as_many_windows_of_each_class() {
        let data = EquivaeRecipe::load("equivae-wrist").unwrap().data;
        let dataset = wrist::load().unwrap();
        let set = LabelledSet::of_recordings(&data, &dataset).unwrap();
        let subjects: std::collections::BTreeSet<u8> = dataset.recordings.iter().map(|one| one.subject).collect();
        let trained = subjects.iter().filter(|subject| !data.test_subjects.contains(subject)).count();
        for places in set.by_class() {
            assert!(places.len() <= 5 * trained && places.len() > 4 * trained, "{}", places.len());
        }
        assert_eq!(set.extent, Extent { channels: 6, rows: 1, columns: 128 });
    }

    #[test]
    fn a_class_that_is_left_out_is_nowhere_but_among_the_strangers() {
        let (all, set) = (digits(|_| ()), digits(|data| data.left_out = Some(3)));
        assert_eq!(set.classes, ["0", "1", "2", "4", "5", "6", "7", "8", "9"]);
        assert_eq!(set.test.len() + set.strangers.len(), all.test.len());
        assert!(set.strangers.iter().all(|sample| sample.label == 3) && !set.strangers.is_empty());
        // A sample keeps its name though its number is another.
        let nine = all.test.iter().find(|sample| sample.label == 9).unwrap();
        let again = set.test.iter().find(|sample| sample.counts == nine.counts).unwrap();
        assert_eq!(set.classes[again.label], "9");
    }

    #[test]
    fn labels_that_nothing_can_be_learned_from_are_named() {
        let says = |change: fn(&mut LabelledSet)| {
            let mut set = digits(|_| ());
            change(&mut set);
            set.check().err().unwrap_or_default()
        };
        assert_eq!(says(|_| ()), "");
        let none = |set: &mut LabelledSet| set.train.iter_mut().for_each(|sample| sample.label = None);
        assert!(says(none).contains("no labels"), "{}", says(none));
        assert!(says(|set| set.classes.clear()).contains("no labels"));
        let beyond = |set: &mut LabelledSet| set.train[17].label = Some(10);
        assert!(says(beyond).contains("training sample 17 has a label beyond the 10 classes"), "{}", says(beyond));
        let alone = |set: &mut LabelledSet| {
            let of = set.train.iter_mut().filter(|sample| sample.label == Some(4));
            of.skip(1).for_each(|sample| sample.label = None);
        };
        assert!(says(alone).contains("class `4` has 1 labelled samples"), "{}", says(alone));
    }

    #[test]
    fn windows_are_seen_channel_by_channel() {
        let data = EquivaeRecipe::load("equivae-wrist").unwrap().data;
        let set = LabelledSet::of_recordings(&data, &wrist::load().unwrap()).unwrap();
        let counts: Vec<i16> = (0..768).collect();
        let (inside, outside) = (set.in_units(&counts), set.numbers(&counts));
        assert_eq!(inside[6 * 17 + 4], outside[4 * 128 + 17]);
        assert_eq!(inside[6 * 17 + 4], (6.0 * 17.0 + 4.0) * set.units[1]);
        assert_eq!(set.tensor(&[counts], &device()).dims(), [1, 6, 1, 128]);
    }
}
