//! The loop's promises, on tiny networks.

use super::*;
use crate::data::{CHANNELS, Dataset, Recording};
use crate::method::{Model, batch};
use crate::recipe::{Recipe, Stack};
use burn::module::{ModuleVisitor, Param};

fn recipe() -> Recipe {
    let mut recipe = Recipe::load("wrist").unwrap();
    let stack = |channels: [usize; 2]| Stack { channels: channels.to_vec(), kernels: vec![3, 3], strides: vec![2, 2] };
    (recipe.data.window, recipe.data.hop) = (16, 8);
    (recipe.model.psi, recipe.model.eta) = (stack([3, 4]), stack([5, 6]));
    (recipe.model.code, recipe.model.decoder.channels) = (4, vec![6, 5]);
    (recipe.training.epochs, recipe.training.batch) = (4, 8);
    recipe
}

/// Two kinds of motion that a tiny network can tell apart.
fn dataset() -> Dataset {
    let recording = |subject: u8, label: usize| {
        let sample = |t: i32| {
            let beat = (t * if label == 0 { 900 } else { 250 } % 2000 - 1000) as i16;
            let tilt = i16::from(subject) * 100;
            [2000, beat / 2, tilt, beat, 300, -beat / 3]
        };
        Recording { subject, label, side: 0, counts: (0..80).map(sample).collect::<Vec<[i16; CHANNELS]>>() }
    };
    Dataset {
        recordings: (1..=8).flat_map(|s| [recording(s, 0), recording(s, 1)]).collect(),
        units_per_count: [1.0 / 2048.0, 1.0 / 512.0],
        rate_hz: 50.0,
        classes: vec!["fast".into(), "slow".into()],
    }
}

fn device() -> Device {
    crate::backend::device(crate::backend::NAMES[0]).unwrap()
}

/// Every number of the model, running statistics included, as bits.
fn bits(model: &Model) -> Vec<u32> {
    struct Bits(Vec<u32>);
    impl ModuleVisitor for Bits {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let numbers = param.val().into_data().try_to_vec::<f32>().unwrap();
            self.0.extend(numbers.iter().map(|x| x.to_bits()));
        }
    }
    let mut bits = Bits(Vec::new());
    model.visit(&mut bits);
    bits.0
}

fn run(directory: &Path, resume: bool, recipe: &Recipe) -> Result<Trained<Model>, TrainError> {
    let (go, set) = (AtomicBool::new(false), dataset());
    train(&WindowTask::new(recipe, &set)?, &device(), directory, resume, &go)
}

#[test]
fn a_seed_decides_the_weights_and_another_seed_changes_them() {
    let folder = tempfile::tempdir().unwrap();
    let weights = |recipe: &Recipe| bits(&run(folder.path(), false, recipe).unwrap().model);
    let mut recipe = recipe();
    let first = weights(&recipe);
    assert!(first == weights(&recipe));
    recipe.training.seed += 1;
    assert!(first != weights(&recipe));
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    let recipe = recipe();
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let expected = run(&whole, false, &recipe).unwrap();
    // Two epochs by hand, under the whole run's schedule, as an interrupt would leave them.
    let (set, go) = (dataset(), AtomicBool::new(false));
    let task = WindowTask::new(&recipe, &set).unwrap();
    let plain = device();
    let device = plain.clone().autodiff();
    let mut state = State::fresh(&task, &device);
    for index in 0..2 {
        let (next, mean) = epoch(state, &task, index, &device, &go).unwrap();
        state = next;
        state.history.push(mean);
    }
    Checkpoint::save(&cut, task.recipe(), &state).unwrap();
    let resumed = run(&cut, true, &recipe).unwrap();
    assert_eq!(resumed.history, expected.history);
    assert!(bits(&resumed.model) == bits(&expected.model));
    let loaded = load(&task, &cut, &plain).unwrap();
    assert!(bits(&loaded.model) == bits(&expected.model));
}

