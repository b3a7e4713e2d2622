//! The laws of networks on sets, with first weights: what holds by construction holds for any.

use super::*;
use crate::data::generate::molecules::testing as molecules;
use crate::data::sets::Sets;
use crate::nn::testing::*;
use crate::recipe::set::{SetPooling, SetRecipe};
use burn::prelude::*;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Largest absolute difference that f32 rounding may cause between features of order 1 after several layers.
const LAW: f32 = 1e-4;
/// A vector shorter than this has no direction.
const NOTHING: f32 = 1e-6;

fn recipe(name: &str) -> SetRecipe {
    let mut recipe = SetRecipe::load(name).unwrap();
    (recipe.data.test, recipe.data.train, recipe.training.batch) = (4, 4, 4);
    recipe.loss.class = 0.0;
    recipe
}

fn model(recipe: &SetRecipe) -> (SetModel, Sets) {
    let sets = Sets::new(&recipe.data);
    (SetModel::new(recipe, &sets, &device()), sets)
}

/// Six sets of four points whose pose is sure, of many: where a vector all but vanishes or lies in another's direction, or
/// the third in the plane of the others, rounding turns the canonical set or changes its hand.
fn told(model: &SetModel, seed: u64) -> Tensor<3> {
    let device = device();
    let drawn = random(seed, [60, 4, 3], &device);
    let vectors = model.forward(drawn.clone()).vectors.unwrap();
    let column = |i| vectors.clone().narrow(2, i, 1).squeeze_dim::<2>(2);
    let length = |v: Tensor<2>| v.square().sum_dim(1).sqrt();
    let [a, b] = [column(0), column(1)];
    let normal = a.clone().cross(b.clone(), 1);
    let sine = length(normal.clone()) / (length(a.clone()) * length(b.clone()));
    let mut sureness = length(a).min_pair(length(b)).mul(sine);
    if vectors.dims()[2] == 3 {
        let c = column(2);
        sureness = sureness * (normal.clone() * c.clone()).sum_dim(1).abs() / (length(normal) * length(c));
    }
    let surest = sureness.squeeze_dim::<1>(1).argsort_descending(0).narrow(0, 0, 6);
    drawn.select(0, surest)
}

/// Rows in another order.
fn rolled(x: Tensor<3>, by: usize) -> Tensor<3> {
    let n = x.dims()[1];
    if by == 0 {
        return x;
    }
    Tensor::cat(vec![x.clone().narrow(1, n - by, by), x.narrow(1, 0, n - by)], 1)
}

/// Columns of points turned: rows times the transposed rotation.
fn turned(g: &Tensor<3>, points: Tensor<3>) -> Tensor<3> {
    points.matmul(g.clone().swap_dims(1, 2))
}

