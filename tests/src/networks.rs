//! Networks of recipes for grids, small and hardly trained, on the whole road: float networks and their package.
//!
//! What the theory says of them holds by construction, whatever the weights, so weights are random but for one epoch on
//! noise, which leaves normalizations that are not the identity. Samples are noise too, and [`spots`] where a smooth
//! image is needed.

use gimbal_core::group::{Degenerate, Element, Pose};
use gimbal_core::{Model, Outcome, Session};
use gimbal_train::backend;
use gimbal_train::data::posed::{Moved, Posed, Sample};
use gimbal_train::group::element::{act, inverse};
use gimbal_train::method::GridModel;
use gimbal_train::nn::grid::Extent;
use gimbal_train::pipeline::grid::package_grid;
use gimbal_train::recipe::grid::{ConvSection, EtaSection, GridRecipe, GroupName, LayerSection, PoseSection};
use gimbal_train::train::{GridTask, train};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::AtomicBool;

/// A recipe in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gridded {
    /// The groups of ψ's steps.
    pub poses: &'static [GroupName],
    /// Rows and columns of a sample.
    pub sides: [usize; 2],
    /// In how many turns ψ's and η's filters are used; 1 for an η that is not invariant by itself, and where there are no
    /// images.
    pub turns: [usize; 2],
    /// Whether η's layers go around the ring and end in the largest numbers around it: invariant without turns.
    pub around: bool,
}

/// Networks and their package.
#[derive(Debug)]
pub struct Grid {
    /// The recipe in a few words.
    pub gridded: Gridded,
    /// The recipe.
    pub recipe: GridRecipe,
    /// The float networks.
    pub model: GridModel,
    /// The package.
    pub package: Vec<u8>,
}

/// What a session finds in a window: pose, canonical window, code and logits.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// None for a network without ψ.
    pub pose: Option<Pose>,
    /// In counts.
    pub canonical: Vec<i16>,
    /// The code's integers.
    pub code: Vec<i8>,
    /// The logits' integers.
    pub logits: Vec<i8>,
}

impl Gridded {
    /// Of a sample.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let [rows, columns] = self.sides;
        Extent { channels: 1, rows, columns }
    }

    /// Whether samples are images, of counts from 0 to 255; others are int8.
    #[must_use]
    pub fn is_image(&self) -> bool {
        let [rows, columns] = self.sides;
        rows == columns
    }

    /// The networks; the same seed gives the same ones.
    ///
    /// # Panics
    /// Where the road refuses the recipe.
    #[must_use]
    pub fn grid(self, seed: u64) -> Grid {
        Grid::trained(self, self.recipe(seed), &self.noise(seed))
    }

    fn recipe(self, seed: u64) -> GridRecipe {
        let mut recipe = GridRecipe::load("rotated-digits-small").expect("it is built in");
        let [psi, eta] = self.turns;
        let pose = |&group: &GroupName| {
            let turns = if group == GroupName::T2 { 1 } else { psi };
            PoseSection { group, turns, layers: self.psi(group) }
        };
        recipe.data.scale = if self.is_image() { 255.0 } else { 128.0 };
        recipe.data.groups = self.poses.to_vec();
        recipe.pose = self.poses.iter().map(pose).collect();
        recipe.eta = EtaSection { turns: eta, layers: self.eta(), code: 8, ..recipe.eta };
        recipe.delta.unit = self.is_image();
        recipe.delta.channels = vec![6, 4];
        recipe.delta.factor = self.sides.map(|side| if side % 2 == 0 { 2 } else { 1 });
        recipe.loss.law = 0.0;
        recipe.training.seed = seed;
        recipe.training.epochs = 1;
        recipe.training.batch = 8;
        recipe
    }

    fn psi(self, group: GroupName) -> Vec<LayerSection> {
        match group {
            GroupName::So2 | GroupName::O2 | GroupName::C4 => self.turning(),
            GroupName::T2 => vec![conv(4, [3, 3], [1, 1]), conv(4, [3, 3], [1, 1])],
            GroupName::Shift => vec![round(4, [9, 1], [1, 1], 0), round(4, [5, 1], [1, 1], 0)],
            GroupName::Ring => vec![conv(4, [5, 1], [2, 1]), round(4, [3, 3], [2, 1], 1)],
        }
    }

    fn eta(self) -> Vec<LayerSection> {
        let [rows, columns] = self.sides;
        match (self.turns[1], self.around) {
            (1, true) => vec![
                conv(6, [5, 1], [2, 1]),
                LayerSection::Max([2, 1]),
                round(6, [3, 3], [1, 1], 1),
                LayerSection::Mean([0, 1]),
                LayerSection::Max([0, 0]),
            ],
            (1, false) if columns == 1 => vec![round(6, [7, 1], [1, 1], 0), conv(6, [5, 1], [2, 1])],
            (1, false) if rows % 2 == 0 => {
                vec![conv(6, [3, 3], [1, 1]), LayerSection::Max([2, 2]), conv(6, [3, 3], [2, 2])]
            }
            (1, false) => vec![conv(6, [3, 3], [1, 1]), conv(6, [3, 3], [2, 2])],
            _ => self.turning(),
        }
    }

    /// Layers that turn with a square image, whose side decides where the strides can be.
    fn turning(self) -> Vec<LayerSection> {
        match self.sides[0] % 2 {
            0 => vec![conv(3, [4, 4], [2, 2]), LayerSection::Max([2, 2]), conv(4, [3, 3], [1, 1])],
            _ => vec![conv(3, [3, 3], [1, 1]), conv(4, [3, 3], [2, 2])],
        }
    }

    fn noise(self, seed: u64) -> Posed {
        let [rows, columns] = self.sides;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let sample = |label| {
            let counts =
                (0..rows * columns).map(|_| rng.random_range(if self.is_image() { 0..256 } else { -128..128 }));
            Sample { counts: counts.collect(), label: label % CLASSES }
        };
        let train: Vec<Sample> = (0..32).map(sample).collect();
        Posed {
            rows,
            columns,
            classes: (0..CLASSES).map(|class| format!("class {class}")).collect(),
            rate_hz: 1.0,
            per_count: 1.0,
            unit: "1".into(),
            recorded: train.clone(),
            train_moved: Moved { samples: train.clone(), elements: Vec::new() },
            train,
            test: Vec::new(),
            test_moved: Moved::default(),
        }
    }
}

