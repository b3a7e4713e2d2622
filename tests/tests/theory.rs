//! The theory of the group-invariant autoencoder, on networks of recipes for grids.
//!
//! There must be a δ with `ψ(x) · δ(η(x)) = x` for all x. Then 1. `ψ(g·x) ∈ g·ψ(x)·G_x`, 2. the image of ψ covers G up to
//! what fixes every x, and 3. ψ restricted to an orbit is one-to-one up to the stabilizer `G_x`; and the loss is the same
//! for all of an orbit. Where the group permutes places, quarter turns of images and shifts of rings, the integers of
//! whole packages show it with `==`.
//!
//! (Winter, Bertolini, Le, Noé and Clevert, *Unsupervised Learning of Group Invariant and Equivariant Representations*,
//! 2022, section 3.)

use gimbal_core::group::cyclic::Cyclic;
use gimbal_core::group::shift::Shift;
use gimbal_core::group::so2::Rotation;
use gimbal_core::group::{Degenerate, Element, Pose};
use gimbal_tests::networks::{Found, Grid, Gridded, spots};
use gimbal_train::backend;
use gimbal_train::data::grid;
use gimbal_train::data::posed::{Posed, rows, tensor};
use gimbal_train::group::element::{distance, element, product};
use gimbal_train::method::GridInference;
use gimbal_train::quantize::extract_grid;
use gimbal_train::recipe::grid::{GridRecipe, GroupName};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::f32::consts::TAU;
use std::path::Path;
use std::sync::LazyLock;

/// Largest absolute difference of f32 numbers of order 1 that are computed in another order.
const TOLERANCE: f32 = 2e-4;
/// The same for what a sample interpolated at a rounded pose becomes.
const TOLERANCE_MOVED: f32 = 2e-3;
/// Degrees that the pose of a signal delayed by whole samples is off in integers, at confidence 1; the less sure, the
/// more. The waves of its Fourier coefficient have weights of eight bits. Noise of 33 samples was seen at 1.01.
const TOLERANCE_DEGREES: f32 = 3.0;
/// Of the mean squared error of a smooth image's reconstruction, network units squared, as it turns by any angle.
const TOLERANCE_LOSS: f32 = 6e-3;

/// Electrodes of a ring.
const PLACES: u16 = 8;
/// Samples of signals: shifts by whole ones, of a length with quarters and of one without.
const PERIODS: [usize; 2] = [32, 33];

const fn image(group: GroupName, side: usize, turns: [usize; 2]) -> Gridded {
    let poses: &[GroupName] = match group {
        GroupName::So2 => &[GroupName::So2],
        _ => &[GroupName::C4],
    };
    Gridded { poses, sides: [side, side], turns, around: false }
}

const fn ring(poses: &'static [GroupName], around: bool) -> Gridded {
    Gridded { poses, sides: [16, PLACES as usize], turns: [1, 1], around }
}

const fn signal(period: usize) -> Gridded {
    Gridded { poses: &[GroupName::Shift], sides: [period, 1], turns: [1, 1], around: false }
}

/// Networks whose group permutes places: first those that canonicalize and then encode, among them some whose η is
/// invariant too, then those of an invariant η alone.
const EXACT: [Gridded; 12] = [
    image(GroupName::So2, 8, [8, 1]),
    image(GroupName::So2, 9, [8, 1]),
    image(GroupName::So2, 28, [8, 1]),
    image(GroupName::So2, 8, [8, 8]),
    image(GroupName::So2, 9, [12, 4]),
    image(GroupName::C4, 8, [4, 1]),
    image(GroupName::C4, 9, [8, 8]),
    ring(&[GroupName::Ring], false),
    ring(&[GroupName::Ring], true),
    Gridded { poses: &[], sides: [28, 28], turns: [1, 8], around: false },
    Gridded { poses: &[], sides: [9, 9], turns: [1, 4], around: false },
    ring(&[], true),
];

/// Where a translation is found first, and networks that know of no group.
const OTHERS: [Gridded; 3] = [
    Gridded { poses: &[GroupName::T2, GroupName::So2], sides: [28, 28], turns: [8, 1], around: false },
    Gridded { poses: &[], sides: [28, 28], turns: [1, 1], around: false },
    Gridded { poses: &[], sides: [33, 1], turns: [1, 1], around: false },
];

