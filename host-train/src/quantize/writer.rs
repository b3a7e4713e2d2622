//! What every lowering does: tensors with scales, and linear maps, means and sums as operators.

use super::lower::LowerError;
use super::network::Linear;
use super::weights::{Quantized, Scales, mean_multiplier, multipliers, product_multiplier, sum_multipliers};
use crate::package::Parts;
use gimbal_core::format::{Dtype, MAX_FIELDS, NONE, Tensor, TensorId};
use gimbal_core::kernel::{
    BroadcastAdd, Concat, Conv, CrossProduct, InnerProduct, NormGate, Operands, Operator, OuterProduct, Pool, Pooling,
    Rearrange, SetPool, SetPooling, Window,
};
use gimbal_core::quant::Requantize;
use std::ops::Range;

/// A package in the making.
pub(super) struct Writer {
    pub parts: Parts,
    /// What features are: int8 or int16.
    features: Dtype,
}

impl Writer {
    /// The start of a package with features of int8, as all but those of sets are, or of int16.
    pub fn new(parts: Parts, features: Dtype) -> Self {
        Self { parts, features }
    }

    /// A tensor of int16 numbers around zero that holds `longest`.
    pub fn halves(&mut self, name: &str, shape: [usize; 3], longest: f32) -> Result<TensorId, LowerError> {
        let scale = alive(name, longest)? / f32::from(i16::MAX);
        Ok(self.parts.tensor(Dtype::I16, small(name, shape)?, scale, 0))
    }

    /// A tensor of features: of int8 whose range, zero included, fills the 256 steps; of int16 around zero, where half of
    /// the steps are enough, and zero points would take the room that sums of products have.
    pub fn features(&mut self, name: &str, shape: [usize; 3], (min, max): (f32, f32)) -> Result<TensorId, LowerError> {
        if self.features == Dtype::I16 {
            return self.halves(name, shape, max.max(-min));
        }
        let scale = alive(name, max - min)? / 255.0;
        let zero_point = (-128.0 - min / scale).round().clamp(-128.0, 127.0) as i16;
        Ok(self.parts.tensor(Dtype::I8, small(name, shape)?, scale, zero_point))
    }

    /// A tensor of features around zero that holds `reach`.
    pub fn numbers(&mut self, name: &str, shape: [usize; 3], reach: f32) -> Result<TensorId, LowerError> {
        if self.features == Dtype::I16 {
            return self.halves(name, shape, reach);
        }
        let scale = alive(name, reach)? / f32::from(i8::MAX);
        Ok(self.parts.tensor(Dtype::I8, small(name, shape)?, scale, 0))
    }

    /// Memory for rows of 16-bit activations, which are multiplied four at a time.
    pub fn scratch(&mut self, [planes, rows, columns]: [usize; 3]) -> TensorId {
        let shape = [planes, rows, columns.next_multiple_of(4)].map(|size| size as u16);
        self.parts.tensor(Dtype::I16, shape, 0.0, 0)
    }

    /// A linear map under a window.
    pub fn linear(
        &mut self,
        name: &str,
        linear: &Linear,
        window: Window,
        [x, y]: [TensorId; 2],
        requantize: impl Fn(u16) -> Requantize,
    ) -> Result<(), LowerError> {
        let quantized = self.quantized(name, linear, self.scales(x, y))?;
        self.matrix(name, &quantized, window, [x, y], requantize(quantized.shift));
        Ok(())
    }

    /// The same of what is in integers already.
    pub fn matrix(
        &mut self,
        name: &str,
        quantized: &Quantized,
        window: Window,
        [x, y]: [TensorId; 2],
        requantize: Requantize,
    ) {
        let weights = quantized.write(&mut self.parts.blob);
        let points = if self.record(y).shape[..2] == [1, 1] { 1 } else { 2 };
        let scratch = self.scratch([1, points, quantized.columns()]);
        self.parts.push_layer(
            name,
            Operator::Conv(Conv {
                operands: Operands::new(x, y).with_scratch(scratch),
                window,
                requantize,
                weights,
                groups: quantized.groups as u16,
                reserved: 0,
            }),
        );
    }