#[test]
fn an_interrupt_keeps_what_was_finished() {
    let recipe = recipe();
    let folder = tempfile::tempdir().unwrap();
    let (stop, set) = (AtomicBool::new(true), dataset());
    let task = WindowTask::new(&recipe, &set).unwrap();
    let error = train(&task, &device(), folder.path(), false, &stop).unwrap_err();
    assert!(matches!(error, TrainError::Interrupted { epoch: 0, epochs: 4 }), "{error}");
    assert!(run(folder.path(), true, &recipe).is_ok());
}

#[test]
fn training_lowers_the_loss() {
    let mut recipe = recipe();
    recipe.training.epochs = 12;
    let folder = tempfile::tempdir().unwrap();
    let history = run(folder.path(), false, &recipe).unwrap().history;
    assert!(history[11].loss < 0.8 * history[0].loss, "{history:?}");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run() {
    let mut recipe = recipe();
    recipe.training.learning_rate = 1e30;
    let folder = tempfile::tempdir().unwrap();
    let error = run(folder.path(), false, &recipe).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_refused_and_a_half_written_one_is_ignored() {
    let recipe = recipe();
    let folder = tempfile::tempdir().unwrap();
    let file = checkpoint::path(folder.path());
    run(folder.path(), false, &recipe).unwrap();
    // What a crash while writing leaves beside the last good one.
    std::fs::write(file.with_file_name(".tmpAbCdEf"), b"half").unwrap();
    assert!(run(folder.path(), true, &recipe).is_ok());
    let mut other = recipe.clone();
    other.training.weight_decay += 0.5;
    let error = run(folder.path(), true, &other).unwrap_err();
    assert!(matches!(error, TrainError::Checkpoint(CheckpointError::OtherRecipe { .. })));
    let good = std::fs::read(&file).unwrap();
    for (at, bytes) in [(good.len() / 2, &good[..]), (0, &good[..good.len() / 3]), (0, &[])] {
        let mut bytes = bytes.to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1;
        }
        std::fs::write(&file, bytes).unwrap();
        let error = run(folder.path(), true, &recipe).unwrap_err();
        assert!(matches!(error, TrainError::Checkpoint(CheckpointError::Damaged { .. })));
    }
}

#[test]
fn windows_stand_upright_in_the_mean_and_only_what_is_behind_the_pose_learns_on() {
    let recipe = recipe();
    let folder = tempfile::tempdir().unwrap();
    let (set, go) = (dataset(), AtomicBool::new(false));
    let task = WindowTask::new(&recipe, &set).unwrap();
    let trained = run(folder.path(), false, &recipe).unwrap();
    let windows: Vec<Vec<i16>> = set.recordings.iter().map(|of| of.counts[..16].concat()).collect();
    let units = batch::units(&recipe, &set);
    let poses = |model: &Model| model.infer(&windows, units, &device()).rotations;
    let before = poses(&trained.model);
    let aligned = align(&task, trained, &windows, &device(), folder.path(), &go).unwrap();
    // Turned from the right by one rotation, the mean of which is the identity.
    let after = poses(&aligned.model);
    assert_eq!((aligned.history.len(), after.len()), (8, before.len()));
    let [w, ..] = mean::of_rotations(&after).unwrap();
    assert!(2.0 * w.min(1.0).acos() < 1e-2, "{w}");
    let [w, ..] = mean::of_rotations(&before).unwrap();
    assert!(2.0 * w.min(1.0).acos() > 0.1, "upright by chance: {w}");
    let mut mirrored = recipe.clone();
    mirrored.model.pose = crate::recipe::Pose::GravityMirror;
    mirrored.model.psi.channels = vec![4, 4];
    let task = WindowTask::new(&mirrored, &set).unwrap();
    let trained = Trained { model: task.fresh(&device()), history: Vec::new() };
    let error = align(&task, trained, &windows, &device(), folder.path(), &go).unwrap_err();
    assert!(matches!(error, TrainError::NoMean), "{error}");
}