static GRIDS: LazyLock<Vec<Grid>> =
    LazyLock::new(|| (1..).zip(EXACT).map(|(seed, gridded)| gridded.grid(seed)).collect());
static SIGNALS: LazyLock<Vec<Grid>> = LazyLock::new(|| PERIODS.iter().map(|&period| signal(period).grid(7)).collect());

/// The elements that permute the places of a sample, the identity first.
fn elements(gridded: Gridded) -> Vec<Element> {
    let [period, columns] = gridded.sides;
    let turn = |quarters| match gridded.poses {
        [GroupName::So2] => Element::Planar(Rotation::from_quarter_turns(quarters)),
        _ => Element::Cyclic(Cyclic::new(quarters, 4)),
    };
    match columns {
        _ if gridded.is_image() => (0..4).map(turn).collect(),
        1 => (0..period).map(|delay| Element::Shift(Shift::from_turns(delay as f32 / period as f32))).collect(),
        _ => (0..PLACES).map(|place| Element::Cyclic(Cyclic::new(place, PLACES))).collect(),
    }
}

/// What a session finds in `g·x` by the theory, from what it found in x.
fn moved(grid: &Grid, g: Element, upright: &Found) -> Found {
    match upright.pose {
        Some(pose) => {
            let element = product(g, pose.element).unwrap();
            Found { pose: Some(Pose { element, ..pose }), ..upright.clone() }
        }
        // The canonical window is the window.
        None => Found { canonical: grid.act(g, &upright.canonical), ..upright.clone() },
    }
}

/// Bytes as counts of a network's samples, as many as it takes.
fn window(gridded: Gridded, bytes: &[u8]) -> Vec<i16> {
    let [rows, columns] = gridded.sides;
    let count = |&byte: &u8| if gridded.is_image() { i16::from(byte) } else { i16::from(byte as i8) };
    bytes[..rows * columns].iter().map(count).collect()
}

/// Noise, and noise on empty ground, for the largest samples.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let sparse = prop_oneof![3 => Just(0), 1 => any::<u8>()];
    prop_oneof![prop::collection::vec(any::<u8>(), 28 * 28), prop::collection::vec(sparse, 28 * 28)]
}

/// A window without a symmetry.
fn generic(gridded: Gridded) -> Vec<i16> {
    match gridded.is_image() {
        true => spots(gridded.sides[0], 0.3),
        false => {
            let noise: Vec<u8> = (0..28 * 28u32).map(|i| (i.wrapping_mul(i) % 251 * 37 % 256) as u8).collect();
            window(gridded, &noise)
        }
    }
}

/// What the float networks say of windows.
fn infer(grid: &Grid, windows: &[Vec<i16>]) -> GridInference {
    grid.model.infer(windows, 1.0 / grid.recipe.data.scale, &backend::device("flex").unwrap())
}

/// The float networks' only pose of each window.
fn poses(grid: &Grid, found: &GridInference) -> Vec<Element> {
    let (name, extent) = (grid.gridded.poses[0], grid.gridded.extent());
    found.elements[0].iter().map(|row| element(name, row, extent)).collect()
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

// ---- In integers ----------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Conditions 1 and 3, and that η is invariant: equal canonical windows, codes, logits and even confidences.
    #[test]
    fn along_an_orbit_only_the_pose_moves(bytes in bytes()) {
        for grid in &*GRIDS {
            let window = window(grid.gridded, &bytes);
            let upright = grid.run(&window);
            for g in elements(grid.gridded) {
                let expected = upright.clone().map(|found| moved(grid, g, &found));
                prop_assert_eq!(grid.run(&grid.act(g, &window)), expected, "{:?}, {:?}", grid.gridded, g);
            }
        }
    }

    /// `x = ψ(x) · canonical`, exactly where the pose permutes places.
    #[test]
    fn the_pose_takes_the_canonical_window_to_the_window(bytes in bytes()) {
        for grid in &*GRIDS {
            let window = window(grid.gridded, &bytes);
            let Ok(Found { pose: Some(Pose { element, .. }), canonical, .. }) = grid.run(&window) else { continue };
            prop_assert_eq!(&grid.undo(element, &window), &canonical);
            if matches!(element, Element::Cyclic(_)) {
                prop_assert_eq!(grid.act(element, &canonical), window);
            }
        }
    }

    #[test]
    fn the_pose_of_a_signal_is_delayed_with_it(bytes in bytes(), delay: usize) {
        for grid in &*SIGNALS {
            let window = window(grid.gridded, &bytes);
            let Ok(Found { pose: Some(upright), .. }) = grid.run(&window) else { continue };
            let shifts = elements(grid.gridded);
            let g = shifts[delay % shifts.len()];
            // A delay turns the coefficient and keeps its length.
            let Ok(Found { pose: Some(found), .. }) = grid.run(&grid.act(g, &window)) else {
                prop_assert!(upright.confidence < 0.1);
                continue;
            };
            let apart = distance(found.element, product(g, upright.element).unwrap()).unwrap().degrees;
            prop_assert!(apart * upright.confidence.min(1.0) <= TOLERANCE_DEGREES, "{} at {}", apart, upright.confidence);
        }
    }
}

