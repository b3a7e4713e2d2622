//! The same elements in other places: slices, transposed, repeated, or under another shape.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Element, copy, view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[i] = x[offset + Σ_k j_k · strides[k]]`, where `j` are the digits of `i`: `j_3` runs fastest, and each
/// `j_k` from 0 to `shape[k] − 1`.
///
/// Any type; scale and zero point stay. The sizes multiply to the number of the output's elements, and
/// need not be its shape. A stride of 0 repeats, a negative one goes backwards. What goes beyond four
/// sizes takes more than one of these: nearest upsampling of an image takes one for each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Rearrange {
    /// Input and output.
    pub operands: Operands,
    /// How often each loop turns, outermost first.
    pub shape: [u16; 4],
    /// How many elements each loop moves on in the input.
    pub strides: [i32; 4],
    /// Where in the input the first element stands.
    pub offset: i32,
}

impl Rearrange {
    /// `y[i, j, k] = x[start + step · (i, j, k)]` for each of the three axes; `shape` is the output's.
    ///
    /// Negative steps turn an axis round, and a step of 0 repeats an element.
    #[must_use]
    pub const fn slice(operands: Operands, x: [u16; 3], start: [u16; 3], step: [i16; 3], shape: [u16; 3]) -> Self {
        let [a, b, c] = strides(x);
        let [p, q, r] = step;
        let [i, j, k] = shape;
        let all = Self {
            operands,
            shape: [1, i, j, k],
            strides: [0, a.wrapping_mul(p as i32), b.wrapping_mul(q as i32), c.wrapping_mul(r as i32)],
            offset: a
                .wrapping_mul(start[0] as i32)
                .wrapping_add(b.wrapping_mul(start[1] as i32))
                .wrapping_add(start[2] as i32),
        };
        all.merged()
    }

    /// `y` has all elements of `x` in their order, whatever its shape.
    #[must_use]
    pub const fn reshape(operands: Operands, x: [u16; 3]) -> Self {
        Self::slice(operands, x, [0; 3], [1; 3], x)
    }

    /// Axis `k` of `y` is axis `axes[k]` of `x`; axes beyond 2 count as 2.
    #[must_use]
    pub const fn transpose(operands: Operands, x: [u16; 3], axes: [usize; 3]) -> Self {
        let strides = strides(x);
        let mut all = Self { operands, shape: [1; 4], strides: [0; 4], offset: 0 };
        let mut k = 0;
        while k < axes.len() {
            let axis = if axes[k] < 2 { axes[k] } else { 2 };
            all.shape[k + 1] = x[axis];
            all.strides[k + 1] = strides[axis];
            k += 1;
        }
        all.merged()
    }

    /// Every element `factor` times along an axis, side by side; axes beyond 2 count as 2.
    #[must_use]
    pub const fn upsample(operands: Operands, x: [u16; 3], axis: usize, factor: u16) -> Self {
        let strides = strides(x);
        let axis = if axis < 2 { axis } else { 2 };
        let mut all = Self { operands, shape: [factor; 4], strides: [0; 4], offset: 0 };
        let mut k = 0;
        while k < x.len() {
            let to = if k <= axis { k } else { k + 1 };
            all.shape[to] = x[k];
            all.strides[to] = strides[k];
            k += 1;
        }
        all.merged()
    }

    /// The same with neighbouring loops made one where the outer goes on where the inner ends: long runs
    /// are copied at once.
    const fn merged(self) -> Self {
        let ([a, b, c, d], [p, q, r, s]) = (self.shape, self.strides);
        let (mut a, mut b, mut c, mut d) = ((a, p), (b, q), (c, r), (d, s));
        // Each pass moves what turns but once outwards by a place, and nothing needs more than three.
        let mut pass = 0;
        while pass < 3 {
            (c, d) = joined(c, d);
            (b, c) = joined(b, c);
            (a, b) = joined(a, b);
            pass += 1;
        }
        Self { shape: [a.0, b.0, c.0, d.0], strides: [a.1, b.1, c.1, d.1], ..self }
    }
}