    /// A linear map in integers.
    pub fn quantized(&self, name: &str, linear: &Linear, scales: Scales) -> Result<Quantized, LowerError> {
        Quantized::new(linear, scales).ok_or_else(|| LowerError::Steep { layer: name.into() })
    }

    /// Means of windows of `taps` numbers.
    pub fn mean(
        &mut self,
        name: &str,
        window: Window,
        taps: usize,
        [x, y]: [TensorId; 2],
        requantize: impl Fn(u16) -> Requantize,
    ) {
        let Scales { input, output, .. } = self.scales(x, y);
        let factor = f64::from(input) / f64::from(output) / taps as f64;
        let (multipliers, shift) = multipliers(&[factor]);
        self.pool(name, Pooling::Mean, window, [x, y], requantize(shift), multipliers[0]);
    }

    /// Largest numbers of windows, at the scale of the input.
    pub fn largest(
        &mut self,
        name: &str,
        window: Window,
        x: TensorId,
        shape: [usize; 3],
    ) -> Result<TensorId, LowerError> {
        let Tensor { dtype, scale, zero_point, .. } = *self.record(x);
        let y = self.parts.tensor(dtype, small(name, shape)?, scale, zero_point);
        self.pool(name, Pooling::Max, window, [x, y], symmetric(1), 0);
        Ok(y)
    }

    /// Exact sums of windows, whose unit is that of the input divided by `taps`: means, in the end.
    pub fn sum(
        &mut self,
        name: &str,
        window: Window,
        taps: usize,
        x: TensorId,
        shape: [usize; 3],
    ) -> Result<TensorId, LowerError> {
        let y = self.parts.tensor(Dtype::I32, small(name, shape)?, self.scale(x) / taps as f32, 0);
        self.pool(name, Pooling::Sum, window, [x, y], symmetric(1), 0);
        Ok(y)
    }

    /// Declares a tensor's length to be the number of a set's elements, which may be fewer from run to run.
    pub fn varying(&mut self, id: TensorId) -> TensorId {
        if self.parts.least.is_some() {
            self.parts.varying(id);
        }
        id
    }

    /// What all elements of a set are pooled to, `[planes, 1, channels]`.
    pub fn set_pool(
        &mut self,
        name: &str,
        pooling: SetPooling,
        [x, y]: [TensorId; 2],
        requantize: impl Fn(u16) -> Requantize,
    ) {
        let factor = f64::from(self.scale(x)) / f64::from(self.scale(y));
        let (multiplier, shift) = match pooling {
            SetPooling::Mean => mean_multiplier(factor),
            SetPooling::Total => (multipliers(&[factor]).0[0], multipliers(&[factor]).1),
            SetPooling::Max | SetPooling::Sum => (0, 1),
        };
        let (operands, requantize) = (Operands::new(x, y), requantize(shift));
        let pool = SetPool { operands, requantize, multiplier, pooling: pooling.code(), reserved: 0 };
        self.parts.push_layer(name, Operator::SetPool(pool));
    }

    /// Adds what all elements have in common to each of them, times a sign.
    pub fn broadcast_add(
        &mut self,
        name: &str,
        [x, u, y]: [TensorId; 3],
        sign: f64,
        requantize: impl Fn(u16) -> Requantize,
    ) {
        let factors = [x, u].map(|id| f64::from(self.scale(id)) / f64::from(self.scale(y)));
        let (multipliers, shift) = sum_multipliers([factors[0], sign * factors[1]], self.record(y).dtype);
        let operands = Operands { inputs: [x, u], ..Operands::new(x, y) };
        let add = BroadcastAdd { operands, requantize: requantize(shift), multipliers };
        self.parts.push_layer(name, Operator::BroadcastAdd(add));
    }

