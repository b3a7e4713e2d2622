//! O(2): rotations and reflections of an image about its middle.

use super::so2::{length, parts, sample};
use super::{Group, So2};
use crate::nn::Symmetry;
use burn::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// Elements are `(cos, sin, hand)`: first the flip `(x, y) ↦ (−x, y)` where the hand is −1, then the rotation, as core's
/// `o2` has it. A positive angle takes x (columns) towards y (rows).
///
/// The law alone teaches the hand, see [`chart`](Group::chart).
#[derive(Clone, Copy, Debug)]
pub struct O2;

impl Group for O2 {
    // ---- Chart ------------------------------------------------------------------------------------

    fn readouts(&self) -> usize {
        2
    }

    /// Two vectors, `vᵢ = Σ_g fᵢ(g) · g·eᵢ`, of the means over the image. Moving the image moves what stands at g to
    /// hg, and so both vectors by h.
    fn numbers(&self, map: Tensor<4>) -> Tensor<2> {
        let [b, channels, h, w] = map.dims();
        // Two numbers, mirrored or not.
        let symmetry = Symmetry { turns: channels / 4, mirrored: true };
        let means = map.reshape([b, channels, h * w]).mean_dim(2).reshape([b, channels]);
        let columns: Vec<f32> = symmetry
            .ways()
            .map(|way| (TAU * way.turn as f32 / symmetry.turns as f32, way.mirrored))
            .map(|(angle, mirrored)| ([angle.cos(), angle.sin()], if mirrored { -1.0 } else { 1.0 }))
            .flat_map(|([cos, sin], hand)| [hand * cos, hand * sin, -sin, cos])
            .collect();
        let ways = symmetry.order();
        let columns = Tensor::<2>::from_data(TensorData::new(columns, [ways, 4]), &means.device());
        let vector = |i: usize| means.clone().narrow(1, i * ways, ways).matmul(columns.clone().narrow(1, 2 * i, 2));
        Tensor::cat(vec![vector(0), vector(1)], 1)
    }

    /// Gram–Schmidt: the first column is `v₁ / ‖v₁‖`, the hand the sign of `v₁ × v₂`. A sign has no gradient, so that
    /// of the sine of the angle from v₁ to v₂ stands in its place: what follows it makes the hand surer.
    fn chart(&self, numbers: Tensor<2>) -> Tensor<2> {
        let (v1, v2) = halves(numbers);
        let (along, across) = (unit(v1), unit(v2));
        let sine = cross(along.clone(), across);
        let hand = sign(sine.clone()).detach() + sine.clone() - sine.detach();
        // The flip takes x to −x, so behind a reflection the first column is minus the rotation's.
        Tensor::cat(vec![along * hand.clone().detach(), hand], 1)
    }

    /// The shorter of v₁ and the part of v₂ that is perpendicular to it.
    fn confidence(&self, numbers: Tensor<2>) -> Tensor<1> {
        let (v1, v2) = halves(numbers);
        let across = cross(unit(v1.clone()), v2).abs();
        length(v1).min_pair(across).squeeze_dim(1)
    }

    // ---- Element ----------------------------------------------------------------------------------

    /// A reflection that changes places with a rotation turns it around.
    fn compose(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
        let ((g, hand_g), (h, hand_h)) = (split(g), split(h));
        let [cos, sin] = parts(h);
        let behind = Tensor::cat(vec![cos, sin * hand_g.clone().detach()], 1);
        Tensor::cat(vec![So2.compose(g, behind), hand_g * hand_h], 1)
    }

    /// Every reflection undoes itself.
    fn inverse(&self, g: Tensor<2>) -> Tensor<2> {
        let (rotation, hand) = split(g);
        let [cos, sin] = parts(rotation);
        Tensor::cat(vec![cos, -sin * hand.clone().detach(), hand], 1)
    }