/// Two neighbouring loops, or, where one will do, that one inside of one that turns but once.
const fn joined(outer: (u16, i32), inner: (u16, i32)) -> ((u16, i32), (u16, i32)) {
    let together = outer.0 as u32 * inner.0 as u32;
    let goes_on = outer.1 as i64 == inner.1 as i64 * inner.0 as i64;
    match (outer, inner) {
        ((1, _), (1, _)) => ((1, 0), (1, 0)),
        (outer, (1, _)) => ((1, 0), outer),
        ((1, _), inner) => ((1, 0), inner),
        _ if goes_on && together <= u16::MAX as u32 => ((1, 0), (together as u16, inner.1)),
        _ => (outer, inner),
    }
}

/// Elements from one to the next along each axis.
const fn strides([_, height, width]: [u16; 3]) -> [i32; 3] {
    [(height as i32).wrapping_mul(width as i32), width as i32, 1]
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Rearrange {
    const KIND: u32 = 10;
    const NAME: &'static str = "rearrange";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: x, output: y, .. } = site;
        if x.dtype != y.dtype {
            return Err(Fault::Operand);
        }
        // No more than 4 · 2¹⁶ · 2³¹ away from the offset.
        let (mut min, mut max) = (i64::from(self.offset), i64::from(self.offset));
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            let way = (i64::from(size) - 1) * i64::from(stride);
            (min, max) = (min + way.min(0), max + way.max(0));
        }
        let elements = self.shape.iter().try_fold(1u32, |elements, &size| elements.checked_mul(size.into()));
        let inside = min >= 0 && max < x.elements().ok_or(Fault::Shape)?.into();
        if !inside || elements.is_none_or(|count| count == 0) || elements != y.elements() {
            return Err(Fault::Shape);
        }
        if x.same_meaning(y) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        match site.output.dtype {
            Dtype::I8 => self.rearrange::<i8>(site, memory),
            Dtype::I16 => self.rearrange::<i16>(site, memory),
            Dtype::I32 => self.rearrange::<i32>(site, memory),
        }
    }
}

// ---- Reference ------------------------------------------------------------------------------------

impl Rearrange {
    fn rearrange<X: Element>(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let (x, y) = (view::<X>(memory.input, site.input)?, view_mut::<X>(memory.output, site.output)?);
        // Places wrap on their way and are inside where they arrive.
        let [a, b, c, stride] = self.strides.map(|stride| stride as u32);
        let [_, height, width, len] = self.shape.map(u32::from);
        let (mut j, mut k) = (0, 0);
        let mut plane = self.offset as u32;
        let (mut row, mut at) = (plane, plane);
        for y in y.chunks_exact_mut((len as usize).max(1)) {
            run(x, y, at, stride)?;
            (k, at) = (k + 1, at.wrapping_add(c));
            if k == width {
                (j, k, row) = (j + 1, 0, row.wrapping_add(b));
                if j == height {
                    (j, plane) = (0, plane.wrapping_add(a));
                    row = plane;
                }
                at = row;
            }
        }
        Some(())
    }
}

