//! Convolutions over the turns of an image, written out as plain ones: quarter turns, or finer ones that contain them,
//! and their mirror images.
//!
//! A feature map over positions *and* quarter turns has the turn as the outer part of its channels,
//! `[height, width, turn · channels]`. A group convolution of such maps is then a plain convolution, whose
//! filters are one filter in all its turns: the device needs no operator for it, and since the turns of a
//! filter are rounded alike, turning an image by a quarter moves the integers that come out and changes none.
//! Pooling along the turns makes what follows invariant.
//!
//! With mirrors, maps are `[height, width, mirrored · turn · channels]`, and flipping an image does the same.
//!
//! (Cohen and Welling, *Group Equivariant Convolutional Networks*, 2016, sections 6 and 4.2.)

use super::network::Linear;
use crate::nn::Symmetry;
use crate::nn::symmetry::Way;

/// Quarter turns in a whole one.
pub const TURNS: usize = 4;

/// One filter for each output channel and each turn below a quarter, of which all other ways follow.
#[derive(Clone, Debug, PartialEq)]
pub struct TurningFilters {
    /// Taps in each direction.
    pub size: usize,
    /// In which ways the filters are to stand there; a multiple of four turns.
    pub symmetry: Symmetry,
    /// [`Symmetry::NONE`] where an image comes in, and the same as of the filters where a map over ways does.
    pub symmetry_in: Symmetry,
    /// Input channels, of each way.
    pub inputs: usize,
    /// `[turns below a quarter, outputs, size, size, ways in, inputs]`: one filter each, or one for each finer turn.
    pub weights: Vec<f32>,
    /// `[turns below a quarter, outputs]`.
    pub bias: Vec<f32>,
}

impl TurningFilters {
    /// The filters of a plain convolution, rows `[way, output]`, columns `[size, size, way in, input]`.
    ///
    /// Turning the image by a quarter, so that the pixel at row `i` and column `j` goes to row `j` and column
    /// `size − 1 − i`, turns every output map the same way and moves it one quarter on; flipping it, so that column `j`
    /// goes to `size − 1 − j`, flips every output map and puts it in the place of the mirror image.
    #[must_use]
    pub fn expand(&self) -> Linear {
        let (size, symmetry) = (self.size, self.symmetry);
        let outputs = self.bias.len() / (symmetry.turns / TURNS);
        let taps = size * size * self.symmetry_in.order() * self.inputs;
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for way in symmetry.ways() {
            let (base, quarters) = self.below_a_quarter(way);
            bias.extend(&self.bias[base * outputs..][..outputs]);
            for filter in self.weights[base * outputs * taps..].chunks(taps).take(outputs) {
                for (row, column) in places(size) {
                    // What came last goes back first.
                    let (row, column) = (0..quarters).fold((row, column), |place, _| turned_back(place, size));
                    let column = if way.mirrored { size - 1 - column } else { column };
                    for from in self.symmetry_in.ways() {
                        let from = self.seen_from(way.mirrored, quarters, from);
                        let start = ((row * size + column) * self.symmetry_in.order() + from) * self.inputs;
                        weights.extend(&filter[start..start + self.inputs]);
                    }
                }
            }
        }
        Linear { weights, bias }
    }

    /// The turn below a quarter that a way is made of, and by how many quarters it is then turned: `R_q Fᵐ R_j`.
    fn below_a_quarter(&self, way: Way) -> (usize, usize) {
        let quarter = self.symmetry.turns / TURNS;
        // A flip turns the turn behind it around.
        let base = if way.mirrored { (quarter - way.turn % quarter) % quarter } else { way.turn % quarter };
        let rest = if way.mirrored { way.turn + base } else { way.turn - base };
        (base, rest / quarter % TURNS)
    }

    /// Where an input way stood before the flip and so many quarter turns.
    fn seen_from(&self, mirrored: bool, quarters: usize, from: Way) -> usize {
        match self.symmetry_in {
            Symmetry::NONE => 0,
            symmetry => {
                let moved = Way { mirrored, turn: quarters * symmetry.turns / TURNS };
                symmetry.place(symmetry.between(moved, from))
            }
        }
    }
}

fn places(size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size).flat_map(move |row| (0..size).map(move |column| (row, column)))
}

