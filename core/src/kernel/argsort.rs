//! The order of a set's elements by their scores.

use super::{Cost, Fault, Memory, Operands, Record, Site};
use crate::arena::{Element, view, view_mut};
use crate::format::Dtype;
use bytemuck::{Pod, Zeroable};

// ---- Record ---------------------------------------------------------------------------------------

/// `y[0, k, 0]` is the element that stands at place `k`, the one with the largest score first, and `y[1, k, 0]` how far
/// its score is above that at the next place.
///
/// Elements whose scores are equal stand in the order of their rows, the one with the smaller number first where two
/// rows first differ; equal rows, which nothing tells apart, in the order in which they were given. The gap of a tie is
/// 0. Gaps are `u16`, and one of 2¹⁶ − 1 is that or more, or stands at the last place, which has no next.
///
/// The output has scale 1 and zero point 0, so that its elements are what they stand for; there are at most 2¹⁵ − 1 elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Argsort {
    /// Scores of any type, `[1, elements, 1]`, the rows of the elements, `i16[1, elements, numbers]`, which are the
    /// canonical window, and `i16[2, elements, 1]`.
    pub operands: Operands,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Record for Argsort {
    const KIND: u32 = 20;
    const NAME: &'static str = "argsort";

    fn cost(&self, _site: &Site<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, site: &Site<'_>) -> Result<u32, Fault> {
        let Site { input: scores, other: rows, output: y, .. } = site;
        if rows.dtype != Dtype::I16 || y.dtype != Dtype::I16 {
            return Err(Fault::Operand);
        }
        let [_, elements, numbers] = rows.shape;
        let shapes =
            [scores.shape, rows.shape, y.shape] == [[1, elements, 1], [1, elements, numbers], [2, elements, 1]];
        if !shapes || elements == 0 || elements >= 1 << 15 {
            return Err(Fault::Shape);
        }
        if (y.scale, y.zero_point) == (1.0, 0) { Ok(0) } else { Err(Fault::Quantization) }
    }

    fn run(&self, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
        let rows = Rows { numbers: view(memory.other, site.other)?, width: site.other.shape[2].into() };
        let y = view_mut::<i16>(memory.output, site.output)?;
        let (places, gaps) = y.split_at_mut_checked(y.len() / 2)?;
        match site.input.dtype {
            Dtype::I8 => order::<i8>(view(memory.input, site.input)?, &rows, places, gaps),
            Dtype::I16 => order::<i16>(view(memory.input, site.input)?, &rows, places, gaps),
            Dtype::I32 => order::<i32>(view(memory.input, site.input)?, &rows, places, gaps),
        }
    }
}

// ---- Reference ------------------------------------------------------------------------------------

/// The numbers of all elements, one row behind the other.
struct Rows<'a> {
    numbers: &'a [i16],
    width: usize,
}

impl Rows<'_> {
    fn of(&self, element: i16) -> &[i16] {
        let start = (element as usize).wrapping_mul(self.width);
        self.numbers.get(start..).and_then(|rest| rest.get(..self.width)).unwrap_or_default()
    }
}

fn order<X: Element + Ord + Into<i32>>(
    scores: &[X],
    rows: &Rows<'_>,
    places: &mut [i16],
    gaps: &mut [i16],
) -> Option<()> {
    let score = |element: i16| -> i32 { scores.get(element as usize).map_or(0, |&score| score.into()) };
    let before = |a: i16, b: i16| {
        // The greater score is the earlier one.
        let by_score = score(b).cmp(&score(a));
        by_score.then_with(|| rows.of(a).cmp(rows.of(b))).then(a.cmp(&b)).is_lt()
    };
    for (place, element) in places.iter_mut().zip(0..) {
        *place = element;
    }
    sort(places, gaps, &before)?;
    let next = places.iter().skip(1);
    for ((gap, &element), &next) in gaps.iter_mut().zip(&*places).zip(next) {
        *gap = score(element).abs_diff(score(next)).min(u16::MAX.into()) as u16 as i16;
    }
    *gaps.last_mut()? = u16::MAX as i16;
    Some(())
}

/// Sorts by merging longer and longer runs, in memory of the same length beside: no more comparisons than elements times
/// the number's binary digits, no recursion, and no panic as the standard library's keeps one for orders that are none.
fn sort(places: &mut [i16], spare: &mut [i16], before: &dyn Fn(i16, i16) -> bool) -> Option<()> {
    let mut run = 1usize;
    while run < places.len() {
        let (mut from, mut to) = (&*places, &mut *spare);
        while !from.is_empty() {
            let both = from.split_off(..from.len().min(run.wrapping_mul(2)))?;
            let (a, b) = both.split_at_checked(both.len().min(run))?;
            merge(a, b, to.split_off_mut(..both.len())?, before);
        }
        places.iter_mut().zip(&*spare).for_each(|(place, &merged)| *place = merged);
        run = run.wrapping_mul(2);
    }
    Some(())
}