/// Condition 2.
#[test]
fn an_orbit_has_every_pose_once() {
    for grid in GRIDS.iter().filter(|grid| !grid.gridded.poses.is_empty()) {
        let window = generic(grid.gridded);
        let shifts = elements(grid.gridded);
        let poses: BTreeSet<String> = shifts
            .iter()
            .map(|&g| format!("{:?}", grid.run(&grid.act(g, &window)).unwrap().pose.unwrap().element))
            .collect();
        assert_eq!(poses.len(), shifts.len(), "{:?}: {poses:?}", grid.gridded);
    }
}

/// Condition 1 where `G_x` is more than the identity: which of its coset is the pose, nothing can say, so there is none.
#[test]
fn symmetric_windows_have_a_typed_outcome() {
    for grid in GRIDS.iter().chain(&*SIGNALS) {
        let wanted = match grid.gridded.poses {
            [] => continue,
            [GroupName::So2 | GroupName::Shift] => Degenerate::Vanishing,
            _ => Degenerate::Tied,
        };
        for (what, window) in symmetric(grid) {
            let all = elements(grid.gridded);
            let stabilizer: Vec<Element> = all.iter().copied().filter(|&g| grid.act(g, &window) == window).collect();
            assert!(stabilizer.len() > 1, "{what} has no symmetry");
            let upright = grid.run(&window);
            for &g in &all {
                let of_moved = grid.act(g, &window);
                match grid.run(&of_moved) {
                    Err(why) => assert_eq!(why, wanted, "{:?}, {what}", grid.gridded),
                    // Waves over an odd number of samples, rounded, do not cancel: then any pose of the coset is right.
                    Ok(found) => {
                        assert!(grid.gridded == signal(PERIODS[1]), "{:?}, {what}: {:?}", grid.gridded, found.pose);
                        let Pose { element, confidence } = found.pose.unwrap();
                        assert!(confidence.is_finite());
                        for &s in &stabilizer {
                            assert_eq!(grid.undo(product(element, s).unwrap(), &of_moved), found.canonical, "{what}");
                        }
                        assert_eq!(Some(found.canonical), upright.clone().ok().map(|found| found.canonical), "{what}");
                    }
                }
            }
        }
    }
}