    /// One minus the cosine of the angle between the matrices' first columns, and 2 more where the hands differ.
    fn distance(&self, g: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
        let ((g, hand_g), (h, hand_h)) = (split(g), split(h));
        let hands = (hand_g.clone() * hand_h.clone()).squeeze_dim::<1>(1).neg().add_scalar(1.0);
        So2.distance(g * hand_g.detach(), h * hand_h.detach()) + hands
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let hand = if rng.random_range(0..2) == 0 { 1.0 } else { -1.0 };
        [So2.draw(rng), vec![hand]].concat()
    }

    // ---- Action -----------------------------------------------------------------------------------

    /// `(g·x)(p) = x(g⁻¹ p)`, bilinear, zero outside. No gradient goes to the hand: how an image changes where it is
    /// stretched a little does not tell whether its mirror image would fit better.
    fn act(&self, g: Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let (rotation, hand) = split(g);
        let ([cos, sin], hand) = (parts(rotation), hand.detach());
        let zero = cos.zeros_like();
        // From output positions to input positions: the inverse, which flips last.
        let rows = [[cos.clone() * hand.clone(), sin.clone() * hand, zero.clone()], [-sin, cos, zero]];
        sample(rows, x)
    }
}

/// The first two columns and the last two.
fn halves(numbers: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    (numbers.clone().narrow(1, 0, 2), numbers.narrow(1, 2, 2))
}

/// Rotations and hands, `[B, 2]` and `[B, 1]`.
fn split(g: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    (g.clone().narrow(1, 0, 2), g.narrow(1, 2, 1))
}

fn unit(v: Tensor<2>) -> Tensor<2> {
    v.clone() / length(v)
}

/// `a × b`, `[B, 1]`: positive where b is clockwise of a.
fn cross(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let ([ax, ay], [bx, by]) = (parts(a), parts(b));
    ax * by - ay * bx
}

/// 1 or −1, never 0.
fn sign(x: Tensor<2>) -> Tensor<2> {
    x.lower_elem(0.0).float().mul_scalar(-2.0).add_scalar(1.0)
}