    /// Scales vectors by a linear map of their lengths, in place. Where gates are small throughout, the gated vectors keep
    /// more digits if each is doubled a few times: `shrink` is how much shorter they are at least.
    pub fn gate(&mut self, name: &str, gate: &Linear, vectors: TensorId, shrink: f32) -> Result<(), LowerError> {
        let channels = self.record(vectors).shape[2].into();
        let scratch = self.scratch([1, 2, channels]);
        // A gate of 1 is 2¹⁵, one more than fits: saturating there costs 3·10⁻⁵.
        let input = self.scale(vectors);
        let scales = Scales { input, input_zero: 0, input_reach: 1 << 15, output: 1.0 / 32768.0 };
        let quantized = self.quantized(name, gate, scales)?;
        let weights = quantized.write(&mut self.parts.blob);
        let doublings = shrink.log2().floor().clamp(0.0, 14.0);
        self.parts.push_layer(
            name,
            Operator::NormGate(NormGate {
                operands: Operands::new(vectors, vectors).with_scratch(scratch),
                requantize: Requantize { shift: quantized.shift, zero_point: 0, min: 0, max: i16::MAX },
                weights,
                gate_shift: 15 - doublings as u16,
                reserved: 0,
            }),
        );
        // What follows reads the gated vectors at their new scale.
        self.parts.rescale(vectors, doublings.exp2().recip());
        Ok(())
    }

    /// Some neighbouring channels of many.
    pub fn channels(&mut self, name: &str, x: TensorId, channels: Range<usize>) -> Result<TensorId, LowerError> {
        let Tensor { dtype, shape, scale, zero_point, .. } = *self.record(x);
        let [_, start, count] = small(name, [0, channels.start, channels.len()])?;
        let some = [shape[0], shape[1], count];
        let y = self.parts.tensor(dtype, some, scale, zero_point);
        let slice = Rearrange::slice(Operands::new(x, y), shape, [0, 0, start], [1; 3], some);
        self.parts.push_layer(name, Operator::Rearrange(slice));
        Ok(y)
    }

    /// The cross products of vectors, to a tensor whose longest fits.
    pub fn cross(&mut self, name: &str, [a, b]: [TensorId; 2], longest: f32) -> Result<TensorId, LowerError> {
        let y = self.halves(name, self.record(a).shape.map(usize::from), longest)?;
        let factor = f64::from(self.scale(a)) * f64::from(self.scale(b)) / f64::from(self.scale(y));
        let (multiplier, shift) = product_multiplier(factor).ok_or_else(|| LowerError::Steep { layer: name.into() })?;
        let operands = Operands { inputs: [a, b], ..Operands::new(a, y) };
        let cross = CrossProduct { operands, multiplier, shift, reserved: 0 };
        self.parts.push_layer(name, Operator::CrossProduct(cross));
        Ok(y)
    }

    /// Inner products of vectors, of those with themselves if there is one tensor alone, as features.
    pub fn inner(&mut self, name: &str, [a, b]: [TensorId; 2], y: TensorId) -> Result<(), LowerError> {
        let other = if b == NONE { a } else { b };
        let factor = f64::from(self.scale(a)) * f64::from(self.scale(other)) / f64::from(self.scale(y));
        let (multiplier, shift) = product_multiplier(factor).ok_or_else(|| LowerError::Steep { layer: name.into() })?;
        let operands = Operands { inputs: [a, b], ..Operands::new(a, y) };
        let requantize = self.feature_requantize(y, false)(shift);
        self.parts.push_layer(name, Operator::InnerProduct(InnerProduct { operands, requantize, multiplier }));
        Ok(())
    }

    /// Vectors of one channel times numbers, at the scale that the output has.
    pub fn outer(&mut self, name: &str, [v, s, y]: [TensorId; 3]) -> Result<(), LowerError> {
        let factor = f64::from(self.scale(v)) * f64::from(self.scale(s)) / f64::from(self.scale(y));
        let (multiplier, shift) = product_multiplier(factor).ok_or_else(|| LowerError::Steep { layer: name.into() })?;
        let operands = Operands { inputs: [v, s], ..Operands::new(v, y) };
        let product = OuterProduct { operands, requantize: symmetric(shift), multiplier };
        self.parts.push_layer(name, Operator::OuterProduct(product));
        Ok(())
    }

