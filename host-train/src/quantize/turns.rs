//! Convolutions over the turns of an image, written out as plain ones: quarter turns, or finer ones that contain them.
//!
//! A feature map over positions *and* quarter turns has the turn as the outer part of its channels,
//! `[height, width, turn · channels]`. A group convolution of such maps is then a plain convolution, whose
//! filters are one filter in all its turns: the device needs no operator for it, and since the turns of a
//! filter are rounded alike, turning an image by a quarter moves the integers that come out and changes none.
//! Pooling along the turns makes what follows invariant.
//!
//! (Cohen and Welling, *Group Equivariant Convolutional Networks*, 2016, section 6.)

use super::network::Linear;

/// Quarter turns in a whole one.
pub const TURNS: usize = 4;

/// One filter for each output channel and each turn below a quarter, of which all other turns follow.
#[derive(Clone, Debug, PartialEq)]
pub struct TurningFilters {
    /// Taps in each direction.
    pub size: usize,
    /// 1 where an image comes in, the order of the group where a map over turns does.
    pub turns: usize,
    /// Input channels, of each turn.
    pub inputs: usize,
    /// `[turns below a quarter, outputs, size, size, turns, inputs]`: one filter each, or one for each finer turn.
    pub weights: Vec<f32>,
    /// `[turns below a quarter, outputs]`.
    pub bias: Vec<f32>,
}

impl TurningFilters {
    /// The filters of a plain convolution, rows `[turn, output]`, columns `[size, size, turn, input]`.
    ///
    /// Turning the image by a quarter, so that the pixel at row `i` and column `j` goes to row `j` and column
    /// `size − 1 − i`, turns every output map the same way and moves it one turn on.
    #[must_use]
    pub fn expand(&self) -> Linear {
        let (size, outputs) = (self.size, self.bias.len());
        let mut weights = Vec::with_capacity(TURNS * self.weights.len());
        for turn in 0..TURNS {
            for output in 0..outputs {
                for (row, column) in places(size) {
                    let (row, column) = (0..turn).fold((row, column), |place, _| turned_back(place, size));
                    for from in 0..self.turns {
                        let from = (from + self.turns - turn * self.turns / TURNS) % self.turns;
                        let start = (((output * size + row) * size + column) * self.turns + from) * self.inputs;
                        weights.extend(&self.weights[start..start + self.inputs]);
                    }
                }
            }
        }
        Linear { weights, bias: self.bias.repeat(TURNS) }
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

    /// A quarter turn of the positions; channels move `by` places on, round and round.
    fn turned(x: &Map, channels: usize, by: usize) -> Map {
        let mut y = vec![0.0; x.len()];
        for (i, j) in places(SIDE) {
            for c in 0..channels {
                let to = (j * SIDE + SIDE - 1 - i) * channels + (c + by) % channels;
                y[to] = x[(i * SIDE + j) * channels + c];
            }
        }
        y
    }

    fn whole(count: usize) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec((-9i8..=9).prop_map(f32::from), count)
    }

    proptest! {
        #[test]
        fn turning_the_image_turns_every_map(
            image in whole(SIDE * SIDE * 2),
            (first, second) in (prop_oneof![Just(1usize), Just(3)], prop_oneof![Just(1usize), Just(3)]),
            weights in (whole(3 * 9 * 2), whole(2 * 9 * TURNS * 3)),
            bias in (whole(3), whole(2)),
        ) {
            let filters = |size: usize, turns, inputs, all: &[f32], bias: &Vec<f32>| {
                let count = bias.len() * size * size * turns * inputs;
                TurningFilters { size, turns, inputs, weights: all[..count].to_vec(), bias: bias.clone() }.expand()
            };
            let lifting = filters(first, 1, 2, &weights.0, &bias.0);
            let group = filters(second, TURNS, 3, &weights.1, &bias.1);
            let maps = |image: &Map| {
                let lifted = convolve(image, 2, first, &lifting);
                let convolved = convolve(&lifted, TURNS * 3, second, &group);
                (lifted, convolved)
            };
            let (lifted, convolved) = maps(&image);
            let (of_turned, convolved_of_turned) = maps(&turned(&image, 2, 0));
            prop_assert_eq!(of_turned, turned(&lifted, TURNS * 3, 3));
            prop_assert_eq!(convolved_of_turned, turned(&convolved, TURNS * 2, 2));
        }
    }
}