/// Where the tap at a place of the turned filter stood before a quarter turn.
fn turned_back((row, column): (usize, usize), size: usize) -> (usize, usize) {
    (size - 1 - column, row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `[side, side, channels]`.
    type Map = Vec<f32>;
    const SIDE: usize = 5;

    /// A convolution that keeps the size, on whole numbers, so that sums have no rounding.
    fn convolve(x: &Map, channels: usize, size: usize, filters: &Linear) -> Map {
        let mut y = Vec::new();
        for (i, j) in places(SIDE) {
            let mut patch = Vec::new();
            for (k, l) in places(size) {
                let inside = |at: usize, tap: usize| (at + tap).checked_sub(size / 2).filter(|&at| at < SIDE);
                match (inside(i, k), inside(j, l)) {
                    (Some(i), Some(j)) => patch.extend(&x[(i * SIDE + j) * channels..][..channels]),
                    _ => patch.extend(vec![0.0; channels]),
                }
            }
            y.extend(filters.apply(&patch));
        }
        y
    }

    /// A flip and quarter turns of the positions; the maps move with them.
    fn moved(x: &Map, way: Way, symmetry: Symmetry) -> Map {
        let channels = x.len() / (SIDE * SIDE);
        let of_way = channels / symmetry.order();
        let mut y = vec![0.0; x.len()];
        for (i, j) in places(SIDE) {
            for g in symmetry.ways() {
                // The map of g is the moved map of h⁻¹g.
                let from = if symmetry == Symmetry::NONE { 0 } else { symmetry.place(symmetry.between(way, g)) };
                let (row, column) =
                    (0..way.turn * TURNS / symmetry.turns.max(TURNS)).fold((i, j), |place, _| turned_back(place, SIDE));
                let column = if way.mirrored { SIDE - 1 - column } else { column };
                let (to, from) = (
                    (i * SIDE + j) * channels + symmetry.place(g) * of_way,
                    (row * SIDE + column) * channels + from * of_way,
                );
                y[to..to + of_way].copy_from_slice(&x[from..from + of_way]);
            }
        }
        y
    }

    fn whole(count: usize) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec((-9i8..=9).prop_map(f32::from), count)
    }

    /// Quarter turns, and finer ones.
    fn symmetries() -> impl Strategy<Value = Symmetry> {
        (prop_oneof![Just(4usize), Just(8), Just(12)], any::<bool>())
            .prop_map(|(turns, mirrored)| Symmetry { turns, mirrored })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn moving_the_image_moves_every_map(
            symmetry in symmetries(),
            image in whole(SIDE * SIDE * 2),
            (first, second) in (prop_oneof![Just(1usize), Just(3)], prop_oneof![Just(1usize), Just(3)]),
            weights in (whole(3 * 3 * 9 * 2), whole(3 * 2 * 9 * 24 * 3)),
            bias in (whole(3 * 3), whole(3 * 2)),
        ) {
            let filters = |size: usize, symmetry_in: Symmetry, inputs, all: &[f32], bias: &[f32], outputs: usize| {
                let rows = symmetry.turns / TURNS * outputs;
                let weights = all[..rows * size * size * symmetry_in.order() * inputs].to_vec();
                TurningFilters { size, symmetry, symmetry_in, inputs, weights, bias: bias[..rows].to_vec() }.expand()
            };
            let lifting = filters(first, Symmetry::NONE, 2, &weights.0, &bias.0, 3);
            let group = filters(second, symmetry, 3, &weights.1, &bias.1, 2);
            let maps = |image: &Map| {
                let lifted = convolve(image, 2, first, &lifting);
                let convolved = convolve(&lifted, symmetry.order() * 3, second, &group);
                (lifted, convolved)
            };
            let (lifted, convolved) = maps(&image);
            for way in symmetry.ways().filter(|way| way.turn % (symmetry.turns / TURNS) == 0) {
                // Of an image only the positions move.
                let quarters = Way { turn: way.turn * TURNS / symmetry.turns, ..way };
                let (of_moved, convolved_of_moved) = maps(&moved(&image, quarters, Symmetry::NONE));
                prop_assert_eq!(of_moved, moved(&lifted, way, symmetry), "{:?}", way);
                prop_assert_eq!(convolved_of_moved, moved(&convolved, way, symmetry), "{:?}", way);
            }
        }
    }
}