/// Windows that some of the group leaves as they are.
fn symmetric(grid: &Grid) -> Vec<(&'static str, Vec<i16>)> {
    let [rows, columns] = grid.gridded.sides;
    let of = |at: &dyn Fn(usize, usize) -> i32| -> Vec<i16> {
        (0..rows * columns).map(|place| at(place / columns, place % columns) as i16).collect()
    };
    let constant = ("a constant", of(&|_, _| 100));
    if grid.gridded.is_image() {
        // From the middle, in half pixels.
        let middle = |place: usize| 2 * place as i32 + 1 - rows as i32;
        let within = |inside: bool| if inside { 200 } else { 0 };
        let reach = rows as i32 / 2;
        let generic = generic(grid.gridded);
        let half = grid.act(elements(grid.gridded)[2], &generic);
        let both = generic.iter().zip(&half).map(|(a, b)| a + b).collect();
        let square = of(&|i, j| within(middle(i).abs().max(middle(j).abs()) <= reach));
        let disc = of(&|i, j| within(middle(i).pow(2) + middle(j).pow(2) <= reach.pow(2)));
        let bar = of(&|i, j| within(middle(i).abs() <= reach && middle(j).abs() <= 2));
        return vec![constant, ("a square", square), ("a disc", disc), ("a bar", bar), ("a letter S", both)];
    }
    let period = |length: usize, place: usize, other: usize| ((place % length * 83 + other * 29) % 200) as i32 - 100;
    if columns == 1 {
        let mut windows = vec![constant];
        if rows % 4 == 0 {
            windows.push(("half a period", of(&|t, _| period(rows / 2, t, 0))));
            windows.push(("a quarter of a period", of(&|t, _| period(rows / 4, t, 0))));
        }
        if rows % 3 == 0 {
            windows.push(("a third of a period", of(&|t, _| period(rows / 3, t, 0))));
        }
        return windows;
    }
    vec![
        constant,
        ("equal electrodes", of(&|t, _| period(1, 0, t))),
        ("two kinds of electrodes", of(&|t, e| period(2, e, t))),
        ("four kinds of electrodes", of(&|t, e| period(4, e, t))),
    ]
}

// ---- In f32 ---------------------------------------------------------------------------------------

/// Conditions 1 and 3 for the networks that are trained, and the loss: the reconstruction follows the window, and δ's
/// estimate of it is as good for all of an orbit.
#[test]
fn float_networks_keep_the_same_laws() {
    for grid in GRIDS.iter() {
        let window = generic(grid.gridded);
        let all = elements(grid.gridded);
        let orbit: Vec<_> = all.iter().map(|&g| grid.act(g, &window)).collect();
        let found = infer(grid, &orbit);
        let errors = errors(grid, &orbit, &found);
        let around = |index: usize, of: &[Vec<f32>]| difference(&of[index], &of[0]);
        for (index, &g) in all.iter().enumerate() {
            let mut most = around(index, &found.codes).max(around(index, &found.logits));
            if let [_] = grid.gridded.poses {
                let poses = poses(grid, &found);
                let apart = distance(poses[index], product(g, poses[0]).unwrap()).unwrap().degrees;
                assert!(apart.to_radians() <= TOLERANCE, "{:?}: {apart}", grid.gridded);
                most = most.max(around(index, &found.canonical)).max((errors[index] - errors[0]).abs());
            }
            assert!(most <= TOLERANCE_MOVED, "{:?}: {most}", grid.gridded);
        }
    }
}

/// Mean squared errors of the reconstructions, each within the disc that every turn leaves inside.
fn errors(grid: &Grid, windows: &[Vec<i16>], found: &GridInference) -> Vec<f32> {
    let [rows, columns] = grid.gridded.sides;
    let middle = |place: usize| 2 * place as i32 + 1 - rows as i32;
    let inside = |place: usize| {
        let (row, column) = (middle(place / columns), middle(place % columns));
        !grid.gridded.is_image() || row.pow(2) + column.pow(2) <= (rows as i32 - 1).pow(2)
    };
    let error = |(window, estimate): (&Vec<i16>, &Vec<f32>)| {
        let squares = (0..window.len())
            .filter(|&place| inside(place))
            .map(|place| (estimate[place] - f32::from(window[place]) / grid.recipe.data.scale).powi(2));
        squares.clone().sum::<f32>() / squares.count() as f32
    };
    windows.iter().zip(&found.reconstructions).map(error).collect()
}

/// Conditions 1 and 2 between the quarters, where equivariance is learned, and the loss.
#[test]
fn a_smooth_image_that_turns_round_once_takes_its_pose_round_once() {
    let grid = digits();
    let orbit: Vec<_> = (0..24).map(|step| spots(8, TAU * step as f32 / 24.0)).collect();
    let found = infer(&grid, &orbit);
    let device: Vec<Element> = orbit.iter().map(|window| grid.run(window).unwrap().pose.unwrap().element).collect();
    for poses in [poses(&grid, &found), device] {
        let angles: Vec<f32> = poses.iter().map(planar).collect();
        let steps = || angles.iter().zip(angles.iter().cycle().skip(1)).map(|(a, b)| (b - a).rem_euclid(TAU));
        assert!((steps().sum::<f32>() - TAU).abs() <= TOLERANCE && steps().all(|step| step > 0.0), "{angles:?}");
    }
    let errors = errors(&grid, &orbit, &found);
    for error in &errors {
        assert!((error - errors[0]).abs() <= TOLERANCE_LOSS, "{errors:?}");
    }
}