fn batch(elements: Tensor<3>) -> SetBatch {
    let [b, _, _] = elements.dims();
    let labels = Tensor::from_data(TensorData::new(vec![0; b], [b]), &elements.device());
    SetBatch { elements, labels, rng: ChaCha8Rng::seed_from_u64(0) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// ψ(g·x) = g·ψ(x), and everything behind it is equal but for the order, for g in SO(3) × S_N.
    #[test]
    fn poses_turn_and_codes_stay(seed in 0u64..1 << 32, by in 0usize..4) {
        let device = device();
        for name in ["tetris", "solids", "solids-mirror"] {
            let mut recipe = recipe(name);
            recipe.data.elements = [4, 4];
            let (model, _) = model(&recipe);
            let x = told(&model, seed);
            let g = rotations(seed + 1, 6, &device);
            let (here, there) = (model.forward(x.clone()), model.forward(rolled(turned(&g, x), by)));
            let expected = g.matmul(here.vectors.unwrap());
            prop_assert!(difference(there.vectors.unwrap(), expected) < LAW, "{name}");
            prop_assert!(difference(there.canonical, rolled(here.canonical, by)) < 30.0 * LAW, "{name}");
            prop_assert!(difference(there.code, here.code) < 30.0 * LAW, "{name}");
        }
    }

    /// The loss is the same all along an orbit.
    #[test]
    fn the_loss_does_not_see_the_pose(seed in 0u64..1 << 32, by in 0usize..4) {
        let device = device();
        for name in ["tetris", "solids", "digit-sets"] {
            let mut recipe = recipe(name);
            if name != "digit-sets" {
                recipe.data.elements = [4, 4];
            }
            if let Some(order) = &mut recipe.order {
                order.noise = 0.0;
            }
            let (model, sets) = model(&recipe);
            let (x, moved) = if sets.points {
                let x = told(&model, seed);
                let g = rotations(seed + 1, 6, &device);
                (x.clone(), rolled(turned(&g, x), by))
            } else {
                let x = sets.tensor(&sets.test, 1.0, &device);
                (x.clone(), rolled(x, by))
            };
            let loss = |x| model.loss(batch(x), &recipe).total.into_scalar::<f32>();
            prop_assert!((loss(x) - loss(moved)).abs() < 30.0 * LAW, "{name}");
        }
    }
}

/// The same where elements have types, of any size, whose networks are not normalized over the batch.
#[test]
fn poses_turn_and_codes_stay_where_there_are_types() {
    let device = device();
    let recipe = recipe("molecules");
    let sets = molecules::sets(&recipe.data);
    let model = SetModel::new(&recipe, &sets, &device);
    for elements in [3, 7, 12] {
        let g = rotations(1, 6, &device);
        let types = random(3, [6, elements, 5], &device).argmax(2).squeeze_dim::<2>(2).one_hot::<3>(5).float();
        let places = random(2, [6, elements, 3], &device);
        let x = Tensor::cat(vec![places.clone(), types.clone()], 2);
        let moved = rolled(Tensor::cat(vec![turned(&g, places), types], 2), 1);
        let (here, there) = (model.forward(x.clone()), model.forward(moved.clone()));
        assert!(difference(there.vectors.unwrap(), g.matmul(here.vectors.unwrap())) < LAW, "{elements}");
        assert!(difference(there.code, here.code) < 30.0 * LAW, "{elements}");
        assert!(difference(there.scores.unwrap(), rolled_scores(here.scores.unwrap())) < 30.0 * LAW, "{elements}");
        // And types are read.
        let other = Tensor::cat(vec![x.clone().narrow(2, 0, 3), rolled(x.clone().narrow(2, 3, 5), 1)], 2);
        assert!(difference(model.forward(other).code, model.forward(x).code) > 30.0 * LAW, "{elements}");
    }
}

/// The last score first.
fn rolled_scores(scores: Tensor<2>) -> Tensor<2> {
    rolled(scores.unsqueeze_dim::<3>(2), 1).squeeze_dim::<2>(2)
}

/// Sets that are not the largest are read with zeros behind, and as many elements are written as there are.
#[test]
fn side_by_side_there_may_be_fewer() {
    let device = device();
    let mut recipe = recipe("molecules");
    (recipe.eta.pool, recipe.order, recipe.pose) = (SetPooling::Concatenate, None, None);
    (recipe.trunk.layers, recipe.quantize.delta_epochs) = (Vec::new(), 0);
    recipe.validate().unwrap();
    let model = SetModel::new(&recipe, &molecules::sets(&recipe.data), &device);
    let x = random(1, [2, 5, 8], &device);
    let wide = Tensor::cat(vec![x.clone(), Tensor::zeros([2, 7, 8], &device)], 1);
    let (few, all) = (model.forward(x), model.forward(wide));
    assert_eq!(difference(few.code, all.code), 0.0);
    assert_eq!(difference(few.decoded.unwrap(), all.decoded.unwrap().narrow(1, 0, 5)), 0.0);
}

/// A square has no direction of its own: what turns it must leave both vectors, so they vanish. Along a line both are
/// parallel. Neither makes a number that is none.
#[test]
fn what_is_symmetric_has_no_pose_and_says_so() {
    let device = device();
    let mut recipe = recipe("tetris");
    recipe.pose.as_mut().unwrap().ranked = false;
    let (model, sets) = model(&recipe);
    let set = |points: [[i16; 3]; 4]| crate::data::sets::Set { counts: points.concat(), label: 0 };
    let square = set([[0, 0, 0], [1000, 0, 0], [0, 1000, 0], [1000, 1000, 0]]);
    let line = set([[0, 0, 0], [300, 600, 0], [600, 1200, 0], [900, 1800, 0]]);
    let other = set([[0, 0, 0], [1000, 0, 0], [0, 1500, 0], [0, 0, 700]]);
    let found = model.infer(&sets, &[square, line, other], 1.0, &device);
    assert!(found.confidences[0] < NOTHING && found.confidences[1] < NOTHING, "{:?}", found.confidences);
    assert!(found.confidences[2] > 100.0 * NOTHING, "{:?}", found.confidences);
    let numbers = found.codes.iter().chain(&found.canonical).chain(&found.rotations).flatten();
    assert!(numbers.clone().count() > 0 && numbers.into_iter().all(|number| number.is_finite()));
}

/// The corners of a cube leave no direction at all, and points in a plane no hand.
#[test]
fn cubes_have_no_pose_and_planes_no_hand() {
    let device = device();
    let mut recipe = recipe("solids");
    recipe.data.elements = [4, 8];
    let set = |points: &[[i16; 3]]| crate::data::sets::Set { counts: points.concat(), label: 0 };
    let corner = |corner: usize| std::array::from_fn(|axis| if corner >> axis & 1 == 0 { -700 } else { 700 });
    let cube = set(&(0..8).map(corner).collect::<Vec<[i16; 3]>>());
    let plane = set(&[[0, 0, 300], [1000, 0, 300], [0, 1500, 300], [-400, 200, 300]]);
    for mirrored in [false, true] {
        recipe.pose.as_mut().unwrap().mirrored = mirrored;
        let (model, sets) = model(&recipe);
        let found = model.infer(&sets, &[cube.clone(), plane.clone()], 1.0, &device);
        assert!(found.confidences[0] < NOTHING, "{:?}", found.confidences);
        assert_eq!(found.confidences[1] < NOTHING, mirrored, "{:?}", found.confidences);
        assert!(found.codes.iter().flatten().all(|number| number.is_finite()));
    }
}

/// Under SO(3) a set and its mirror image are two, under O(3) they are one in two poses.
#[test]
fn the_inversion_is_a_pose_if_it_is_of_the_group() {
    let device = device();
    let mut recipe = recipe("solids");
    recipe.data.elements = [6, 6];
    let x = random(5, [6, 6, 3], &device);
    let x = x.clone() - x.mean_dim(1);
    for mirrored in [false, true] {
        recipe.pose.as_mut().unwrap().mirrored = mirrored;
        let (model, _) = model(&recipe);
        let (here, there) = (model.forward(x.clone()), model.forward(-x.clone()));
        assert!(difference(there.vectors.unwrap(), -here.vectors.unwrap()) < LAW);
        let apart = difference(there.code, here.code);
        assert_eq!(apart < 30.0 * LAW, mirrored, "{apart}");
        if mirrored {
            assert!(difference(there.rotations.unwrap(), -here.rotations.unwrap()) < 30.0 * LAW);
            assert!(difference(there.canonical, here.canonical) < 30.0 * LAW);
        }
    }
}

/// With ranks a square whose corners differ ever so little has a pose that is not weak.
#[test]
fn ranks_tell_the_corners_of_a_square_apart() {
    let device = device();
    let (model, sets) = model(&recipe("tetris"));
    let square = [[3, 0, 0], [1000, 5, 0], [0, 1000, 7], [1001, 1000, 0]].concat();
    let found = model.infer(&sets, &[crate::data::sets::Set { counts: square, label: 0 }], 1.0, &device);
    assert!(found.confidences[0] > 1000.0 * NOTHING, "{:?}", found.confidences);
}

#[test]
fn ranks_count_from_the_farthest() {
    let device = device();
    let points = Tensor::<3>::from_data([[[0., 2., 0.], [0., 0., 0.5], [3., 0., 0.]]], &device);
    let expected = Tensor::<3>::from_data([[[0., 1., 0., 0.], [0., 0., 1., 0.], [1., 0., 0., 0.]]], &device);
    assert_eq!(difference(ranks(points, 4), expected), 0.0);
}

/// Equal elements have equal scores, so it does not matter which of them stands first.
#[test]
fn repeated_elements_have_equal_scores() {
    let device = device();
    let (model, sets) = model(&recipe("digit-sets"));
    let x = sets.tensor(&sets.test, 1.0, &device);
    let twice = Tensor::cat(vec![x.clone().narrow(1, 0, 10), x.narrow(1, 0, 10)], 1);
    let scores = model.forward(twice).scores.unwrap();
    assert!(difference(scores.clone().narrow(1, 0, 10), scores.narrow(1, 10, 10)) < TOLERANCE);
}

/// The classical autoencoder is no such network.
#[test]
fn side_by_side_the_order_matters() {
    let device = device();
    let mut recipe = recipe("digit-sets");
    (recipe.eta.pool, recipe.order) = (SetPooling::Concatenate, None);
    let (model, sets) = model(&recipe);
    let x = sets.tensor(&sets.test, 1.0, &device);
    assert!(difference(model.forward(x.clone()).code, model.forward(rolled(x, 3)).code) > 0.01);
}

/// Whatever learns gets a gradient: ψ through the canonical set, scores through the hard permutation.
#[test]
fn gradients_reach_every_network() {
    let device = device().autodiff();
    let recipe = recipe("tetris");
    let sets = Sets::new(&recipe.data);
    let model = SetModel::new(&recipe, &sets, &device);
    let loss = model.loss(batch(random(1, [8, 4, 3], &device)), &recipe);
    let gradients = loss.total.backward();
    let alive = |gradient: f32| gradient.is_finite() && gradient > 1e-8;
    let psi = model.psi.as_ref().unwrap().head.conv.weight.grad(&gradients).unwrap();
    let score = model.score.as_ref().unwrap().weight.grad(&gradients).unwrap();
    let trunk = model.trunk[0].own.weight.grad(&gradients).unwrap();
    assert!(alive(psi.abs().max().into_scalar::<f32>()));
    assert!(alive(score.abs().max().into_scalar::<f32>()));
    assert!(alive(trunk.abs().max().into_scalar::<f32>()));
}

#[test]
fn chamfer_forgets_the_order_and_sees_a_stray_point() {
    let device = device();
    let x = random(1, [2, 9, 3], &device);
    assert!(set::chamfer(x.clone(), rolled(x.clone(), 4)).abs().max().into_scalar::<f32>() < TOLERANCE);
    let stray = Tensor::cat(vec![x.clone(), Tensor::full([2, 1, 3], 5.0, &device)], 1);
    let (there, back) = (set::chamfer(x.clone(), stray.clone()), set::chamfer(stray, x));
    assert!(difference(there.clone(), back) < 10.0 * TOLERANCE);
    assert!(there.min().into_scalar::<f32>() > 1.0);
}
