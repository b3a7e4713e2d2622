//! Class codes on the device: what a package with them says, what the loader demands of it, and that emulated processors say
//! the same.

use gimbal_core::format::{Dtype, Operator, Role};
use gimbal_core::{Error, Model, Outcome, Session};
use gimbal_tests::Loose;
use gimbal_train::data::labelled::LabelledSet;
use gimbal_train::data::{grid, wrist};
use gimbal_train::evaluate::device::Device;
use gimbal_train::evaluate::metrics::{area, largest};
use gimbal_train::method::EquivaeModel;
use gimbal_train::pipeline::equivae::package_equivae;
use gimbal_train::recipe::equivae::EquivaeRecipe;
use gimbal_train::simulate::{Bin, Missing, Target, Vectors, simulate};
use std::path::Path;

/// Samples that are compared.
const SOME: usize = 60;
/// How far an integer v may be from the float one, part of the range of all, 95th percentile: what the issue asks for.
const V: f32 = 0.02;
/// How far an integer score may be from the float one, part of it, median.
const SCORE: f32 = 0.05;

/// Fresh networks of a recipe, their package, and samples.
struct Fresh {
    set: LabelledSet,
    model: EquivaeModel,
    table: Vec<Vec<f32>>,
    package: Vec<u8>,
}

fn fresh(name: &str, change: impl Fn(&mut EquivaeRecipe)) -> Fresh {
    let device = gimbal_train::backend::device(gimbal_train::backend::NAMES[0]).unwrap();
    let mut recipe = EquivaeRecipe::load(name).unwrap();
    recipe.canonicalizer = None;
    change(&mut recipe);
    let set = match recipe.data.is_recorded() {
        true => LabelledSet::of_recordings(&recipe.data, &wrist::load().unwrap()).unwrap(),
        false => {
            let digits = grid::load("digits", Path::new("")).unwrap();
            LabelledSet::of_grids(&recipe.data, &digits, &device).unwrap()
        }
    };
    let model = EquivaeModel::new(&recipe, set.extent, set.classes.len(), &device).unwrap();
    let table = model.table(&set, &device);
    let package = package_equivae(name, &recipe, &set, &model, &table, None).unwrap();
    Fresh { set, model, table, package }
}

#[test]
fn integers_say_what_the_float_networks_say() {
    let device = gimbal_train::backend::device(gimbal_train::backend::NAMES[0]).unwrap();
    for name in ["equivae-small", "equivae-wrist"] {
        let Fresh { set, model, table, package } = fresh(name, |_| ());
        let float = model.infer(&set.test[..SOME], &set, &table, &device);
        let mut core = Device::new(&package).unwrap();
        let range = float.within.iter().flatten().fold(0.0f32, |most, v| most.max(v.abs())) * 2.0;
        let (mut apart, mut scores, mut same) = (Vec::new(), Vec::new(), 0);
        for (index, sample) in set.test[..SOME].iter().enumerate() {
            let reading = core.read(&sample.counts).unwrap();
            if reading.class != largest(&float.logits[index]) {
                continue;
            }
            same += 1;
            assert_eq!(reading.within.len(), float.within[index].len());
            apart.extend(reading.within.iter().zip(&float.within[index]).map(|(a, b)| (a - b).abs() / range));
            scores.push((reading.score.unwrap() / float.scores[index] - 1.0).abs());
        }
        // Fresh networks hardly prefer a class.
        assert!(same > SOME / 2, "{name}: {same}");
        let percentile = |mut numbers: Vec<f32>, part: f32| {
            numbers.sort_by(f32::total_cmp);
            numbers[(part * (numbers.len() - 1) as f32) as usize]
        };
        let (v, score) = (percentile(apart, 0.95), percentile(scores, 0.5));
        assert!(v < V && score < SCORE, "{name}: {v} {score}");
    }
}

/// Samples of noise are strange to networks that know nothing, too: their pixels are larger.
#[test]
fn a_score_grows_with_what_is_not_expected() {
    let Fresh { set, package, .. } = fresh("equivae-small", |_| ());
    let mut core = Device::new(&package).unwrap();
    let mut scores = |samples: Vec<Vec<i16>>| -> Vec<f32> {
        samples.iter().filter_map(|sample| core.read(sample).unwrap().score).collect()
    };
    let half = |sample: &[i16]| vec![128i16; sample.len()];
    let usual: Vec<Vec<i16>> = set.test[..SOME].iter().map(|sample| half(&sample.counts)).collect();
    let strange = set.test[..SOME].iter().map(|sample| sample.counts.iter().map(|&count| 255 - count).collect());
    assert!(area(&scores(usual), &scores(strange.collect())) > 0.95);
}