const CLASSES: usize = 3;

fn conv(channels: usize, size: [usize; 2], stride: [usize; 2]) -> LayerSection {
    LayerSection::Conv(ConvSection { channels, size, stride, circular: [false; 2] })
}

/// One that is circular along an axis.
fn round(channels: usize, size: [usize; 2], stride: [usize; 2], axis: usize) -> LayerSection {
    LayerSection::Conv(ConvSection { channels, size, stride, circular: [axis == 0, axis == 1] })
}

impl Grid {
    /// What a recipe makes of samples.
    ///
    /// # Panics
    /// Where the road refuses the recipe.
    #[must_use]
    pub fn trained(gridded: Gridded, recipe: GridRecipe, posed: &Posed) -> Self {
        let device = backend::device("flex").expect("flex is compiled in");
        let task = GridTask::new(&recipe, posed, &device).expect("the recipe fits");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let trained = train(&task, &device, folder.path(), false, &AtomicBool::new(false)).expect("training is finite");
        let package = package_grid("grid", &recipe, posed, &trained.model).expect("the network can be lowered");
        Self { gridded, recipe, model: trained.model, package }
    }

    /// What core finds in a window.
    ///
    /// # Panics
    /// Where core refuses the package or the window.
    pub fn run(&self, window: &[i16]) -> Result<Found, Degenerate> {
        let model = Model::from_bytes(&self.package).expect("core takes the package");
        let mut arena = vec![0x5aa5_c33c; model.arena_len() / 4];
        let mut session = Session::new(model, &mut arena).expect("the arena is long enough");
        match session.run(window).expect("the window is as long as it says") {
            Outcome::Encoded(found) => Ok(Found {
                pose: found.pose,
                canonical: found.canonical.to_vec(),
                code: found.code.expect("there is an η").values.to_vec(),
                logits: found.logits.expect("there is a classifier").values.to_vec(),
            }),
            Outcome::Degenerate(why) => Err(why),
        }
    }

    /// `g · x`, as the device moves windows.
    ///
    /// # Panics
    /// Where g does not act on windows like these.
    #[must_use]
    pub fn act(&self, g: Element, window: &[i16]) -> Vec<i16> {
        act(g, self.gridded.extent(), window).expect("the group acts on these windows")
    }

    /// `g⁻¹ · x`.
    ///
    /// # Panics
    /// Where g does not act on windows like these.
    #[must_use]
    pub fn undo(&self, g: Element, window: &[i16]) -> Vec<i16> {
        self.act(inverse(g).expect("the group is a recipe's"), window)
    }
}

/// A smooth image without a symmetry, turned by an angle in radians: three spots of different sizes off its middle, which
/// are computed where they are, so that nothing is interpolated.
#[must_use]
pub fn spots(side: usize, angle: f32) -> Vec<i16> {
    let (sin, cos) = angle.sin_cos();
    let middle = (side as f32 - 1.0) / 2.0;
    // x, y and width in halves of the side, and height.
    let spots = [(0.45, 0.0, 0.2, 1.0), (-0.1, 0.4, 0.15, 0.7), (0.05, -0.25, 0.25, 0.5)];
    let at = |row: usize, column: usize| {
        let (x, y) = ((column as f32 - middle) / middle, (row as f32 - middle) / middle);
        // The way back.
        let (x, y) = (cos * x + sin * y, cos * y - sin * x);
        spots.map(|(u, v, width, height)| height * (-((x - u).powi(2) + (y - v).powi(2)) / (2.0 * width * width)).exp())
    };
    (0..side * side).map(|place| (200.0 * at(place / side, place % side).iter().sum::<f32>()).round() as i16).collect()
}