/// Two sorted runs as one.
fn merge<'r>(mut a: &'r [i16], mut b: &'r [i16], to: &mut [i16], before: &dyn Fn(i16, i16) -> bool) {
    for to in to {
        let from = match (a.first(), b.first()) {
            (Some(&first), Some(&second)) if before(second, first) => &mut b,
            (None, _) => &mut b,
            _ => &mut a,
        };
        if let Some((&next, rest)) = from.split_first() {
            (*to, *from) = (next, rest);
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, tensor};
    use super::*;
    use crate::format::NONE;
    use crate::kernel::Operator;
    use proptest::prelude::*;

    const OPERANDS: Operands = Operands { inputs: [0, 1], output: 2, scratch: NONE };

    fn bench(dtype: Dtype, elements: u16, numbers: u16) -> Bench {
        let (scores, rows) = (tensor(dtype, [1, elements, 1]), tensor(Dtype::I16, [1, elements, numbers]));
        Bench { tensors: vec![scores, rows, tensor(Dtype::I16, [2, elements, 1])], blob: Vec::new() }
    }

    /// Places and gaps.
    fn run(dtype: Dtype, scores: &[i16], rows: &[i16]) -> (Vec<usize>, Vec<u16>) {
        let bench = bench(dtype, scores.len() as u16, (rows.len() / scores.len()) as u16);
        let y = bench.run_on(&Operator::Argsort(Argsort { operands: OPERANDS }), [scores, rows]);
        let (places, gaps) = y.split_at(scores.len());
        (places.iter().map(|&place| place as usize).collect(), gaps.iter().map(|&gap| gap as u16).collect())
    }

    /// Scores of a type and rows of two numbers, with many equals among both.
    fn set() -> impl Strategy<Value = (Dtype, Vec<i16>, Vec<i16>)> {
        let dtype = prop_oneof![Just(Dtype::I8), Just(Dtype::I16), Just(Dtype::I32)];
        (dtype, 1usize..70, prop_oneof![Just(3i16), Just(1000)]).prop_flat_map(|(dtype, elements, most)| {
            let most = if dtype == Dtype::I8 { most.min(127) } else { most };
            let extreme = if dtype == Dtype::I8 { 127 } else { i16::MAX };
            let score = prop_oneof![20 => -most..=most, 1 => Just(extreme), 1 => Just(-extreme - 1)];
            let scores = prop::collection::vec(score, elements);
            (Just(dtype), scores, prop::collection::vec(-1i16..=1, 2 * elements))
        })
    }

    proptest! {
        #[test]
        fn equals_the_standard_librarys((dtype, scores, rows) in set()) {
            let mut expected: Vec<usize> = (0..scores.len()).collect();
            expected.sort_by_key(|&at| (-i32::from(scores[at]), rows[2 * at], rows[2 * at + 1], at));
            let gaps: Vec<u16> = expected
                .windows(2)
                .map(|pair| (i64::from(scores[pair[0]]) - i64::from(scores[pair[1]])).min(65_535) as u16)
                .chain([u16::MAX])
                .collect();
            prop_assert_eq!(run(dtype, &scores, &rows), (expected, gaps));
        }

        /// What stands at each place is the same, whatever the order in which the elements come.
        #[test]
        fn other_orders_put_the_same_rows_in_place((dtype, scores, rows) in set(), seed: u64) {
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by_key(|&at| (at as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            let shuffled: Vec<i16> = order.iter().map(|&at| scores[at]).collect();
            let shuffled_rows: Vec<i16> = order.iter().flat_map(|&at| [rows[2 * at], rows[2 * at + 1]]).collect();
            let placed = |(places, gaps): (Vec<usize>, Vec<u16>), scores: &[i16], rows: &[i16]| {
                let rows: Vec<_> = places.iter().map(|&at| (scores[at], rows[2 * at], rows[2 * at + 1])).collect();
                (rows, gaps)
            };
            let (straight, other) = (run(dtype, &scores, &rows), run(dtype, &shuffled, &shuffled_rows));
            prop_assert_eq!(placed(straight, &scores, &rows), placed(other, &shuffled, &shuffled_rows));
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused = |change: fn(&mut Argsort, &mut Bench)| {
            let (mut argsort, mut bench) = (Argsort { operands: OPERANDS }, bench(Dtype::I32, 4, 3));
            change(&mut argsort, &mut bench);
            bench.check(&Operator::Argsort(argsort)).err()
        };
        assert_eq!(refused(|_, _| {}), None);
        assert_eq!(refused(|_, bench| bench.tensors[1].dtype = Dtype::I8), Some(Fault::Operand));
        assert_eq!(refused(|_, bench| bench.tensors[2].dtype = Dtype::I32), Some(Fault::Operand));
        assert_eq!(refused(|argsort, _| argsort.operands.inputs[1] = NONE), Some(Fault::Operand));
        assert_eq!(refused(|argsort, _| argsort.operands.inputs[0] = NONE), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[0].shape[2] = 2), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[1].shape[1] = 5), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[2].shape[0] = 1), Some(Fault::Shape));
        fn many(bench: &mut Bench) {
            bench.tensors.iter_mut().for_each(|tensor| tensor.shape[1] = 1 << 15);
        }
        assert_eq!(refused(|_, bench| many(bench)), Some(Fault::Shape));
        assert_eq!(refused(|_, bench| bench.tensors[2].scale = 0.5), Some(Fault::Quantization));
        assert_eq!(refused(|_, bench| bench.tensors[2].zero_point = 1), Some(Fault::Quantization));
    }
}
