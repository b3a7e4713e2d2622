//! Writes the plain networks of a set as core's operators, with the scales that calibration found.

use super::lower::{LowerError, VECTOR_HEADROOM};
use super::network::Linear;
use super::set_calibrate::SetRanges;
use super::set_stack::{SetNetwork, SetPsiStack, SetSite, SetStep, VectorStep};
use super::writer::{Writer, small, symmetric};
use crate::package::{Contract, Parts};
use crate::recipe::set::SetPooling;
use gimbal_core::format::{Chart, Dtype, NONE, PoseHead, Role, Tensor, TensorId};
use gimbal_core::kernel::{
    self, Argsort, Gather, Operands, Operator, QuantizeFeatures, QuantizeVectors, Ranks, Window,
};
use gimbal_core::quant::Requantize;

/// Spanning vectors shorter than so many counts for each element of the largest set have no trustworthy direction: what the
/// elements see of all of them is rounded once for all, so that their errors add up. Points on a line, nearly, have one of
/// their two from noise alone: whatever direction that is fits them, so that less is asked than of windows.
const MINIMUM_SPAN: f32 = 0.75;

/// Of what an element gives: what all of them together add to it is left out where it is less, as of places around their
/// mean, which have none.
const NOTHING: f32 = 1e-3;

/// Lowers the networks of sets of `least` elements, up to as many as the contract's samples, with features of int8 or of
/// int16. A count of a place is `unit` in network units, and a type is what it is.
///
/// # Errors
/// See [`LowerError`].
pub fn lower_set(
    network: &SetNetwork,
    ranges: &SetRanges,
    contract: Contract,
    least: usize,
    unit: f32,
    features: Dtype,
) -> Result<Parts, LowerError> {
    let most = contract.samples;
    let mut writer = Writer::new(Parts::new(contract), features);
    writer.parts.least = (least < most).then_some(least);
    let mut lowering = Lowering { ranges, unit, most, channels: network.channels, points: network.points, writer };
    let canonical = lowering.elements(|writer, shape| {
        let shape = small("the set", shape)?;
        Ok(writer.parts.tensor(Dtype::I16, shape, 1.0, 0))
    })?;
    let mean = network.points.then(|| lowering.mean()).transpose()?;
    lowering.writer.parts.canonical(canonical);
    let beside = match (&network.psi, mean) {
        (Some(psi), Some(mean)) => lowering.psi(psi, mean)?,
        _ => Vec::new(),
    };
    let (elements, features) = lowering.trunk(network, canonical, &beside)?;
    // Where η reads the order, it is found first.
    let (pooled, order) = match network.pooling {
        SetPooling::Concatenate => lowering.in_order(network.score.as_ref(), [canonical, elements, features])?,
        pooling => (lowering.pool("η pool", Some(SetSite::Pool), pooling, features)?, None),
    };
    let code = lowering.eta(network, pooled)?;
    if let Some(head) = &network.classifier {
        let logits = lowering.dense("classifier", SetSite::Logits, head, code, false)?;
        lowering.writer.parts.network(Role::Classifier, logits);
    }
    if let Some(score) = &network.score {
        let order = order.map_or_else(|| lowering.order(score, features, canonical), Ok)?;
        lowering.writer.parts.network(Role::Order, order);
    }
    Ok(lowering.writer.parts)
}

struct Lowering<'a> {
    ranges: &'a SetRanges,
    unit: f32,
    most: usize,
    channels: usize,
    points: bool,
    writer: Writer,
}

/// The places as vectors, and their mean.
struct Mean {
    places: TensorId,
    mean: TensorId,
}

