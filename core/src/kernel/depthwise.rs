//! Convolution of each channel by itself, of int8 or int16.

use super::patch::{PADDING, Taps, Window};
use super::{Cost, Fault, Memory, Operands, Record, Site, constants, pairs};
use crate::arena::{Activation, view, view_mut};
use crate::format::Dtype;
use crate::quant::{Requantize, Rescale};
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[i, j, c] = requantize(bias[c] + Σ_{k,l} w[k, l, c] · x[i·stride + k·dilation − padding, …, c])`
///
/// from `[height, width, channels]` to `[height', width', channels]`, both int8 or both int16; in one
/// dimension the height is 1. Padding reads as the input's zero point. The exporter folds that into the
/// bias: `bias − zero_point · Σ w`.
///
/// The shift of `requantize` is at least 33.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Depthwise {
    /// Input and output; the scratch is `i32[1, 1, taps]`: where each tap stands.
    pub operands: Operands,
    /// How the window moves.
    pub window: Window,
    /// To the output's scale.
    pub requantize: Requantize,
    /// Offset in the blob: [`Filters`].
    pub weights: u32,
}

/// How the int8 weights of a depthwise convolution, with a bias and a multiplier for each channel, stand
/// in the blob.
///
/// Four channels together: `biases[4]` and `multipliers[4]`, `i32` little-endian, around four weights for
/// each tap, whose bytes are those of channels 0, 2, 1, 3: two halves of a word then hold neighbours. The
/// last channels are filled up to four with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters {
    /// Taps in a window, row by row.
    pub taps: usize,
    /// Channels.
    pub channels: usize,
}

/// Channels that stand together.
const LANES: usize = 4;
/// Bytes of their biases, and of their multipliers.
const WORDS_LEN: usize = LANES * size_of::<i32>();

impl Filters {
    /// Bytes of the filters.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.group_len().saturating_mul(self.channels.div_ceil(LANES))
    }

    /// Whether there is nothing to multiply.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.taps == 0 || self.channels == 0
    }

    /// Where the bias of a channel stands, an `i32`, little-endian.
    #[must_use]
    pub const fn bias(&self, channel: usize) -> usize {
        channel / LANES * self.group_len() + channel % LANES * size_of::<i32>()
    }

    /// Where a weight stands, an `i8`.
    #[must_use]
    pub const fn weight(&self, tap: usize, channel: usize) -> usize {
        let swapped = (channel % 2) * 2 + channel / 2 % 2;
        channel / LANES * self.group_len() + WORDS_LEN + tap * LANES + swapped
    }

    /// Where the multiplier of a channel stands, an `i32`, little-endian.
    #[must_use]
    pub const fn multiplier(&self, channel: usize) -> usize {
        self.bias(channel) + self.group_len() - WORDS_LEN
    }

    const fn group_len(&self) -> usize {
        2 * WORDS_LEN + LANES * self.taps
    }

    /// The groups at `offset`, or `None` if they are none, not aligned or outside the blob.
    fn of<'m>(&self, blob: &'m [u32], offset: u32) -> Option<Groups<'m>> {
        let words = constants(blob, offset, self.len() / size_of::<u32>())?;
        (!self.is_empty()).then_some(Groups { words, taps: self.taps })
    }
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Depthwise {
    const KIND: u32 = 5;
    const NAME: &'static str = "depthwise";
    const SCRATCH: bool = true;

    fn cost(&self, site: &Site<'_>) -> Cost {
        let Some(filters) = self.filters(site) else { return Cost::default() };
        let outputs = u64::from(site.output.elements().unwrap_or(u32::MAX));
        Cost { macs: outputs.saturating_mul(filters.taps as u64), bytes: filters.len() as u32 }
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, other: scratch, .. } = site;
        if x.dtype != y.dtype || x.dtype == Dtype::I32 || scratch.dtype != Dtype::I32 {
            return Err(Fault::Operand);
        }
        self.window.check(x, y)?;
        let filters = self.filters(site).ok_or(Fault::Shape)?;
        if x.shape[2] != y.shape[2] || scratch.shape.map(usize::from) != [1, 1, filters.taps] {
            return Err(Fault::Shape);
        }
        if !self.requantize.fits(y) || self.requantize.rescale().is_none() {
            return Err(Fault::Quantization);
        }
        for group in filters.of(site.blob, self.weights).ok_or(Fault::Weights)? {
            group.check_accumulator(x.dtype.range().0.unsigned_abs())?;
        }
        filters.len().try_into().map_err(|_| Fault::Weights)
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.output.dtype {
            Dtype::I8 => self.convolve::<i8>(site, memory),
            _ => self.convolve::<i16>(site, memory),
        }
    }
}

impl Depthwise {
    fn filters(&self, site: &Site<'_>) -> Option<Filters> {
        // As many as a row of the scratch can have.
        let taps = u16::try_from(self.window.taps()).ok()?;
        Some(Filters { taps: taps.into(), channels: site.output.shape[2].into() })
    }
}

/// The filters, from which groups are read one by one.
#[derive(Clone)]
struct Groups<'m> {
    words: &'m [u32],
    taps: usize,
}

impl<'m> Iterator for Groups<'m> {
    type Item = Group<'m>;

    fn next(&mut self) -> Option<Group<'m>> {
        let (biases, behind) = self.words.split_first_chunk::<LANES>()?;
        let (taps, behind) = behind.split_at_checked(self.taps)?;
        let (multipliers, behind) = behind.split_first_chunk::<LANES>()?;
        self.words = behind;
        let [biases, multipliers] = [biases, multipliers].map(bytemuck::must_cast_ref);
        Some(Group { biases, taps: bytemuck::must_cast_slice(taps), multipliers })
    }
}

#[derive(Clone, Copy)]
struct Group<'m> {
    biases: &'m [i32; LANES],
    taps: &'m [[u8; LANES]],
    multipliers: &'m [i32; LANES],
}

impl Group<'_> {
    /// Proves that no input of magnitude up to `largest` overflows a channel's 32-bit sum.
    fn check_accumulator(&self, largest: u32) -> Result<(), Fault> {
        let mut bounds = self.biases.map(|bias| u64::from(bias.unsigned_abs()));
        for weights in self.taps {
            let [a, c, b, d] = weights.map(|w| u64::from((w as i8).unsigned_abs()) * u64::from(largest));
            bounds.iter_mut().zip([a, b, c, d]).for_each(|(bound, weight)| *bound += weight);
        }
        if bounds.iter().all(|&bound| bound <= i32::MAX as u64) { Ok(()) } else { Err(Fault::Accumulator) }
    }
}

// ---- Reference ------------------------------------------------------------------------------------

impl Depthwise {
    fn convolve<X: Activation>(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let Site { input: x, output: y, other: scratch, .. } = site;
        let (filters, rescale) = (self.filters(site)?, self.requantize.rescale_checked());
        let groups = filters.of(site.blob, self.weights)?;
        let size = x.shape.map(usize::from);
        let [height, width, _] = size;
        let [_, columns, channels] = y.shape.map(usize::from);
        let (input, output) = (view::<X>(memory.input, x)?, view_mut::<X>(memory.output, y)?);
        let mut taps = Taps::new(view_mut::<i32>(memory.other, scratch)?);
        let zero = X::from_i16(x.zero_point);
        #[cfg(all(gimbal_asm, not(gimbal_v6m)))]
        let kernel = crate::asm::Channels::new(groups.words, channels, &rescale, zero);
        // All windows inside see their taps at the same places, counted from the first.
        let mut known = false;
        for (row, y) in output.chunks_exact_mut((columns * channels).max(1)).enumerate() {
            let line = self.window.inside(0, row, height).map(|line| line * width);
            #[cfg(gimbal_mve)]
            let done = line.zip(kernel.as_ref()).and_then(|(line, kernel)| {
                let columns = self.inside(width, columns)?;
                let start = self.window.inside(1, columns.start, width).map(|place| (line + place) * channels)?;
                if !known {
                    taps.set(|places| self.locate(size, row, columns.start, start, places));
                    known = true;
                }
                let y = y.get_mut(columns.start * channels..columns.end * channels)?;
                let apart = usize::from(self.window.stride[1]) * channels;
                kernel.run_some(&taps, input.get(start..)?, apart, y)?;
                Some(columns)
            });
            for (column, y) in y.chunks_exact_mut(channels.max(1)).enumerate() {
                #[cfg(gimbal_mve)]
                if done.as_ref().is_some_and(|done| done.contains(&column)) {
                    continue;
                }
                let place = line.and_then(|line| Some(line + self.window.inside(1, column, width)?));
                let start = place.unwrap_or(0) * channels;
                if place.is_none() || !known {
                    taps.set(|places| self.locate(size, row, column, start, places));
                    known = place.is_some();
                }
                let x = input.get(start..)?;
                #[cfg(all(gimbal_asm, not(gimbal_v6m)))]
                let done = kernel.as_ref().map_or(0, |kernel| kernel.run(&taps, x, y));
                #[cfg(not(all(gimbal_asm, not(gimbal_v6m))))]
                let done = 0;
                if done < channels {
                    let seen = Seen { places: taps.places(), padding: &[zero; LANES], rescale: &rescale };
                    portable(groups.clone().skip(done / LANES), &seen, x.get(done..)?, y.get_mut(done..)?);
                }
            }
        }
        Some(())
    }

    /// Which of the outputs of a row see no padding at either side.
    #[cfg(gimbal_mve)]
    fn inside(&self, width: usize, columns: usize) -> Option<core::ops::Range<usize>> {
        let core::ops::Range { start, end } = self.window.whole(1, width);
        let inside = start..end.min(columns);
        (!inside.is_empty()).then_some(inside)
    }

    /// Where the taps of a window stand, counted from `start`.
    fn locate(&self, [height, width, channels]: [usize; 3], row: usize, column: usize, start: usize, to: &mut [i32]) {
        let [size, stride, dilation, padding] = self.window.along(1);
        let first = column.wrapping_mul(stride).wrapping_sub(padding);
        for (down, to) in to.chunks_exact_mut(size.max(1)).enumerate() {
            let Some(line) = self.window.input(0, row, down, height) else {
                to.fill(PADDING);
                continue;
            };
            let line = (line * width * channels).wrapping_sub(start);
            let mut place = first;
            for (across, to) in to.iter_mut().enumerate() {
                // Most are inside, and need not be asked for.
                let inside = if place < width { Some(place) } else { self.window.input(1, column, across, width) };
                *to = inside.map_or(PADDING, |place| line.wrapping_add(place * channels) as i32);
                place = place.wrapping_add(dilation);
            }
        }
    }
}

/// The reference, on any target.
fn portable<'m, X: Activation>(
    mut groups: impl Iterator<Item = Group<'m>>,
    seen: &Seen<'_, X>,
    mut x: &[X],
    y: &mut [X],
) {
    let (quads, rest) = y.as_chunks_mut();
    for (y, group) in pairs(quads.iter_mut(), groups.by_ref()) {
        multiply(&group, seen, x, y);
        x = x.get(LANES..).unwrap_or_default();
    }
    if let Some(group) = groups.next() {
        multiply_some(&group, seen, x, rest);
    }
}

/// What is the same for all channels of an output.
struct Seen<'a, X> {
    places: &'a [i32],
    padding: &'a [X; LANES],
    rescale: &'a Rescale,
}

/// Four channels, the first of which `x` begins with. Written out lane by lane: loops over four stay loops
/// where the compiler saves flash.
#[inline(never)]
fn multiply<X: Activation>(group: &Group<'_>, seen: &Seen<'_, X>, x: &[X], y: &mut [X; LANES]) {
    let &[mut s, mut t, mut u, mut v] = group.biases;
    for (&place, &[f, h, g, i]) in seen.places.iter().zip(group.taps) {
        // Never negative, so that the compiler knows that no sum overflows.
        let at = (place & PADDING) as usize;
        let &[a, b, c, d] = x.get(at..at + LANES).and_then(|x| x.first_chunk()).unwrap_or(seen.padding);
        s = s.wrapping_add(product(a, f));
        t = t.wrapping_add(product(b, g));
        u = u.wrapping_add(product(c, h));
        v = v.wrapping_add(product(d, i));
    }
    let &[k, l, m, n] = group.multipliers;
    let of = |sum: i32, multiplier: i32| X::from_i16(seen.rescale.apply(sum, multiplier));
    *y = [of(s, k), of(t, l), of(u, m), of(v, n)];
}

#[inline]
fn product<X: Activation>(x: X, weight: u8) -> i32 {
    let x: i16 = x.into();
    i32::from(x) * i32::from(weight as i8)
}

/// The same for the last channels, which are fewer than four.
#[inline(never)]
fn multiply_some<X: Activation>(group: &Group<'_>, seen: &Seen<'_, X>, x: &[X], y: &mut [X]) {
    let (mut sums, multipliers, &[zero, ..]) = (*group.biases, group.multipliers, seen.padding);
    for (&place, &[f, h, g, i]) in seen.places.iter().zip(group.taps) {
        for ((sum, weight), at) in sums.iter_mut().zip([f, g, h, i]).zip(place as usize..) {
            *sum = sum.wrapping_add(product(x.get(at).copied().unwrap_or(zero), weight));
        }
    }
    for ((y, sum), &multiplier) in y.iter_mut().zip(sums).zip(multipliers) {
        *y = X::from_i16(seen.rescale.apply(sum, multiplier));
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, requantize, tensor, values};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    struct Case {
        depthwise: Depthwise,
        x: Tensor,
        y: Tensor,
        weights: Vec<i8>,
        biases: Vec<i32>,
        multipliers: Vec<i32>,
        input: Vec<i16>,
    }

    fn case(dtype: Dtype) -> impl Strategy<Value = Case> {
        let (min, max) = (dtype.range().0 as i16, dtype.range().1 as i16);
        let axis = || {
            (1u16..4, 1u16..3, 1u16..3, 1u16..9, any::<bool>())
                .prop_flat_map(|axis| (Just(axis), 0..=(axis.0 - 1) * axis.2))
        };
        (axis(), axis(), 1u16..11)
            .prop_filter_map("the window must fit", move |((down, top), (across, left), channels)| {
                let window = Window {
                    size: [down.0, across.0],
                    stride: [down.1, across.1],
                    dilation: [down.2, across.2],
                    padding: [top, left],
                    circular: u16::from(down.4) | u16::from(across.4) << 1,
                    reserved: 0,
                };
                let x = tensor(dtype, [down.3, across.3, channels]);
                let shape = [(down.3 + top).div_ceil(down.1), (across.3 + left).div_ceil(across.1), channels];
                let y = tensor(dtype, shape);
                window.check(&x, &y).is_ok().then_some((window, x, y))
            })
            .prop_flat_map(move |(window, x, y)| {
                let channels = usize::from(y.shape[2]);
                (
                    (min..=max, -128i16..=127, 33u16..50),
                    prop::collection::vec(any::<i8>(), window.taps() as usize * channels),
                    prop::collection::vec(-100_000i32..100_000, channels),
                    prop::collection::vec(prop_oneof![1i32..i32::MAX, Just(i32::MAX)], channels),
                    values(dtype, &x),
                )
                    .prop_map(
                        move |((zero, zero_point, shift), weights, biases, multipliers, input)| Case {
                            depthwise: Depthwise {
                                operands: Operands::new(0, 1).with_scratch(2),
                                window,
                                requantize: Requantize { shift, zero_point, min, max },
                                weights: 0,
                            },
                            x: Tensor { zero_point: zero, ..x },
                            y: Tensor { zero_point, ..y },
                            weights,
                            biases,
                            multipliers,
                            input,
                        },
                    )
            })
    }

    /// The formula as it stands above, index by index, in 64 bits and with the padding written out.
    fn oracle(case: &Case) -> Vec<i16> {
        let w = &case.depthwise.window;
        let [height, width, channels] = case.x.shape.map(i64::from);
        let place = |axis: usize, at: u16, tap: u16, inputs: i64| {
            let place = i64::from(at) * i64::from(w.stride[axis]) + i64::from(tap) * i64::from(w.dilation[axis])
                - i64::from(w.padding[axis]);
            let around = w.circular >> axis & 1 == 1;
            if around { Some(place.rem_euclid(inputs)) } else { Some(place).filter(|at| (0..inputs).contains(at)) }
        };
        let mut y = Vec::new();
        for i in 0..case.y.shape[0] {
            for j in 0..case.y.shape[1] {
                for c in 0..channels as usize {
                    let mut sum = i64::from(case.biases[c]);
                    for k in 0..w.size[0] {
                        for l in 0..w.size[1] {
                            let x = match (place(0, i, k, height), place(1, j, l, width)) {
                                (Some(i), Some(j)) => case.input[((i * width + j) * channels) as usize + c],
                                _ => case.x.zero_point,
                            };
                            let tap = usize::from(k * w.size[1] + l);
                            sum += i64::from(x) * i64::from(case.weights[tap * channels as usize + c]);
                        }
                    }
                    y.push(requantize(sum, case.multipliers[c], &case.depthwise.requantize));
                }
            }
        }
        y
    }

    /// As an exporter writes them.
    fn pack(case: &Case) -> Vec<u8> {
        let filters = filters(case);
        let mut bytes = vec![0; filters.len()];
        for channel in 0..filters.channels {
            bytes[filters.bias(channel)..][..4].copy_from_slice(&case.biases[channel].to_le_bytes());
            bytes[filters.multiplier(channel)..][..4].copy_from_slice(&case.multipliers[channel].to_le_bytes());
            for tap in 0..filters.taps {
                bytes[filters.weight(tap, channel)] = case.weights[tap * filters.channels + channel] as u8;
            }
        }
        bytes
    }

    fn filters(case: &Case) -> Filters {
        Filters { taps: case.depthwise.window.taps() as usize, channels: case.y.shape[2].into() }
    }

    fn bench(case: &Case) -> Bench {
        let Filters { taps, .. } = filters(case);
        let scratch = tensor(Dtype::I32, [1, 1, taps as u16]);
        Bench { tensors: vec![case.x, case.y, scratch], blob: pack(case) }
    }

    fn run(case: &Case) -> Vec<i16> {
        bench(case).run(&Operator::Depthwise(case.depthwise), &case.input)
    }

    proptest! {
        #[test]
        fn features_equal_the_oracle(case in case(Dtype::I8)) {
            prop_assert_eq!(run(&case), oracle(&case));
        }

        #[test]
        fn sixteen_bits_equal_the_oracle(case in case(Dtype::I16)) {
            prop_assert_eq!(run(&case), oracle(&case));
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let (x, y) = (tensor(Dtype::I8, [3, 3, 5]), tensor(Dtype::I8, [3, 3, 5]));
        let requantize = Requantize { shift: 40, zero_point: 0, min: -128, max: 127 };
        let window = Window { size: [3; 2], padding: [1; 2], ..Window::POINT };
        let good = Case {
            depthwise: Depthwise { operands: Operands::new(0, 1).with_scratch(2), window, requantize, weights: 0 },
            x,
            y,
            weights: vec![-128; 9 * 5],
            biases: vec![i32::MAX - 9 * 128 * 128; 5],
            multipliers: vec![1; 5],
            input: vec![0; 45],
        };
        let refused = |change: fn(&mut Depthwise, &mut Bench)| {
            let (mut depthwise, mut bench) = (good.depthwise, bench(&good));
            change(&mut depthwise, &mut bench);
            bench.check(&Operator::Depthwise(depthwise)).err()
        };
        assert_eq!(bench(&good).check(&Operator::Depthwise(good.depthwise)), Ok(2 * (16 + 9 * 4 + 16)));
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I16), Some(Fault::Operand));
        assert_eq!(
            refused(|_, bench| bench.tensors[..2].iter_mut().for_each(|tensor| tensor.dtype = Dtype::I32)),
            Some(Fault::Operand)
        );
        assert_eq!(refused(|_, bench| bench.tensors[2].dtype = Dtype::I16), Some(Fault::Operand));
        assert_eq!(refused(|d, _| d.operands.scratch = crate::format::NONE), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[1] = 2), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[2] = 8), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[0].shape[2] = 6), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[0] = 5), Some(Fault::Shape));
        assert_eq!(refused(|d, _| d.window.reserved = 1), Some(Fault::Shape));
        assert_eq!(refused(|d, _| d.window.stride = [0; 2]), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].zero_point = 1), Some(Fault::Quantization));
        assert_eq!(refused(|d, _| d.requantize.shift = 32), Some(Fault::Quantization));
        assert_eq!(refused(|d, _| d.requantize.max = 128), Some(Fault::Quantization));
        assert_eq!(
            refused(|d, bench| {
                bench.blob.extend([0; 4]);
                d.weights = 2
            }),
            Some(Fault::Weights)
        );
        assert_eq!(refused(|d, _| d.weights = 4), Some(Fault::Weights));
        // The last channel's bias, a little larger.
        assert_eq!(refused(|_, bench| bench.blob[69] += 1), Some(Fault::Accumulator));
    }
}
