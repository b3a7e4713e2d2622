//! The same road for sets.

use super::costs;
use crate::data::sets::Sets;
use crate::evaluate::device::Device as Core;
use crate::evaluate::set_device::{SetDecoded, SetEvaluation, evaluate_set};
use crate::method::SetModel;
use crate::package::{Contract, ContractField};
use crate::quantize::{calibrate_set, extract_set, lower_set};
use crate::recipe::set::SetRecipe;
use anyhow::Result;
use burn::prelude::Device;
use gimbal_core::Model;
use gimbal_core::format::FieldKind;

/// The package of a trained model.
pub fn package_set(name: &str, recipe: &SetRecipe, sets: &Sets, model: &SetModel) -> Result<Vec<u8>> {
    let network = extract_set(model);
    let step = (sets.reference.len() / recipe.quantize.calibration_windows).max(1);
    let calibration: Vec<Vec<f32>> =
        sets.reference.iter().step_by(step).map(|set| sets.numbers(&set.counts, recipe.data.scale)).collect();
    let ranges = calibrate_set(&network, calibration.iter().map(Vec::as_slice));
    let [least, most] = sets.elements;
    let contract = Contract {
        name: name.into(),
        // Sets come as they come.
        rate_hz: 1.0,
        samples: most,
        hop: most,
        fields: fields(sets),
        classes: if network.classifier.is_some() { sets.classes.clone() } else { Vec::new() },
    };
    let unit = sets.per_count / recipe.data.scale;
    let mut parts = lower_set(&network, &ranges, contract, least, unit, recipe.quantize.features.dtype())?;
    parts.fast_len = recipe.quantize.fast_arena_bytes;
    Ok(parts.encode()?)
}

fn fields(sets: &Sets) -> Vec<ContractField> {
    let field = |name: &str, per_count, kind, width| ContractField {
        name: name.into(),
        unit: String::new(),
        per_count,
        kind,
        width,
    };
    let place = sets.points.then(|| field("place", sets.per_count, FieldKind::Point, 3));
    let types = (sets.types > 0).then(|| field("type", 1.0, FieldKind::Scalar, sets.types));
    place.into_iter().chain(types).collect()
}

/// A package's figures and the readings behind them.
#[derive(Clone, Debug)]
pub struct SetMeasured {
    /// Name and value, in the order in which they are printed.
    pub metrics: Vec<(String, f64)>,
    /// The readings.
    pub evaluation: SetEvaluation,
    /// What a float decoder makes of them, if there is one.
    pub decoded: Option<SetDecoded>,
}

/// Measures a package through core, with what a float decoder makes of its codes if there is one.
pub fn measure_set(
    package: &[u8],
    sets: &Sets,
    float: Option<(&SetModel, &SetRecipe, &Device)>,
) -> Result<SetMeasured> {
    let mut core = Core::new(package)?;
    let evaluation = evaluate_set(&mut core, sets)?;
    let mut metrics = evaluation.figures(&core, sets);
    let decoded = float.map(|(model, recipe, device)| {
        let decoded = SetDecoded::new(model, &evaluation, device);
        metrics.extend(decoded.figures(recipe, sets, &evaluation));
        decoded
    });
    metrics.extend(costs(core.model(), package));
    Ok(SetMeasured { metrics, evaluation, decoded })
}