/// The innermost loop.
fn run<X: Element>(x: &[X], y: &mut [X], start: u32, stride: u32) -> Option<()> {
    if stride == 1 {
        copy(x.get(start as usize..)?, y);
        return Some(());
    }
    let mut at = start;
    for y in y {
        *y = *x.get(at as usize)?;
        at = at.wrapping_add(stride);
    }
    Some(())
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor};
    use super::*;
    use crate::format::Tensor;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const OPERANDS: Operands = Operands::new(0, 1);

    fn dtype() -> impl Strategy<Value = Dtype> {
        prop_oneof![Just(Dtype::I8), Just(Dtype::I16), Just(Dtype::I32)]
    }

    fn shape() -> [std::ops::Range<u16>; 3] {
        [1..6, 1..6, 1..6]
    }

    /// Elements that are all different while there are less than 256.
    fn numbers(x: &Tensor) -> Vec<i16> {
        (0..x.elements().unwrap()).map(|i| (i % 256) as i16 - 128).collect()
    }

    /// What the operator makes of [`numbers`], and the same by `from`: where in the input an element of
    /// the output comes from.
    fn both(
        rearrange: Rearrange,
        dtype: Dtype,
        [x, y]: [[u16; 3]; 2],
        from: impl Fn([usize; 3]) -> [usize; 3],
    ) -> [Vec<i32>; 2] {
        let bench = Bench { tensors: vec![tensor(dtype, x), tensor(dtype, y)], blob: Vec::new() };
        let input = numbers(&bench.tensors[0]);
        let [_, height, width] = x.map(usize::from);
        let mut expected = Vec::new();
        for i in 0..y[0] {
            for j in 0..y[1] {
                for k in 0..y[2] {
                    let [i, j, k] = from([i, j, k].map(usize::from));
                    expected.push(input[i * height * width + j * width + k].into());
                }
            }
        }
        [bench.run_wide(&Operator::Rearrange(rearrange), [&input, &[]]), expected]
    }

    proptest! {
        #[test]
        fn slices(
            dtype in dtype(),
            axes in [0, 1, 2].map(|_| (1u16..7).prop_flat_map(|size| (Just(size), 0..size, -2i16..=2)
                .prop_flat_map(|(size, start, step)| {
                    let room = if step < 0 { start } else { size - 1 - start };
                    let most = if step == 0 { 4 } else { room / step.unsigned_abs() + 1 };
                    (Just(size), Just(start), Just(step), 1..=most)
                }))),
        ) {
            let (x, start) = (axes.map(|axis| axis.0), axes.map(|axis| axis.1));
            let (step, y) = (axes.map(|axis| axis.2), axes.map(|axis| axis.3));
            let slice = Rearrange::slice(OPERANDS, x, start, step, y);
            let [found, expected] = both(slice, dtype, [x, y], |at| {
                [0, 1, 2].map(|k| (i64::from(start[k]) + i64::from(step[k]) * at[k] as i64) as usize)
            });
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn transposed(dtype in dtype(), x in shape(), axes in Just([0, 1, 2]).prop_shuffle()) {
            let transpose = Rearrange::transpose(OPERANDS, x, axes);
            let [found, expected] = both(transpose, dtype, [x, axes.map(|axis| x[axis])], |at| {
                let mut from = [0; 3];
                (0..3).for_each(|k| from[axes[k]] = at[k]);
                from
            });
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn upsampled(dtype in dtype(), x in shape(), axis in 0usize..3, factor in 1u16..5) {
            let mut y = x;
            y[axis] *= factor;
            let [found, expected] = both(Rearrange::upsample(OPERANDS, x, axis, factor), dtype, [x, y], |mut at| {
                at[axis] /= usize::from(factor);
                at
            });
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn reshaped(dtype in dtype(), x in shape(), turn in 0usize..3) {
            let mut y = [x[0] * x[1], x[2], 1];
            y.rotate_left(turn);
            let bench = Bench { tensors: vec![tensor(dtype, x), tensor(dtype, y)], blob: Vec::new() };
            let input = numbers(&bench.tensors[0]);
            let found = bench.run_wide(&Operator::Rearrange(Rearrange::reshape(OPERANDS, x)), [&input, &[]]);
            prop_assert_eq!(found, input.into_iter().map(i32::from).collect::<Vec<_>>());
        }

        /// Any loops at all: the loader takes those that stay inside, and they do what the formula says.
        #[test]
        fn any_loops(
            dtype in dtype(),
            x in shape(),
            shape in [1u16..5, 1u16..5, 1u16..5, 1u16..5],
            strides in [-6i32..7, -6i32..7, -6i32..7, -6i32..7],
            offset in -3i32..130,
        ) {
            let count: u16 = shape.iter().product();
            let bench = Bench { tensors: vec![tensor(dtype, x), tensor(dtype, [1, count, 1])], blob: Vec::new() };
            let input = numbers(&bench.tensors[0]);
            let rearrange = Rearrange { operands: OPERANDS, shape, strides, offset };
            let from: Vec<i32> = (0..i32::from(count)).map(|i| {
                let [_, b, c, d] = shape.map(i32::from);
                let digits = [i / d / c / b, i / d / c % b, i / d % c, i % d];
                offset + digits.iter().zip(&strides).map(|(digit, stride)| digit * stride).sum::<i32>()
            }).collect();
            let operator = Operator::Rearrange(rearrange);
            if from.iter().all(|&at| (0..input.len() as i32).contains(&at)) {
                let expected: Vec<i32> = from.iter().map(|&at| input[at as usize].into()).collect();
                prop_assert_eq!(bench.run_wide(&operator, [&input, &[]]), expected);
            } else {
                prop_assert_eq!(bench.check(&operator), Err(Fault::Shape));
            }
        }
    }

    #[test]
    fn neighbouring_loops_become_one() {
        let loops = |rearrange: Rearrange| (rearrange.shape, rearrange.strides);
        assert_eq!(loops(Rearrange::reshape(OPERANDS, [4, 5, 6])), ([1, 1, 1, 120], [0, 0, 0, 1]));
        // 65,536 is one too many.
        assert_eq!(loops(Rearrange::reshape(OPERANDS, [4, 256, 256])), ([1, 1, 1024, 256], [0, 0, 256, 1]));
        let rows = Rearrange::slice(OPERANDS, [4, 5, 6], [1, 2, 0], [1; 3], [2, 3, 6]);
        assert_eq!((loops(rows), rows.offset), (([1, 1, 2, 18], [0, 0, 30, 1]), 42));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |change: fn(&mut Rearrange, &mut Bench)| {
            let mut bench = Bench { tensors: vec![tensor(Dtype::I16, [2, 3, 4]); 2], blob: Vec::new() };
            let mut rearrange = Rearrange::reshape(OPERANDS, [2, 3, 4]);
            change(&mut rearrange, &mut bench);
            bench.check(&Operator::Rearrange(rearrange)).err()
        };
        assert_eq!(refused(|_, _| {}), None);
        assert_eq!(refused(|_, bench| bench.tensors[0].dtype = Dtype::I32), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[0] = 3), Some(Fault::Shape));
        assert_eq!(refused(|r, _| r.shape[0] = 0), Some(Fault::Shape));
        assert_eq!(
            refused(|r, bench| {
                r.shape[0] = 0;
                bench.tensors[1].shape[0] = 0
            }),
            Some(Fault::Shape)
        );
        assert_eq!(refused(|r, _| r.shape = [u16::MAX; 4]), Some(Fault::Shape));
        assert_eq!(refused(|r, _| r.offset = 1), Some(Fault::Shape));
        assert_eq!(refused(|r, _| r.offset = -1), Some(Fault::Shape));
        assert_eq!(refused(|r, _| r.strides[3] = -1), Some(Fault::Shape));
        assert_eq!(refused(|r, _| (r.offset, r.strides[3]) = (23, -1)), None);
        assert_eq!(refused(|r, _| r.strides[3] = i32::MAX), Some(Fault::Shape));
        assert_eq!(refused(|r, _| r.operands.inputs[0] = crate::format::NONE), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[0].zero_point = 1), Some(Fault::Quantization));
        assert_eq!(refused(|_, bench| bench.tensors[1].scale = 1.0 + f32::EPSILON), Some(Fault::Quantization));
    }
}