/// The shipped recipe for the shipped digits, trained for a few epochs: what is exact needs no training, the rest does.
fn digits() -> Grid {
    let mut recipe = GridRecipe::load("rotated-digits-small").unwrap();
    recipe.training.epochs = 8;
    let device = backend::device("flex").unwrap();
    let grids = grid::load(&recipe.data.source, Path::new("")).unwrap();
    let posed = Posed::new(&recipe.data, &grids, &device).unwrap();
    Grid::trained(image(GroupName::So2, 8, [8, 1]), recipe, &posed)
}

fn planar(element: &Element) -> f32 {
    let Element::Planar(rotation) = element else { panic!("{element:?}") };
    rotation.angle()
}

#[test]
fn float_networks_say_numbers_of_symmetric_windows() {
    for grid in GRIDS.iter().chain(&*SIGNALS) {
        for (what, window) in symmetric(grid) {
            let found = infer(grid, &[window]);
            let all = [&found.canonical, &found.codes, &found.logits, &found.reconstructions];
            let numbers = all.into_iter().chain(&found.elements).flatten().flatten();
            assert!(numbers.chain(found.confidences.iter().flatten()).all(|number| number.is_finite()), "{what}");
            if grid.gridded.poses.len() == 1 {
                assert!(found.confidences[0][0] <= TOLERANCE, "{:?}, {what}: {:?}", grid.gridded, found.confidences);
            }
        }
    }
}

// ---- From one to the other ------------------------------------------------------------------------

#[test]
fn the_plain_networks_are_the_trained_ones() {
    let others: Vec<Grid> = OTHERS.iter().map(|gridded| gridded.grid(5)).collect();
    for grid in GRIDS.iter().chain(&*SIGNALS).chain(&others) {
        let network = extract_grid(&grid.model);
        let windows = [generic(grid.gridded), grid.act(elements(grid.gridded)[1], &generic(grid.gridded))];
        let x =
            tensor(&windows, grid.gridded.extent(), 1.0 / grid.recipe.data.scale, &backend::device("flex").unwrap());
        let forward = grid.model.forward(x);
        let [codes, logits] = [forward.code, forward.logits.unwrap()].map(rows);
        let canonical = rows(forward.canonical.flatten::<2>(1, 3));
        for index in 0..windows.len() {
            for (step, pose) in network.poses.iter().enumerate() {
                let input = &rows(forward.inputs[step].clone().flatten::<2>(1, 3))[index];
                let found = pose.numbers(&pose.stack.run(input, &mut |_, _| ()));
                let [high, wide, _] = pose.stack.output();
                // Sums, where the trained network has means.
                let places = match pose.group {
                    GroupName::So2 | GroupName::O2 => high * wide,
                    GroupName::C4 => high * wide * grid.gridded.turns[0] / 4,
                    GroupName::Ring => high,
                    GroupName::Shift => grid.gridded.sides[0],
                    GroupName::T2 => 1,
                };
                let found: Vec<f32> = found.into_iter().map(|sum| sum / places as f32).collect();
                let expected = &rows(forward.numbers[step].clone())[index];
                let apart = difference(&found, &expected[..found.len()]);
                assert!(apart <= TOLERANCE, "{:?}, ψ: {apart}", grid.gridded);
            }
            let code = network.eta.run(&canonical[index], &mut |_, _| ());
            let apart = difference(&code, &codes[index]);
            assert!(apart <= TOLERANCE, "{:?}, η: {apart}", grid.gridded);
            let found = network.classifier.as_ref().unwrap().run(&code, &mut |_, _| ());
            let apart = difference(&found, &logits[index]);
            assert!(apart <= TOLERANCE, "{:?}, classifier: {apart}", grid.gridded);
        }
    }
}