/// Whether a package takes such sets.
pub fn takes(model: &Model<'_>, sets: &Sets) -> bool {
    let [least, most] = sets.elements;
    let inside = usize::from(model.least()) <= least && most <= model.input().samples.into();
    inside
        && ContractField::of(model)
            .iter()
            .map(|f| (f.kind, f.width, f.per_count))
            .eq(fields(sets).iter().map(|f| (f.kind, f.width, f.per_count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::generate::Drawn;
    use crate::data::generate::molecules::testing as molecules;
    use crate::data::sets::Set;
    use crate::evaluate::device::Reading;
    use crate::evaluate::metrics::percentile;
    use crate::nn::testing::device;
    use crate::quantize::set_stack::SetOutputs;
    use crate::recipe::set::{SetPooling, SetSource};
    use gimbal_core::group::{Degenerate, Element};
    use rand::SeedableRng;
    use rand::seq::SliceRandom;
    use rand_chacha::ChaCha8Rng;

    /// Between f32 and f32, of numbers of order 1 after several layers.
    const FLOAT: f32 = 1e-3;
    /// Between int8 and f32: the largest difference of a code's number, as a share of the range of all, of the median set.
    const CODE: f64 = 0.1;
    /// Between ψ in integers and in f32, of the median of the surest sets. The vectors of fresh networks nearly cancel out over
    /// the points of a solid; trained ones are measured by the figures.
    const DEGREES: f64 = 10.0;

    /// Behind the name of one recipe, that η reads the elements in their order, in int8.
    const IN_ORDER: &str = " in order";
    const RECIPES: [(&str, [usize; 2]); 5] = [
        ("digit-sets", [2, 20]),
        ("digit-sets in order", [2, 20]),
        ("tetris", [4, 4]),
        ("solids", [5, 24]),
        ("molecules", [3, 12]),
    ];

    struct Case {
        recipe: SetRecipe,
        sets: Sets,
        model: SetModel,
        package: Vec<u8>,
    }

    fn case((name, elements): (&str, [usize; 2])) -> Case {
        let mut recipe = SetRecipe::load(name.trim_end_matches(IN_ORDER)).unwrap();
        if name.ends_with(IN_ORDER) {
            recipe.eta.pool = SetPooling::Concatenate;
        }
        recipe.data.elements = elements;
        (recipe.data.test, recipe.data.train, recipe.training.batch) = (40, 1000, 4);
        let sets = match recipe.data.source {
            SetSource::Molecules => molecules::sets(&recipe.data),
            _ => Sets::new(&recipe.data),
        };
        let model = SetModel::new(&recipe, &sets, &device());
        let package = package_set(name, &recipe, &sets, &model).unwrap();
        Case { recipe, sets, model, package }
    }

    fn plain(case: &Case, set: &Set) -> SetOutputs {
        extract_set(&case.model).run(&case.sets.numbers(&set.counts, case.recipe.data.scale), &mut |_, _| ())
    }

    fn apart(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn the_plain_networks_compute_what_was_trained() {
        for name in RECIPES {
            let case = case(name);
            let found = case.model.infer(&case.sets, &case.sets.test, case.recipe.data.scale, &device());
            for (i, set) in case.sets.test.iter().enumerate() {
                let plain = plain(&case, set);
                assert!(apart(&plain.code, &found.codes[i]) < FLOAT, "{name:?}");
                if let Some(rotation) = plain.rotation {
                    assert!(apart(rotation.as_flattened(), &found.rotations[i]) < FLOAT, "{name:?}");
                }
                if case.recipe.order.is_some() {
                    assert!(apart(&plain.scores, &found.scores[i]) < FLOAT, "{name:?}");
                }
            }
        }
    }

    /// Of most sets: fresh networks give symmetric forms no pose, or an unsure one that rounding turns further. So poses are
    /// looked at where they are surest.
    #[test]
    fn the_device_computes_nearly_that() {
        for name in RECIPES {
            let case = case(name);
            let mut core = Core::new(&case.package).unwrap();
            let plain: Vec<SetOutputs> = case.sets.test.iter().map(|set| plain(&case, set)).collect();
            let numbers = || plain.iter().flat_map(|plain| plain.code.iter().copied());
            let range = numbers().fold(f32::MIN, f32::max) - numbers().fold(f32::MAX, f32::min);
            let (mut codes, mut degrees) = (Vec::new(), Vec::new());
            for (set, plain) in case.sets.test.iter().zip(&plain) {
                let reading = core.read(&set.counts).unwrap();
                if reading.degenerate.is_some() {
                    continue;
                }
                codes.push(apart(&plain.code, &reading.code) / range);
                if let (Some(rows), Some(pose)) = (plain.rotation, reading.pose) {
                    let Element::RigidMotion3(motion) = pose.element else { panic!("{name:?}: no rigid motion") };
                    let found = motion.acting.rows();
                    let chord = rows.as_flattened().iter().zip(found.as_flattened()).map(|(a, b)| (a - b).powi(2));
                    let degrees_of = 2.0 * (chord.sum::<f32>() / 8.0).sqrt().min(1.0).asin().to_degrees();
                    degrees.push((pose.confidence, degrees_of));
                }
            }
            assert!(codes.len() > case.sets.test.len() / 2, "{name:?}: {} of them have a pose", codes.len());
            let median = percentile(&codes, 0.5);
            assert!(median < CODE, "{name:?}: {median}");
            degrees.sort_by(|(a, _), (b, _)| b.total_cmp(a));
            let sure: Vec<f32> = degrees.iter().take(degrees.len() / 4).map(|(_, degrees)| *degrees).collect();
            let median = percentile(&sure, 0.5);
            assert!(sure.is_empty() || median < DEGREES, "{name:?}: {median}");
        }
    }

    /// Bit for bit, at every size, and what stands at a place of the canonical order is the same.
    #[test]
    fn codes_of_permuted_sets_are_equal() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for name in RECIPES {
            let case = case(name);
            let mut core = Core::new(&case.package).unwrap();
            let channels = case.sets.channels();
            for elements in name.1[0]..=name.1[1] {
                let set = case.sets.draw(elements, &mut rng);
                let mut rows: Vec<&[i16]> = set.counts.chunks_exact(channels).collect();
                let first = core.read(&set.counts).unwrap();
                rows.shuffle(&mut rng);
                let second = core.read(&rows.concat()).unwrap();
                assert_eq!((&first.code, first.pose, first.degenerate), (&second.code, second.pose, second.degenerate));
                assert_eq!((first.class, &first.gaps), (second.class, &second.gaps), "{name:?}");
                let sorted = |reading: &Reading| {
                    let row = |place: &i16| reading.canonical[*place as usize * channels..][..channels].to_vec();
                    reading.order.iter().flat_map(row).collect::<Vec<_>>()
                };
                assert_eq!(sorted(&first), sorted(&second), "{name:?}");
                assert_eq!(first.order.len(), if case.recipe.order.is_some() { elements } else { 0 });
            }
        }
    }

    /// Bit for bit: the mean is exact.
    #[test]
    fn whole_translations_move_the_pose_and_nothing_else() {
        for name in &RECIPES[2..] {
            let case = case(*name);
            let mut core = Core::new(&case.package).unwrap();
            for set in &case.sets.test {
                let by = [-731i16, 40, 1200];
                let channels = case.sets.channels();
                let by_channel = |i: usize| by.get(i % channels).copied().unwrap_or(0);
                let moved: Vec<i16> = set.counts.iter().enumerate().map(|(i, x)| x + by_channel(i)).collect();
                let (first, second) = (core.read(&set.counts).unwrap(), core.read(&moved).unwrap());
                assert_eq!((&first.code, &first.canonical), (&second.code, &second.canonical));
                assert_eq!((&first.order, &first.gaps), (&second.order, &second.gaps));
                assert_eq!(first.degenerate, second.degenerate);
                let motion = |reading: &Reading| match reading.pose?.element {
                    Element::RigidMotion3(motion) => Some(motion),
                    other => panic!("{other:?}"),
                };
                // Fresh networks give symmetric forms none.
                let (Some(a), Some(b)) = (motion(&first), motion(&second)) else { continue };
                assert_eq!(a.acting, b.acting);
                let there = std::array::from_fn(|i| a.normal.vector()[i] + f32::from(by[i]));
                assert_eq!(b.normal.vector(), there);
            }
        }
    }

    #[test]
    fn points_at_one_place_have_no_pose() {
        let case = case(RECIPES[3]);
        let mut core = Core::new(&case.package).unwrap();
        let reading = core.read(&[[5, -7, 9]; 8].concat()).unwrap();
        assert!(reading.degenerate.is_some() && reading.pose.is_none());
        assert!(core.read(&[1; 3 * 4]).is_err() && core.read(&[1; 3 * 25]).is_err(), "too few and too many elements");
    }

    /// The counts of a molecule, turned as a matrix of whole numbers says, and with its atoms in another order.
    fn counts(drawn: &Drawn, turn: [[i16; 3]; 3], order: &[usize]) -> Vec<i16> {
        let row = |&atom: &usize| {
            let place = drawn.points[atom].map(|side| (1000.0 * side).round() as i16);
            let turned = turn.map(|row| row.iter().zip(place).map(|(a, b)| a * b).sum());
            let mut kinds = [0; 5];
            kinds[drawn.types[atom]] = 1;
            turned.into_iter().chain(kinds).collect::<Vec<i16>>()
        };
        order.iter().flat_map(row).collect()
    }

    /// What turns methane, or a ring of four, into itself would have to leave both vectors of its pose, so they vanish; on a
    /// line both lie along it. Types do not help: what is turned into one another is of one type. The device says so in any
    /// order of the atoms.
    #[test]
    fn symmetric_molecules_have_no_pose_and_say_why() {
        let case = case(("molecules", [3, 12]));
        let mut core = Core::new(&case.package).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        const UPRIGHT: [[i16; 3]; 3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
        const ON_ITS_SIDE: [[i16; 3]; 3] = [[0, 0, 1], [1, 0, 0], [0, 1, 0]];
        for (drawn, why) in [
            (molecules::methane(), Degenerate::Vanishing),
            (molecules::ring(), Degenerate::Vanishing),
            (molecules::line(), Degenerate::Parallel),
        ] {
            let mut order: Vec<usize> = (0..drawn.points.len()).collect();
            for turn in [UPRIGHT, ON_ITS_SIDE] {
                for _ in 0..4 {
                    let reading = core.read(&counts(&drawn, turn, &order)).unwrap();
                    assert_eq!((reading.degenerate, reading.pose), (Some(why), None), "{drawn:?}");
                    order.shuffle(&mut rng);
                }
            }
        }
        let bent = molecules::bent(1.0);
        assert!(core.read(&counts(&bent, UPRIGHT, &[0, 1, 2])).unwrap().pose.is_some());
    }

    /// Turned and rounded to counts, methane has a pose that rounding decided, by the ranks of its hydrogen atoms. Even so
    /// the order of its atoms changes no bit.
    #[test]
    fn codes_of_a_nearly_symmetric_molecule_do_not_depend_on_the_order() {
        let case = case(("molecules", [3, 12]));
        let mut core = Core::new(&case.package).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let methane = Set {
            counts: counts(&molecules::methane(), [[1, 0, 0], [0, 1, 0], [0, 0, 1]], &[0, 1, 2, 3, 4]),
            label: 0,
        };
        let mut posed = 0;
        for _ in 0..10 {
            let mut by = case.sets.random_move(5, &mut rng);
            let first = core.read(&case.sets.moved(&methane, &by).counts).unwrap();
            posed += usize::from(first.pose.is_some());
            for _ in 0..4 {
                by.order.shuffle(&mut rng);
                let second = core.read(&case.sets.moved(&methane, &by).counts).unwrap();
                assert_eq!((&first.code, first.pose, first.degenerate), (&second.code, second.pose, second.degenerate));
            }
        }
        assert!(posed > 0);
    }

    #[test]
    fn what_depends_on_the_order_is_not_packaged() {
        let mut recipe = SetRecipe::load("digit-sets").unwrap();
        (recipe.eta.pool, recipe.order) = (SetPooling::Concatenate, None);
        (recipe.data.test, recipe.data.train, recipe.training.batch) = (4, 16, 4);
        let sets = Sets::new(&recipe.data);
        let model = SetModel::new(&recipe, &sets, &device());
        let error = package_set("classical", &recipe, &sets, &model).unwrap_err().to_string();
        assert!(error.contains("order"), "{error}");
    }
}