/// The code of the most likely class is looked up, and that of no other.
#[test]
fn v_depends_on_the_code_of_its_class_alone() {
    let Fresh { set, table, package, .. } = fresh("equivae-small", |_| ());
    let (window, size) = (&set.test[0].counts, table[0].len());
    let right = Device::new(&package).unwrap().read(window).unwrap();
    let class = right.class.unwrap();
    for changed in 0..table.len() {
        let mut loose = Loose::of(&package);
        let lookup = loose.operators.iter().find_map(|operator| match operator {
            Operator::Lookup(lookup) => Some(*lookup),
            _ => None,
        });
        let row = lookup.unwrap().table as usize + changed * size;
        loose.blob[row..row + size].iter_mut().for_each(|byte| *byte ^= 0x40);
        let package = loose.assemble();
        let found = Device::new(&package).unwrap().read(window).unwrap();
        assert_eq!(found.class, Some(class));
        assert_eq!(found.within != right.within, changed == class, "{changed}");
    }
}

#[test]
fn what_a_package_does_not_have_is_not_said() {
    let of = |change: fn(&mut EquivaeRecipe)| {
        let Fresh { set, package, .. } = fresh("equivae-small", change);
        let model = Model::from_bytes(&package).unwrap();
        let roles: Vec<Role> = model.networks().iter().map(|network| network.role).collect();
        let mut arena = vec![0; model.arena_len() / 4];
        let mut session = Session::new(model, &mut arena).unwrap();
        let Outcome::Encoded(found) = session.run(&set.test[0].counts).unwrap() else { panic!("there is no ψ") };
        assert!(found.logits.is_some() && found.code.is_none() && found.wide_code().is_none());
        (roles, found.within().is_some(), found.anomaly().is_some())
    };
    use gimbal_train::recipe::equivae::EquivaeMethod;
    let all = [Role::Classifier, Role::Within, Role::Anomaly];
    assert_eq!(of(|_| ()), (all.to_vec(), true, true));
    assert_eq!(of(|recipe| recipe.method = EquivaeMethod::M2), (all.to_vec(), true, true));
    assert_eq!(of(|recipe| recipe.decoder.exported = false), (all[..2].to_vec(), true, false));
    assert_eq!(of(|recipe| recipe.method = EquivaeMethod::Plain), (all[..1].to_vec(), false, false));
}

#[test]
fn results_of_another_kind_are_refused() {
    let Fresh { package, .. } = fresh("equivae-small", |_| ());
    let after = |change: fn(&mut Loose)| {
        let mut loose = Loose::of(&package);
        change(&mut loose);
        Model::from_bytes(&loose.assemble()).map(|_| ())
    };
    assert_eq!(after(|_| ()), Ok(()));
    let refused = Err(Error::Descriptor);
    assert_eq!(after(|p| p.networks.swap(0, 1)), refused, "in another order");
    assert_eq!(after(|p| p.networks[1].role = Role::Classifier), refused, "two of a kind");
    assert_eq!(after(|p| p.networks[2].output = p.networks[1].output), refused, "a score of eight bits");
    assert_eq!(after(|p| p.networks[1].output = p.networks[2].output), refused, "v of 32 bits");
    let early = |p: &mut Loose| {
        let id = usize::from(p.networks[1].output);
        p.tensors[id].last -= 1;
    };
    assert_eq!(after(early), refused, "v does not outlive the run");
    // Two of them: the scratch between is as large as the difference, so another tensor is made of the score.
    let many = |p: &mut Loose| {
        let id = usize::from(p.networks[2].output);
        assert_eq!((p.tensors[id].dtype, p.tensors[id].shape), (Dtype::I32, [1, 1, 1]));
        p.tensors[id].dtype = Dtype::I16;
    };
    assert!(after(many).is_err(), "a score of sixteen bits");
}

/// The same bits on processors that QEMU emulates: compared by `golden`, and by the program that shows them.
#[test]
fn emulated_processors_say_the_same() {
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("firmware-example");
    for (name, target) in
        [("equivae-small", Target::M4), ("equivae-small", Target::Rv32), ("equivae-wrist", Target::M0)]
    {
        let Fresh { set, package, .. } = fresh(name, |_| ());
        let windows: Vec<Vec<i16>> = set.test.iter().step_by(30).take(6).map(|sample| sample.counts.clone()).collect();
        let vectors = Vectors::compute(&package, &windows).unwrap();
        for bin in [Bin::Golden, Bin::Classes] {
            let mut lines = Vec::new();
            match simulate(&package, &vectors, target, bin, &firmware, &mut |line| lines.push(line.to_owned())) {
                Ok(simulation) => assert!(simulation.success, "{name} on {target}: {lines:#?}"),
                Err(error) if error.is::<Missing>() => eprintln!("skipped: {error}"),
                Err(error) => panic!("{name} on {target}: {error:#}"),
            }
            if bin == Bin::Classes && !lines.is_empty() {
                assert!(lines.iter().any(|line| line.contains("anomaly score")), "{lines:#?}");
            }
        }
    }
}