// ---- Law tests ------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::draw;
    use crate::nn::testing::*;
    use rand::SeedableRng;

    fn elements(seed: u64, device: &Device) -> Tensor<2> {
        draw(&O2, 12, &mut ChaCha8Rng::seed_from_u64(seed), device)
    }

    /// `g · v` for the rows of v.
    fn turned(g: Tensor<2>, v: Tensor<2>) -> Tensor<2> {
        let (rotation, hand) = split(g);
        let [x, y] = parts(v);
        So2.compose(rotation, Tensor::cat(vec![x * hand, y], 1))
    }

    #[test]
    fn group_laws() {
        let device = device();
        let [a, b, c] = [1, 2, 3].map(|seed| elements(seed, &device));
        let left = O2.compose(O2.compose(a.clone(), b.clone()), c.clone());
        let right = O2.compose(a.clone(), O2.compose(b.clone(), c));
        assert!(difference(left, right) < TOLERANCE);
        let identity = Tensor::<2>::from_data([[1.0, 0.0, 1.0]], &device).repeat(&[12, 1]);
        for one in [O2.compose(a.clone(), O2.inverse(a.clone())), O2.compose(O2.inverse(a.clone()), a.clone())] {
            assert!(difference(one.clone(), identity.clone()) < TOLERANCE);
            assert!(O2.distance(one, identity.clone()).abs().max().into_scalar::<f32>() < TOLERANCE);
        }
        assert!(difference(O2.compose(a.clone(), identity), a.clone()) < TOLERANCE);
        let v = random(4, [12, 2], &device);
        let twice = turned(a.clone(), turned(b.clone(), v.clone()));
        assert!(difference(turned(O2.compose(a, b), v), twice) < TOLERANCE);
    }

    #[test]
    fn a_distance_does_not_depend_on_where_it_is_measured() {
        let device = device();
        let [a, b, c] = [1, 2, 3].map(|seed| elements(seed, &device));
        let moved = O2.distance(O2.compose(c.clone(), a.clone()), O2.compose(c, b.clone()));
        assert!(difference(moved, O2.distance(a, b)) < TOLERANCE);
    }

    #[test]
    fn a_flip_exchanges_left_and_right_before_the_turn() {
        let device = device();
        let x = random(1, [1, 1, 7, 7], &device);
        let of = |row: [f32; 3]| O2.act(Tensor::<2>::from_data([row], &device), x.clone());
        assert!(difference(of([1.0, 0.0, -1.0]), x.clone().flip([3])) < TOLERANCE);
        // A quarter turn: row i, column j comes from row 6 − j, column i.
        assert!(difference(of([0.0, 1.0, 1.0]), x.clone().swap_dims(2, 3).flip([3])) < TOLERANCE);
        assert!(difference(of([0.0, 1.0, -1.0]), x.clone().flip([3]).swap_dims(2, 3).flip([3])) < TOLERANCE);
    }

    #[test]
    fn the_chart_moves_with_its_vectors() {
        let device = device();
        let (g, v) = (elements(1, &device), random(2, [12, 4], &device));
        let (v1, v2) = halves(v.clone());
        let moved = Tensor::cat(vec![turned(g.clone(), v1), turned(g.clone(), v2)], 1);
        assert!(difference(O2.chart(moved.clone()), O2.compose(g, O2.chart(v.clone()))) < TOLERANCE);
        assert!(difference(O2.confidence(moved), O2.confidence(v)) < TOLERANCE);
    }

    #[test]
    fn the_chart_puts_the_vectors_into_place() {
        let device = device();
        let v = random(2, [12, 4], &device);
        let ((v1, v2), back) = (halves(v.clone()), O2.inverse(O2.chart(v)));
        let ([x, y], [_, across]) = (parts(turned(back.clone(), v1)), parts(turned(back, v2)));
        assert!(y.abs().max().into_scalar::<f32>() < TOLERANCE);
        assert!(x.min().into_scalar::<f32>() > 0.0 && across.min().into_scalar::<f32>() > 0.0);
    }

    /// What the maps' places do under a flip and quarter turns, both vectors do.
    #[test]
    fn the_vectors_move_with_the_maps() {
        let device = device();
        let symmetry = Symmetry { turns: 8, mirrored: true };
        let map = random(3, [1, 32, 2, 2], &device);
        let numbers = O2.numbers(map.clone());
        for way in symmetry.ways() {
            let places = symmetry.ways().map(|g| symmetry.place(symmetry.between(way, g)));
            let places: Vec<i32> =
                (0..2).flat_map(|i| places.clone().map(move |place| (16 * i + place) as i32)).collect();
            let moved = map.clone().select(1, Tensor::from_data(TensorData::new(places, [32]), &device));
            let angle = TAU * way.turn as f32 / 8.0;
            let hand = if way.mirrored { -1.0 } else { 1.0 };
            let g = Tensor::<2>::from_data([[angle.cos(), angle.sin(), hand]], &device);
            let (v1, v2) = halves(numbers.clone());
            let expected = Tensor::cat(vec![turned(g.clone(), v1), turned(g, v2)], 1);
            assert!(difference(O2.numbers(moved), expected) < TOLERANCE, "{way:?}");
        }
    }

    /// A step against the gradient of the distance to an element of the other hand changes the hand's sine.
    #[test]
    fn the_hand_has_a_gradient() {
        let device = device().autodiff();
        let v = random::<2>(2, [12, 4], &device).require_grad();
        let other = elements(1, &device);
        let gradients = O2.distance(other, O2.chart(v.clone())).sum().backward();
        let (_, of_second) = halves(Tensor::from_inner(v.grad(&gradients).unwrap()));
        assert!(of_second.abs().sum_dim(1).min().into_scalar::<f32>() > 1e-4);
    }
}
