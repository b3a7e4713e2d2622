//! Convolution of int8 features, or of int16 features or vectors.
//!
//! One operator serves every linear layer: **dense** is a window as large as the input, **pointwise** a
//! window of one, **conv1d** a window of height 1, and **vectors** are three planes one below the other,
//! under a window of height 1 and without a bias: the same weights then serve x, y and z, and turning
//! the input turns the output. A **group convolution** is a convolution whose filters the exporter has
//! written out for every element of the group.

use super::patch::{Source, Walk, Window};
use super::tile::{Matrix, Product, SIDE, Tiles};
use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Activations, ActivationsMut};
use crate::format::{Dtype, Tensor};
use crate::quant::Requantize;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[i, j, o] = requantize(bias[o] + Σ_{k,l,c} w[o, k, l, c] · x[i·stride + k·dilation − padding, …, c])`
///
/// from `[height, width, channels]` to `[height', width', channels']`, both int8 or both int16, or from int8 to int16,
/// where a last layer says more than its inputs do. Padding reads as the input's zero point. The exporter folds that into the bias:
/// `bias − zero_point · Σ w`. With `groups`, outputs and inputs are cut into as many equal parts, and
/// each part of the outputs sees its own part of the inputs.
///
/// The shift of `requantize` is at least 33.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Conv {
    /// Input and output; the scratch is `i16[1, points, columns]`, where `columns` is
    /// `height · width · channels / groups` of the window, rounded up to a multiple of four, and `points`
    /// is 2, or 1 if the output has but one.
    pub operands: Operands,
    /// How the window moves.
    pub window: Window,
    /// To the output's scale.
    pub requantize: Requantize,
    /// Offset in the blob: for each group one matrix of [`Tiles`].
    pub weights: u32,
    /// Parts that do not see each other.
    pub groups: u16,
    /// Zero.
    pub reserved: u16,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Conv {
    const KIND: u32 = 2;
    const NAME: &'static str = "conv";
    const SCRATCH: bool = true;

    fn cost(&self, site: &Site<'_>) -> Cost {
        let Some(tiles) = self.tiles(site) else { return Cost::default() };
        let outputs = u64::from(site.output.elements().unwrap_or(u32::MAX));
        Cost { macs: outputs.saturating_mul(tiles.columns as u64), bytes: self.bytes(&tiles).unwrap_or(u32::MAX) }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, other: scratch, .. } = site;
        // No narrower than the input, and not of 32 bits.
        if x.dtype as u16 > y.dtype as u16 || y.dtype == Dtype::I32 || scratch.dtype != Dtype::I16 {
            return Err(Fault::Operand);
        }
        self.window.check(x, y)?;
        let tiles = self.tiles(site).ok_or(Fault::Shape)?;
        let points = if y.shape[0] == 1 && y.shape[1] == 1 { 1 } else { 2 };
        let columns = tiles.columns.next_multiple_of(4).try_into().map_err(|_| Fault::Shape)?;
        if scratch.shape != [1, points, columns] || self.reserved != 0 {
            return Err(Fault::Shape);
        }
        if !self.requantize.fits(y) || self.requantize.rescale().is_none() {
            return Err(Fault::Quantization);
        }
        for group in 0..self.groups.into() {
            let Some(matrix) = self.matrix(&tiles, site.blob, group) else { return Err(Fault::Weights) };
            // The largest input, which is half of what its type tells apart. Asked so, because a table of ranges takes more flash.
            matrix.check(tiles.columns, 1 << (8 * x.dtype.bytes() - 1))?;
        }
        self.bytes(&tiles).ok_or(Fault::Weights)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let (input, output) = (Activations::of(memory.input, x)?, ActivationsMut::of(memory.output, y)?);
        if self.is_dense(x, y) {
            self.dense(site, input, memory.other, output)
        } else {
            self.convolve(site, input, memory.other, output)
        }
    }
}

/// Channels of a group.
fn part(tensor: &Tensor, groups: u16) -> Option<usize> {
    let [_, _, channels] = tensor.shape;
    // Asked first: some processors take a hundred instructions to divide.
    if groups == 1 {
        return Some(channels.into());
    }
    (channels.checked_rem(groups)? == 0).then_some((channels / groups.max(1)).into())
}