    /// The channels of two tensors, in the unit of the first. What the second is then worth, its reader must know, or not
    /// need to: directions are the same in every unit.
    pub fn side_by_side(&mut self, name: &str, [a, b]: [TensorId; 2]) -> Result<TensorId, LowerError> {
        let Tensor { dtype, shape, scale, zero_point, .. } = *self.record(a);
        let channels = usize::from(shape[2]) + usize::from(self.record(b).shape[2]);
        let [_, _, channels] = small(name, [0, 0, channels])?;
        self.parts.tensors[usize::from(b)].scale = scale;
        let y = self.parts.tensor(dtype, [shape[0], shape[1], channels], scale, zero_point);
        let operands = Operands { inputs: [a, b], ..Operands::new(a, y) };
        self.parts.push_layer(name, Operator::Concat(Concat { operands, axis: 2, reserved: 0 }));
        Ok(y)
    }

    fn pool(
        &mut self,
        name: &str,
        pooling: Pooling,
        window: Window,
        [x, y]: [TensorId; 2],
        requantize: Requantize,
        multiplier: i32,
    ) {
        let operands = Operands::new(x, y);
        let pool = Pool { operands, window, requantize, multiplier, pooling: pooling.code(), reserved: 0 };
        self.parts.push_layer(name, Operator::Pool(pool));
    }

    /// From counts, of which one of field `f` is `units[f]` in network units, to a tensor of a scale.
    pub fn input_multipliers(units: &[f32], scale: f32) -> ([i32; MAX_FIELDS], u16) {
        let factors: Vec<f64> = units.iter().map(|unit| f64::from(*unit) / f64::from(scale)).collect();
        let (found, shift) = multipliers(&factors);
        let mut all = [0; MAX_FIELDS];
        all.iter_mut().zip(found).for_each(|(slot, multiplier)| *slot = multiplier);
        (all, shift)
    }

    /// How a feature is rounded, and where negative ones end.
    pub fn feature_requantize(&self, id: TensorId, relu: bool) -> impl Fn(u16) -> Requantize + use<> {
        let Tensor { zero_point, dtype, .. } = *self.record(id);
        let (min, max) = if dtype == Dtype::I16 { (i16::MIN, i16::MAX) } else { (i8::MIN.into(), i8::MAX.into()) };
        let min = if relu { zero_point } else { min };
        move |shift| Requantize { shift, zero_point, min, max }
    }

    pub fn scale(&self, id: TensorId) -> f32 {
        self.record(id).scale
    }

    pub fn scales(&self, x: TensorId, y: TensorId) -> Scales {
        let Tensor { scale: input, zero_point: input_zero, dtype, .. } = *self.record(x);
        Scales { input, input_zero, input_reach: dtype.range().0.unsigned_abs(), output: self.scale(y) }
    }

    pub fn record(&self, id: TensorId) -> &Tensor {
        &self.parts.tensors[usize::from(id)]
    }
}

/// Symmetric: turning a vector around must not change its length.
pub(super) fn symmetric(shift: u16) -> Requantize {
    Requantize { shift, zero_point: 0, min: -i16::MAX, max: i16::MAX }
}

/// A shape in the package's 16 bits.
pub(super) fn small(layer: &str, shape: [usize; 3]) -> Result<[u16; 3], LowerError> {
    let mut small = [0; 3];
    for (small, size) in small.iter_mut().zip(shape) {
        *small = size.try_into().map_err(|_| LowerError::TooLarge { layer: layer.into() })?;
    }
    Ok(small)
}

fn alive(layer: &str, reach: f32) -> Result<f32, LowerError> {
    if reach.is_finite() && reach > 0.0 { Ok(reach) } else { Err(LowerError::Dead { layer: layer.into() }) }
}
