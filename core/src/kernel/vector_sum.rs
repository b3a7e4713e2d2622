//! Sum over time, of int16 vectors, exact.

use super::{Cost, Kernel, Operands, pairs};
use crate::arena::Arena;
use crate::error::Error;
use crate::format::{Dtype, TensorId};
use crate::model::Model;
use serde::{Deserialize, Serialize};

// ---- Record ---------------------------------------------------------------------------------------

/// `v[p, t, c] → sum[p, 0, c] = Σ_t v[p, t, c]` in 32 bits, without rounding: the directions that make
/// a pose come from here, and a mean in 16 bits would cost them more than all layers before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorSum {
    /// `i16[3, length, channels]`.
    pub input: TensorId,
    /// `i32[3, 1, channels]`.
    pub output: TensorId,
}

// ---- Check ----------------------------------------------------------------------------------------

impl Kernel for VectorSum {
    const NAME: &'static str = "vector_sum";

    fn operands(&self) -> Operands {
        Operands { input: Some(self.input), output: self.output, scratch: None }
    }

    fn cost(&self, _model: &Model<'_>) -> Cost {
        Cost::default()
    }

    fn check(&self, model: &Model<'_>, operator: u16) -> Result<(), Error> {
        let (v, sum) = model.operands(self.input, self.output).ok_or(Error::Operand { operator })?;
        if (v.dtype, sum.dtype) != (Dtype::I16, Dtype::I32) {
            return Err(Error::Operand { operator });
        }
        if v.shape[0] != 3 || sum.shape != [3, 1, v.shape[2]] {
            return Err(Error::Shape { operator });
        }
        if (v.zero_point, sum.zero_point) == (0, 0) { Ok(()) } else { Err(Error::Quantization { operator }) }
    }

    fn run(&self, model: &Model<'_>, arena: &mut Arena<'_>, _window: &[i16]) -> Option<()> {
        let (v, sum) = model.operands(self.input, self.output)?;
        let (input, output) = arena.read_write(&v, &sum)?;
        add_up(v.shape[2].into(), input, output);
        Some(())
    }
}

// ---- Reference ------------------------------------------------------------------------------------

/// `v[3, length, channels] → sum[3, channels]`; 65,535 samples of −32,768 fit 32 bits.
fn add_up(channels: usize, v: &[i16], sum: &mut [i32]) {
    let channels = channels.max(1);
    let planes = v.chunks_exact((v.len() / 3).max(1));
    for (plane, sum) in pairs(planes, sum.chunks_exact_mut(channels)) {
        for (c, sum) in sum.iter_mut().enumerate() {
            *sum = plane.iter().skip(c).step_by(channels).map(|&x| i32::from(x)).sum();
        }
    }
}

// ---- Tests ----------------------------------------------------------------------------------------

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_oracle((channels, v) in (1usize..6, 1usize..20).prop_flat_map(|(channels, length)| {
            (Just(channels), prop::collection::vec(any::<i16>(), 3 * length * channels))
        })) {
            let length = v.len() / 3 / channels;
            let mut sum = vec![0; 3 * channels];
            add_up(channels, &v, &mut sum);
            for p in 0..3 {
                for c in 0..channels {
                    let expected: i64 = (0..length).map(|t| i64::from(v[(p * length + t) * channels + c])).sum();
                    prop_assert_eq!(i64::from(sum[p * channels + c]), expected);
                }
            }
        }
    }
}