impl Conv {
    /// Whether there is but one window and it sees the whole input.
    fn is_dense(&self, x: &Tensor, y: &Tensor) -> bool {
        let ([height, width, _], [down, across, _]) = (x.shape, y.shape);
        let Window { size, dilation, padding, .. } = self.window;
        ([down, across, self.groups], padding, size, dilation) == ([1; 3], [0; 2], [height, width], [1; 2])
    }

    /// The matrix of one group.
    fn tiles(&self, site: &Site<'_>) -> Option<Tiles> {
        // Windows are no larger than their padded input, whose elements fit 32 bits.
        let columns = self.window.taps().checked_mul(part(site.input, self.groups)? as u64)?;
        Some(Tiles { rows: part(site.output, self.groups)?, columns: columns.try_into().ok()? })
    }

    fn matrix<'m>(&self, tiles: &Tiles, blob: &'m [u32], group: usize) -> Option<Matrix<'m>> {
        let offset = u32::try_from(group.checked_mul(tiles.len())?).ok()?;
        tiles.of(blob, self.weights.checked_add(offset)?)
    }

    fn bytes(&self, tiles: &Tiles) -> Option<u32> {
        tiles.len().checked_mul(self.groups.into())?.try_into().ok()
    }
}

// ---- Reference ------------------------------------------------------------------------------------

impl Conv {
    /// One window, which sees the whole input.
    fn dense(&self, site: &Site<'_>, x: Activations<'_>, patch: &mut [u32], y: ActivationsMut<'_>) -> Option<()> {
        let tiles = Tiles { rows: y.len(), columns: x.len() };
        let matrix = tiles.of(site.blob, self.weights)?;
        let product = Product::new(matrix, self.requantize.rescale_checked(), site.output.dtype);
        #[cfg(gimbal_mve)]
        let Some(y) = super::bytes::dense(x, &product, patch, y) else { return Some(()) };
        clear(patch, tiles.columns);
        x.widen_run(0, bytemuck::must_cast_slice_mut(patch).get_mut(..tiles.columns)?)?;
        product.multiply(patch, y);
        Some(())
    }

    /// Window by window, a group of channels at a time.
    #[inline(never)]
    fn convolve(
        &self,
        site: &Site<'_>,
        input: Activations<'_>,
        scratch: &mut [u32],
        mut output: ActivationsMut<'_>,
    ) -> Option<()> {
        let Site { input: x, output: y, .. } = site;
        let (tiles, rescale) = (self.tiles(site)?, self.requantize.rescale_checked());
        // Two elements a word, up to a multiple of four.
        let (patch, other) = scratch.split_at_mut_checked(tiles.columns.div_ceil(SIDE) * (SIDE / 2))?;
        clear(patch, tiles.columns);
        clear(other, tiles.columns);
        let (window, shape, zero) = (&self.window, x.shape.map(usize::from), x.zero_point);
        let count = part(x, self.groups)?;
        for group in 0..self.groups.into() {
            let source = Source { window, x: input, shape, first: group * count, count, zero };
            let product = Product::new(self.matrix(&tiles, site.blob, group)?, rescale, y.dtype);
            let first = group * tiles.rows;
            #[cfg(gimbal_mve)]
            if super::bytes::convolve(&source, &product, patch, y, first, &mut output).is_some() {
                continue;
            }
            walk(source, &product, [patch, other], y, first, &mut output)?;
        }
        Some(())
    }
}

/// No tap fills a patch up to a multiple of four.
#[inline(never)]
fn clear(patch: &mut [u32], columns: usize) {
    // At most three.
    for x in bytemuck::must_cast_slice_mut::<u32, i16>(patch).iter_mut().skip(columns) {
        *x = 0;
    }
}