impl Lowering<'_> {
    /// The mean of the places in whole counts: exact, so that moving the set by whole counts moves it by these.
    fn mean(&mut self) -> Result<Mean, LowerError> {
        const NAME: &str = "ψ mean";
        // In counts, with all of their range.
        let whole = |shift| Requantize { shift, zero_point: 0, min: i16::MIN, max: i16::MAX };
        let places = self.writer.parts.tensor(Dtype::I16, small(NAME, [3, self.most, 1])?, self.unit, 0);
        let places = self.writer.varying(places);
        self.vectors_of_window(NAME, places, whole);
        let mean = self.writer.parts.tensor(Dtype::I16, [3, 1, 1], self.unit, 0);
        self.writer.set_pool(NAME, kernel::SetPooling::Mean, [places, mean], whole);
        self.writer.parts.network(Role::Psi, mean);
        self.writer.parts.pose(PoseHead { reference: 1.0, minimum: 1.0, chart: Chart::Mean, vectors: mean });
        Ok(Mean { places, mean })
    }

    /// Answers what the trunk reads beside the elements.
    fn psi(&mut self, psi: &SetPsiStack, Mean { places, mean }: Mean) -> Result<Vec<TensorId>, LowerError> {
        const NAME: &str = "ψ input";
        let centred = self.vectors(NAME, SetSite::Centred, self.most, 1)?;
        self.writer.broadcast_add(NAME, [places, mean, centred], -1.0, symmetric);
        let ranks = (psi.ranks > 0).then(|| self.ranks(centred, psi.ranks)).transpose()?;
        let types = (self.channels > 3).then(|| self.types()).transpose()?;
        let kinds = match (types, ranks) {
            // Both have the unit of numbers up to one.
            (Some(types), Some(ranks)) => Some(self.beside("ψ types", [types, ranks])?),
            (types, ranks) => types.or(ranks),
        };
        let mut vectors = match kinds {
            Some(kinds) => self.steered(centred, kinds)?,
            None => centred,
        };
        for (i, layer) in psi.layers.iter().enumerate() {
            vectors = self.vector_layer(layer, i, vectors)?;
        }
        // What the trunk reads gets a unit of its own there, which those beside the types cannot have.
        let beside_elements = match (ranks, types) {
            (Some(_), Some(_)) => Some(self.ranks(centred, psi.ranks)?),
            (ranks, _) => ranks,
        };
        let mut beside: Vec<TensorId> = beside_elements.into_iter().collect();
        if psi.invariants {
            beside.extend(self.invariants(centred, vectors)?);
        }
        // The head before the sum: each element's rounding is then averaged, and the sum has none.
        let name = "ψ output";
        let steps = self.vectors(name, SetSite::Spanning, self.most, psi.head.rows())?;
        self.writer.linear(name, &psi.head, Window::POINT, [vectors, steps], symmetric)?;
        let shape = small(name, [3, 1, psi.head.rows()])?;
        let sum = self.writer.parts.tensor(Dtype::I32, shape, self.writer.scale(steps), 0);
        self.writer.set_pool(name, kernel::SetPooling::Sum, [steps, sum], symmetric);
        let reference = self.ranges.median_span() / self.writer.scale(sum);
        self.writer.parts.network(Role::Psi, sum);
        let chart = if psi.head.rows() == 3 { Chart::ThreeVectors } else { Chart::GramSchmidt };
        let minimum = MINIMUM_SPAN * self.most as f32;
        self.writer.parts.pose(PoseHead { reference, minimum, chart, vectors: sum });
        Ok(beside)
    }

    /// The ranks of the elements.
    fn ranks(&mut self, places: TensorId, ranks: usize) -> Result<TensorId, LowerError> {
        const NAME: &str = "ψ ranks";
        let y = self.rows(ranks, |writer, shape| writer.numbers(NAME, shape, 1.0))?;
        self.writer.parts.push_layer(NAME, Operator::Ranks(Ranks { operands: Operands::new(places, y) }));
        Ok(y)
    }

    /// The inner products of places and vectors, and the vectors' squared lengths.
    fn invariants(&mut self, places: TensorId, vectors: TensorId) -> Result<[TensorId; 2], LowerError> {
        const NAME: &str = "ψ invariants";
        let channels = usize::from(self.writer.record(vectors).shape[2]);
        // The place, once for each vector.
        let shape = small(NAME, [3, self.most, channels])?;
        let copies = self.writer.parts.tensor(Dtype::I16, shape, self.writer.scale(places), 0);
        let copies = self.writer.varying(copies);
        let copy = Linear { weights: vec![1.0; channels], bias: vec![0.0; channels] };
        self.writer.linear(NAME, &copy, Window::POINT, [places, copies], symmetric)?;
        let mut product = |site, a, b| {
            let (min, max) = self.ranges.of(site);
            let y = self.rows(channels, |writer, shape| writer.numbers(NAME, shape, max.max(-min)))?;
            self.writer.inner(NAME, [a, b], y)?;
            Ok(y)
        };
        Ok([product(SetSite::PlaceProducts, copies, vectors)?, product(SetSite::Squares, vectors, NONE)?])
    }

    /// The types of the elements.
    fn types(&mut self) -> Result<TensorId, LowerError> {
        const NAME: &str = "ψ types";
        let window = self.elements(|writer, shape| writer.numbers(NAME, shape, 1.0))?;
        // Where there is a place there is nothing.
        self.features_of(NAME, [NONE, window], &[0.0, 1.0]);
        let (columns, types) = (self.channels, self.channels - 3);
        let y = self.rows(types, |writer, shape| writer.numbers(NAME, shape, 1.0))?;
        let weights = (0..types).flat_map(|kind| (0..columns).map(move |c| f32::from(u8::from(c == 3 + kind))));
        let choice = Linear { weights: weights.collect(), bias: vec![0.0; types] };
        let requantize = self.writer.feature_requantize(y, false);
        self.writer.linear(NAME, &choice, Window::POINT, [window, y], requantize)?;
        Ok(y)
    }

    /// The places beside the places times each number of an element.
    fn steered(&mut self, places: TensorId, kinds: TensorId) -> Result<TensorId, LowerError> {
        const NAME: &str = "ψ types";
        let [_, _, count] = self.writer.record(kinds).shape.map(usize::from);
        let shape = small(NAME, [3, self.most, count])?;
        let products = self.writer.parts.tensor(Dtype::I16, shape, self.writer.scale(places), 0);
        let products = self.writer.varying(products);
        self.writer.outer(NAME, [places, kinds, products])?;
        self.beside(NAME, [places, products])
    }

    /// The numbers of each element of two tensors, one behind the other.
    fn beside(&mut self, name: &str, pair: [TensorId; 2]) -> Result<TensorId, LowerError> {
        let both = self.writer.side_by_side(name, pair)?;
        Ok(self.writer.varying(both))
    }

    fn vector_layer(&mut self, layer: &VectorStep, i: usize, vectors: TensorId) -> Result<TensorId, LowerError> {
        let name = format!("ψ layer {i}");
        let (inputs, outputs) = (layer.own.columns(), layer.own.rows());
        let shrink =
            self.ranges.longest(SetSite::Mixed(i)) / self.ranges.longest(SetSite::Gated(i)).max(f32::MIN_POSITIVE);
        let own = self.vectors(&name, SetSite::VectorOwn(i), self.most, outputs)?;
        self.writer.linear(&name, &layer.own, Window::POINT, [vectors, own], symmetric)?;
        let reach = self.ranges.longest(SetSite::VectorOwn(i)) * NOTHING;
        let context = layer.context.as_ref().filter(|_| self.ranges.longest(SetSite::VectorContext(i)) > reach);
        let mixed = match context {
            None => own,
            Some(context) => {
                let means = self.vectors(&name, SetSite::VectorMean(i), 1, inputs)?;
                self.writer.set_pool(&name, kernel::SetPooling::Mean, [vectors, means], symmetric);
                let all = self.vectors(&name, SetSite::VectorContext(i), 1, outputs)?;
                self.writer.linear(&name, context, Window::POINT, [means, all], symmetric)?;
                let mixed = self.vectors(&name, SetSite::Mixed(i), self.most, outputs)?;
                self.writer.broadcast_add(&name, [own, all, mixed], 1.0, symmetric);
                mixed
            }
        };
        self.writer.gate(&name, &layer.gate, mixed, shrink)?;
        Ok(mixed)
    }

    /// The canonical elements as η reads them, and what the trunk makes of each.
    fn trunk(
        &mut self,
        network: &SetNetwork,
        canonical: TensorId,
        beside: &[TensorId],
    ) -> Result<(TensorId, TensorId), LowerError> {
        const NAME: &str = "η input";
        let (min, max) = self.ranges.of(SetSite::Elements);
        // Tensors that are put side by side have one zero point.
        let mut x = self.elements(|writer, shape| match beside {
            [] => writer.features(NAME, shape, (min, max)),
            _ => writer.numbers(NAME, shape, max.max(-min)),
        })?;
        let units = if self.points { &[self.unit, 1.0][..] } else { &[1.0] };
        self.features_of(NAME, [canonical, x], units);
        let elements = x;
        // Each has a unit of its own, which goes into the weights of what follows.
        let mut worth = vec![1.0; self.channels];
        for &more in beside {
            let [_, _, count] = self.writer.record(more).shape.map(usize::from);
            worth.extend(vec![self.writer.scale(more) / self.writer.scale(x); count]);
            x = self.beside(NAME, [x, more])?;
        }
        for (i, step) in network.trunk.iter().enumerate() {
            let mut step = step.clone();
            if i == 0 {
                let maps = std::iter::once(&mut step.own).chain(step.context.as_mut().map(|(_, context)| context));
                maps.for_each(|map| {
                    map.weights.chunks_mut(worth.len()).for_each(|row| {
                        row.iter_mut().zip(&worth).for_each(|(weight, worth)| *weight *= worth);
                    });
                });
            }
            x = self.step(&step, i, x, i == 0 && !beside.is_empty())?;
        }
        match network.trunk.is_empty() && !beside.is_empty() {
            true => Err(LowerError::Bare { layer: NAME.into() }),
            false => Ok((elements, x)),
        }
    }

    /// A layer of the trunk; of what comes in `mixed` units there is no range but its own.
    fn step(&mut self, step: &SetStep, i: usize, x: TensorId, mixed: bool) -> Result<TensorId, LowerError> {
        let name = format!("η layer {i}");
        let (range, outputs) = (self.ranges.of(SetSite::Features(i)), step.own.rows());
        let y = self.rows(outputs, |writer, shape| writer.features(&name, shape, range))?;
        let relu = self.writer.feature_requantize(y, true);
        let Some((pooling, context)) = &step.context else {
            self.writer.linear(&name, &step.own, Window::POINT, [x, y], relu)?;
            return Ok(y);
        };
        let range = self.ranges.of(SetSite::Own(i));
        let own = self.rows(outputs, |writer, shape| writer.features(&name, shape, range))?;
        let requantize = self.writer.feature_requantize(own, false);
        self.writer.linear(&name, &step.own, Window::POINT, [x, own], requantize)?;
        let site = if mixed { None } else { Some(SetSite::Pooled(i)) };
        let pooled = self.pool(&name, site, *pooling, x)?;
        let all = self.dense(&name, SetSite::Context(i), context, pooled, false)?;
        self.writer.broadcast_add(&name, [own, all, y], 1.0, relu);
        Ok(y)
    }

    /// The canonical elements side by side in their order, and that order.
    fn in_order(
        &mut self,
        score: Option<&Linear>,
        [canonical, elements, features]: [TensorId; 3],
    ) -> Result<(TensorId, Option<TensorId>), LowerError> {
        const NAME: &str = "η pool";
        let score = score.ok_or_else(|| LowerError::Ordered { layer: NAME.into() })?;
        let order = self.order(score, features, canonical)?;
        let Tensor { dtype, scale, zero_point, .. } = *self.writer.record(elements);
        let shape = small(NAME, [1, 1, self.most * self.channels])?;
        let y = self.writer.parts.tensor(dtype, shape, scale, zero_point);
        let operands = Operands { inputs: [elements, order], ..Operands::new(elements, y) };
        self.writer.parts.push_layer(NAME, Operator::Gather(Gather { operands }));
        Ok((y, Some(order)))
    }

    /// From what is made of all elements to the code.
    fn eta(&mut self, network: &SetNetwork, mut x: TensorId) -> Result<TensorId, LowerError> {
        for (i, layer) in network.eta.iter().enumerate() {
            x = self.dense(&format!("η dense {i}"), SetSite::Dense(i), layer, x, true)?;
        }
        let code = self.dense("code", SetSite::Code, &network.code, x, false)?;
        self.writer.parts.network(Role::Eta, code);
        Ok(code)
    }

    /// Which element stands where.
    fn order(&mut self, score: &Linear, features: TensorId, canonical: TensorId) -> Result<TensorId, LowerError> {
        const NAME: &str = "order";
        let range = self.ranges.of(SetSite::Scores);
        let scores = self.rows(1, |writer, shape| writer.features(NAME, shape, range))?;
        let requantize = self.writer.feature_requantize(scores, false);
        self.writer.linear(NAME, score, Window::POINT, [features, scores], requantize)?;
        let order = self.writer.parts.tensor(Dtype::I16, small(NAME, [2, self.most, 1])?, 1.0, 0);
        let order = self.writer.varying(order);
        let operands = Operands { inputs: [scores, canonical], ..Operands::new(scores, order) };
        self.writer.parts.push_layer(NAME, Operator::Argsort(Argsort { operands }));
        Ok(order)
    }

    /// A linear map of what all elements have in common.
    fn dense(
        &mut self,
        name: &str,
        site: SetSite,
        layer: &Linear,
        x: TensorId,
        relu: bool,
    ) -> Result<TensorId, LowerError> {
        let y = self.writer.features(name, [1, 1, layer.rows()], self.ranges.of(site))?;
        let requantize = self.writer.feature_requantize(y, relu);
        self.writer.linear(name, layer, Window::POINT, [x, y], requantize)?;
        Ok(y)
    }

    /// What all elements are pooled to; without a site at the scale of the elements.
    fn pool(
        &mut self,
        name: &str,
        site: Option<SetSite>,
        pooling: SetPooling,
        x: TensorId,
    ) -> Result<TensorId, LowerError> {
        let Tensor { dtype, scale, zero_point, shape: [_, _, channels], .. } = *self.writer.record(x);
        let way = match (pooling, site) {
            (SetPooling::Max, _) => kernel::SetPooling::Max,
            (SetPooling::Mean, _) => kernel::SetPooling::Mean,
            (SetPooling::Total, Some(_)) => kernel::SetPooling::Total,
            (SetPooling::Total, None) => return Err(LowerError::Bare { layer: name.into() }),
            (SetPooling::Concatenate, _) => return Err(LowerError::Ordered { layer: name.into() }),
        };
        let y = match site.filter(|_| pooling != SetPooling::Max) {
            Some(site) => self.writer.features(name, [1, 1, channels.into()], self.ranges.of(site))?,
            None => self.writer.parts.tensor(dtype, [1, 1, channels], scale, zero_point),
        };
        let requantize = self.writer.feature_requantize(y, false);
        self.writer.set_pool(name, way, [x, y], requantize);
        Ok(y)
    }

    /// The places of the caller's set in planes.
    fn vectors_of_window(&mut self, name: &str, vectors: TensorId, requantize: impl Fn(u16) -> Requantize) {
        let (multipliers, shift) = Writer::input_multipliers(&[self.unit], self.writer.scale(vectors));
        let operands = Operands::new(NONE, vectors);
        let operator = QuantizeVectors { operands, requantize: requantize(shift), multipliers };
        self.writer.parts.push_layer(name, Operator::QuantizeVectors(operator));
    }

    /// The numbers of a set as features; `units` are those of the place and of the types, or of the types alone.
    fn features_of(&mut self, name: &str, [x, y]: [TensorId; 2], units: &[f32]) {
        let (multipliers, shift) = Writer::input_multipliers(units, self.writer.scale(y));
        let requantize = self.writer.feature_requantize(y, false)(shift);
        let operands = Operands::new(x, y);
        let operator = QuantizeFeatures { operands, requantize, multipliers };
        self.writer.parts.push_layer(name, Operator::QuantizeFeatures(operator));
    }

    /// A tensor of int16 vectors whose longest fits with room to spare; of all elements, if it is longer than one.
    fn vectors(&mut self, name: &str, site: SetSite, length: usize, channels: usize) -> Result<TensorId, LowerError> {
        let longest = self.ranges.longest(site) * VECTOR_HEADROOM;
        let id = self.writer.halves(name, [3, length, channels], longest)?;
        Ok(if length == self.most { self.writer.varying(id) } else { id })
    }

    /// A tensor of as many rows as there are elements, each as long as an element.
    fn elements(
        &mut self,
        tensor: impl FnOnce(&mut Writer, [usize; 3]) -> Result<TensorId, LowerError>,
    ) -> Result<TensorId, LowerError> {
        self.rows(self.channels, tensor)
    }

    /// A tensor of as many rows as there are elements.
    fn rows(
        &mut self,
        channels: usize,
        tensor: impl FnOnce(&mut Writer, [usize; 3]) -> Result<TensorId, LowerError>,
    ) -> Result<TensorId, LowerError> {
        let id = tensor(&mut self.writer, [1, self.most, channels])?;
        Ok(self.writer.varying(id))
    }
}