/// One group: rows from `first` of every output, two points at a time, so that each weight is read and
/// widened for both.
fn walk(
    source: Source<'_>,
    product: &Product<'_>,
    [patch, other]: [&mut [u32]; 2],
    y: &Tensor,
    first: usize,
    output: &mut ActivationsMut<'_>,
) -> Option<()> {
    let [down, across, channels] = y.shape;
    let (across, channels) = (usize::from(across), usize::from(channels));
    let (mut walk, mut start) = (Walk::new(source, across), first);
    let mut points = usize::from(down) * across;
    while points > 1 {
        walk.gather(bytemuck::must_cast_slice_mut(patch))?;
        walk.gather(bytemuck::must_cast_slice_mut(other))?;
        let (a, b) = output.part(start, channels + product.rows())?.split_at(channels)?;
        product.multiply_two([patch, other], [a, b]);
        start += 2 * channels;
        points -= 2;
    }
    if points == 1 {
        walk.gather(bytemuck::must_cast_slice_mut(patch))?;
        product.multiply(patch, output.part(start, product.rows())?);
    }
    Some(())
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor, values};
    use super::*;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    struct Case {
        conv: Conv,
        x: Tensor,
        y: Tensor,
        weights: Vec<i8>,
        biases: Vec<i32>,
        multipliers: Vec<i32>,
        input: Vec<i16>,
    }

    /// Random shapes, with every kind of padding, and extreme numbers among the random ones.
    fn case(dtype: Dtype) -> impl Strategy<Value = Case> {
        let (min, max) = (dtype.range().0 as i16, dtype.range().1 as i16);
        let axis = || (1u16..4, 1u16..3, 1u16..3, 1u16..7, any::<bool>());
        let shape = (axis(), axis(), 1u16..4, 1u16..4, prop_oneof![3 => Just(1u16), 1 => Just(2), 1 => Just(3)]);
        shape
            .prop_flat_map(move |(down, across, inputs, outputs, groups)| {
                let padding = |(size, _, dilation, _, _): (u16, u16, u16, u16, bool)| 0..=(size - 1) * dilation;
                (padding(down), padding(across), Just((down, across, inputs, outputs, groups)))
            })
            .prop_filter_map("the window must fit", move |(top, left, (down, across, inputs, outputs, groups))| {
                let window = Window {
                    size: [down.0, across.0],
                    stride: [down.1, across.1],
                    dilation: [down.2, across.2],
                    padding: [top, left],
                    circular: u16::from(down.4) | u16::from(across.4) << 1,
                    reserved: 0,
                };
                let length = |(_, stride, _, inputs, _): (u16, u16, u16, u16, bool), padding: u16| {
                    (inputs + padding).div_ceil(stride)
                };
                let x = tensor(dtype, [down.3, across.3, inputs * groups]);
                let y = tensor(dtype, [length(down, top), length(across, left), outputs * groups]);
                window.check(&x, &y).is_ok().then_some((window, x, y, groups))
            })
            .prop_flat_map(move |(window, x, y, groups)| {
                let rows = usize::from(y.shape[2]);
                let columns = window.taps() as usize * usize::from(x.shape[2] / groups);
                (
                    (min..=max, min..=max, 33u16..50),
                    prop::collection::vec(any::<i8>(), rows * columns),
                    prop::collection::vec(-100_000i32..100_000, rows),
                    prop::collection::vec(prop_oneof![1i32..i32::MAX, Just(i32::MAX)], rows),
                    values(dtype, &x),
                )
                    .prop_map(
                        move |((input_zero, output_zero, shift), weights, biases, multipliers, input)| {
                            let output_zero = output_zero / 2;
                            let requantize = Requantize { shift, zero_point: output_zero.clamp(-128, 127), min, max };
                            Case {
                                conv: Conv {
                                    operands: Operands::new(0, 1).with_scratch(2),
                                    window,
                                    requantize,
                                    weights: 0,
                                    groups,
                                    reserved: 0,
                                },
                                x: Tensor { zero_point: input_zero, ..x },
                                y: Tensor { zero_point: requantize.zero_point, ..y },
                                weights,
                                biases,
                                multipliers,
                                input,
                            }
                        },
                    )
            })
    }

    /// The formula as it stands above, index by index, in 64 bits and with the padding written out.
    fn oracle(case: &Case) -> Vec<i16> {
        let (c, size) = (&case.conv, |n: u16| usize::from(n));
        let [height, width, channels] = case.x.shape.map(i64::from);
        let place = |axis: usize, at: usize, tap: usize, inputs: i64| {
            let w = &c.window;
            let place = (at * size(w.stride[axis]) + tap * size(w.dilation[axis])) as i64 - i64::from(w.padding[axis]);
            if (0..inputs).contains(&place) {
                Some(place)
            } else if w.circular >> axis & 1 == 1 {
                Some(place.rem_euclid(inputs))
            } else {
                None
            }
        };
        let groups = size(c.groups);
        let (ins, outs) = (channels as usize / groups, size(case.y.shape[2]) / groups);
        let mut y = Vec::new();
        for i in 0..size(case.y.shape[0]) {
            for j in 0..size(case.y.shape[1]) {
                for o in 0..groups * outs {
                    let mut sum = i64::from(case.biases[o]);
                    let mut column = 0;
                    for k in 0..size(c.window.size[0]) {
                        for l in 0..size(c.window.size[1]) {
                            for n in 0..ins {
                                let x = match (place(0, i, k, height), place(1, j, l, width)) {
                                    (Some(i), Some(j)) => {
                                        case.input[((i * width + j) * channels) as usize + o / outs * ins + n]
                                    }
                                    _ => case.x.zero_point,
                                };
                                let columns = size(c.window.size[0]) * size(c.window.size[1]) * ins;
                                sum += i64::from(x) * i64::from(case.weights[o * columns + column]);
                                column += 1;
                            }
                        }
                    }
                    y.push(requantize(sum, case.multipliers[o], &c.requantize));
                }
            }
        }
        y
    }

    fn of_ones(window: Window, x: [u16; 3], y: [u16; 3]) -> Case {
        let (x, y) = (tensor(Dtype::I8, x), tensor(Dtype::I8, y));
        let columns = window.taps() as usize * usize::from(x.shape[2]);
        let requantize = Requantize { shift: 33, zero_point: 0, min: -128, max: 127 };
        let operands = Operands::new(0, 1).with_scratch(2);
        Case {
            conv: Conv { operands, window, requantize, weights: 0, groups: 1, reserved: 0 },
            x,
            y,
            weights: vec![1; columns],
            biases: vec![0],
            multipliers: vec![i32::MAX],
            input: (0..x.elements().unwrap()).map(|i| (i % 100) as i16).collect(),
        }
    }

    /// One window, as large as the input in taps and larger in reach.
    #[test]
    fn taps_apart_are_not_dense() {
        for circular in [0, 2] {
            let window = Window { dilation: [1, 2], circular, ..Window::across(2, 2, 1, 0) };
            let case = of_ones(window, [1, 2, 3], [1, 1, 1]);
            assert_eq!(run(&case), oracle(&case));
        }
    }

    /// Nothing asks how far apart lines are of which there is but one.
    #[test]
    fn one_tap_may_be_as_dilated_as_can_be() {
        let window = Window { dilation: [u16::MAX, 1], stride: [1, u16::MAX], ..Window::POINT };
        let case = of_ones(window, [1, 21850, 3], [1, 1, 1]);
        assert_eq!(run(&case), oracle(&case));
    }

    fn run(case: &Case) -> Vec<i16> {
        let groups = usize::from(case.conv.groups);
        let tiles = Tiles { rows: case.biases.len() / groups, columns: case.weights.len() / case.biases.len() };
        let points = (case.y.shape[0] * case.y.shape[1]).min(2);
        let scratch = tensor(Dtype::I16, [1, points, tiles.columns.next_multiple_of(4) as u16]);
        let blob: Vec<u8> = (0..groups)
            .flat_map(|group| {
                let rows = group * tiles.rows..(group + 1) * tiles.rows;
                let weights = &case.weights[rows.start * tiles.columns..rows.end * tiles.columns];
                tiles.pack(weights, &case.biases[rows.clone()], &case.multipliers[rows])
            })
            .collect();
        let bench = Bench { tensors: vec![case.x, case.y, scratch], blob };
        bench.run(&Operator::Conv(case.conv), &case.input)
    }

    proptest! {
        #[test]
        fn features_equal_the_oracle(case in case(Dtype::I8)) {
            prop_assert_eq!(run(&case), oracle(&case));
        }

        /// Outputs of 16 bits from features of 8.
        #[test]
        fn wider_outputs_equal_the_oracle(mut case in case(Dtype::I8)) {
            case.y.dtype = Dtype::I16;
            let requantize = &mut case.conv.requantize;
            (requantize.shift, requantize.min, requantize.max) = (requantize.shift.min(40), -30_000, i16::MAX);
            prop_assert_eq!(run(&case), oracle(&case));
        }

        #[test]
        fn sixteen_bits_equal_the_oracle(case in case(Dtype::I16)) {
            prop_assert_eq!(run(&case), oracle(&case));
        }
    }
}
