//! What the cost of a step is linear in: counts of what its kernel does, by the shapes alone.
//!
//! A kernel is read here for its loops, not for its instructions: how often each turns, on any processor. What
//! a turn takes is measured, see [`cost`](super::cost). So a count that matters on one processor may cost
//! nothing on another.

use super::reach::{Part, Reach};
use gimbal_core::Model;
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, Operator, Tensor};
use gimbal_core::kernel::{Conv, Depthwise, Pool, Pooling, Rearrange, SetPool, SetPooling};
use std::collections::BTreeMap;

/// A step of a window's way, and how often it does what.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// Steps of one kind share their costs: `conv i8`.
    pub kind: String,
    /// How often each thing happens.
    pub counts: BTreeMap<String, f64>,
}

impl Counts {
    fn new(kind: impl Into<String>) -> Self {
        let once = BTreeMap::from([("once".into(), 1.0)]);
        Self { kind: kind.into(), counts: once }
    }

    fn with<const N: usize>(mut self, counts: [(&str, f64); N]) -> Self {
        counts.into_iter().for_each(|(name, count)| self.add(name, count));
        self
    }

    fn add(&mut self, name: &str, count: f64) {
        if count > 0.0 {
            *self.counts.entry(name.into()).or_default() += count;
        }
    }
}

/// An operator's; `None` if one of its tensors is not there.
pub fn operator(model: &Model<'_>, operator: &Operator) -> Option<Counts> {
    let mut counts = alone(model, operator)?;
    if model.takes_sets() {
        // Its tensors get the length of the set.
        counts.add("of a set", 1.0);
    }
    Some(counts)
}

/// The same of an operator in a package of windows of one length.
fn alone(model: &Model<'_>, operator: &Operator) -> Option<Counts> {
    let operands = operator.operands();
    let y = model.tensor(operands.output)?;
    let x = if operands.inputs[0] == NONE { y } else { model.tensor(operands.inputs[0])? };
    let other = model.tensor(operands.inputs[1]);
    let kind = |tensor: &Tensor| Counts::new(format!("{} {}", operator.name(), name(tensor.dtype)));
    let [elements, rows] = [elements(y), elements(x) / f64::from(x.shape[2])];
    Some(match operator {
        Operator::QuantizeVectors(_) => kind(y).with([("elements", elements)]),
        Operator::QuantizeFeatures(_) => {
            let samples = f64::from(model.input().samples);
            let fields = samples * model.input().fields.len() as f64;
            kind(y).with([("samples", samples), ("fields", fields), ("elements", elements)])
        }
        Operator::Conv(conv) if is_dense(conv, x, y) => dense(x, y),
        Operator::Conv(conv) => convolution(kind(x), conv, x, y),
        Operator::NormGate(_) => {
            let [_, samples, channels] = y.shape.map(f64::from);
            let mut counts = kind(y).with([("samples", samples), ("elements", elements)]);
            product(&mut counts, "one", [channels; 2], samples);
            counts
        }
        Operator::Pool(pool) => pooled(pool, x, y),
        Operator::Depthwise(depthwise) => by_channel(kind(x), depthwise, x, y),
        Operator::Lut(_) if operands.inputs[0] == operands.output => {
            kind(y).with([("in place", 1.0), ("elements in place", elements)])
        }
        Operator::Lut(_) => kind(y).with([("apart", 1.0), ("elements", elements)]),
        Operator::Add(_) | Operator::Mul(_) => {
            let turns = elements / other.map_or(1.0, self::elements).max(1.0);
            kind(y).with([("turns", turns), ("elements", elements)])
        }
        Operator::Concat(concat) => side_by_side(concat.axis.into(), x, y),
        Operator::Rearrange(rearrange) => moved(kind(y), rearrange, y.dtype),
        Operator::InnerProduct(_) if other.is_none() => kind(y).with([("one input", 1.0), ("squares", elements)]),
        Operator::InnerProduct(_) => kind(y).with([("two inputs", 1.0), ("products", elements)]),
        Operator::CrossProduct(_) => kind(y).with([("elements", elements)]),
        Operator::Softmax(_) | Operator::LogSoftmax(_) | Operator::L2Norm(_) => {
            kind(y).with([("rows", rows), ("elements", elements)])
        }
        Operator::Argmax(_) => kind(x).with([("rows", rows), ("elements", self::elements(x))]),
        Operator::Lookup(_) => kind(y).with([("rows", rows), ("elements", elements)]),
        Operator::SetPool(pool) => pooled_set(pool, x, y),
        Operator::BroadcastAdd(_) => kind(y).with([("rows", rows), ("elements", elements)]),
        Operator::OuterProduct(_) => kind(y).with([("rows", rows), ("elements", elements)]),
        Operator::Ranks(_) => {
            let [_, samples, _] = y.shape.map(f64::from);
            kind(y).with([("pairs", samples * samples), ("elements", elements)])
        }
        Operator::Argsort(_) => {
            let scores = self::elements(x);
            let passes = scores.log2().ceil();
            kind(x).with([("passes", passes), ("scores", scores), ("compared", scores * passes)])
        }
        Operator::Gather(_) => {
            let [_, rows, _] = x.shape.map(f64::from);
            kind(y).with([("rows", rows), ("elements", elements)])
        }
        Operator::NearestCode(_) => kind(y).with([("codes", elements), ("elements", elements * self::elements(x))]),
    })
}

/// Those of the step between the networks: the pose is made of ψ's output, and the window turned back. Where there are
/// two poses, both steps.
pub fn canonicalize(model: &Model<'_>) -> Counts {
    let input = model.input();
    let (samples, elements) = (f64::from(input.samples), model.window_len() as f64);
    let is_image = input.fields.iter().any(|field| field.kind == FieldKind::Row);
    let mut counts = match model.pose_heads().first() {
        None => return Counts::new("copy").with([("elements", elements)]),
        // A third vector and an inversion take next to nothing beside these.
        Some(head) if matches!(head.chart, Chart::GramSchmidt | Chart::UprightGramSchmidt | Chart::ThreeVectors) => {
            let vectors = samples * input.fields.len() as f64;
            return Counts::new("canonicalize").with([
                ("samples", samples),
                ("vectors", vectors),
                ("elements", elements),
            ]);
        }
        Some(head) if head.chart == Chart::Mean => return canonicalize_set(model),
        // A few numbers become a pose, which is next to nothing, and the window is copied.
        Some(head) if head.chart.is_told() => return Counts::new("copy").with([("elements", elements)]),
        Some(_) => Counts::new("canonicalize grid"),
    };
    for head in model.pose_heads() {
        let [chart, action] = match head.chart {
            Chart::Centroid => ["centroids", "pixels moved"],
            Chart::Argmax if is_image => ["largest scores", "pixels permuted"],
            Chart::Argmax => ["largest scores", "electrodes moved"],
            Chart::Phase => ["phases", "samples delayed"],
            // Of images, and the others are not here.
            _ => ["directions", "pixels moved"],
        };
        counts.add(chart, 1.0);
        counts.add(action, elements);
        if head.chart == Chart::Centroid {
            counts.add("weights", elements);
        }
    }
    counts
}

/// That of points, in a set of the most: each step copies it, and takes its points back to the origin or turns them.
fn canonicalize_set(model: &Model<'_>) -> Counts {
    let (input, steps) = (model.input(), model.pose_heads().len() as f64);
    let samples = f64::from(input.samples);
    let turning = |kind| !matches!(kind, FieldKind::Row | FieldKind::Ring | FieldKind::Scalar);
    let places = samples * input.fields.iter().filter(|field| turning(field.kind)).count() as f64;
    Counts::new("canonicalize set").with([
        ("rotations", steps - 1.0),
        ("fields", steps * samples * input.fields.len() as f64),
        ("points moved", steps * places),
        ("elements", steps * model.window_len() as f64),
    ])
}

/// A type as people write it.
pub fn name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::I8 => "i8",
        Dtype::I16 => "i16",
        Dtype::I32 => "i32",
    }
}

fn elements(tensor: &Tensor) -> f64 {
    tensor.elements().unwrap_or(u32::MAX).into()
}

// ---- Windows -----------------------------------------------------------------------------------------

/// One window that sees the whole input, which is not walked to.
fn is_dense(conv: &Conv, x: &Tensor, y: &Tensor) -> bool {
    let ([height, width, _], [down, across, _]) = (x.shape, y.shape);
    let window = conv.window;
    ([down, across, conv.groups], window.padding, window.size, window.dilation)
        == ([1; 3], [0; 2], [height, width], [1; 2])
}

fn dense(x: &Tensor, y: &Tensor) -> Counts {
    let mut counts = Counts::new(format!("dense {}", name(x.dtype)));
    gather(&mut counts, x.dtype, 1.0, elements(x));
    product(&mut counts, "one", [elements(y), elements(x)], 1.0);
    counts
}

fn convolution(mut counts: Counts, conv: &Conv, x: &Tensor, y: &Tensor) -> Counts {
    let groups = f64::from(conv.groups.max(1));
    let [count, rows] = [x, y].map(|tensor| f64::from(tensor.shape[2]) / groups);
    let reach = Reach::of(&conv.window, x, y);
    let ([down, across], all) = (reach.size(), reach.all());
    // Taps that are neighbours are gathered at once.
    let together = conv.window.dilation[1] == 1 && groups == 1.0;
    let inside = if together { reach.inside() } else { Part::default() };
    let edge = all.without(&inside);
    counts.add("groups", groups);
    counts.add("points inside", inside.points * groups);
    counts.add("lines inside", inside.lines * groups);
    gather(&mut counts, x.dtype, inside.lines * groups, across * count);
    counts.add("points at an edge", edge.points * groups);
    counts.add("lines at an edge", edge.lines * groups);
    counts.add("taps at an edge", edge.taps * groups);
    counts.add("taps around", edge.around * groups);
    gather(&mut counts, x.dtype, edge.taps * groups, count);
    counts.add("taps in padding", edge.padding * groups);
    counts.add("elements of padding", edge.padding * groups * count);

    // Two points at a time, and kernels choose by the number of tiles how they do it.
    let columns = down * across * count;
    let two = match (columns / 4.0).ceil() {
        tiles if tiles < 4.0 => "two, few tiles",
        tiles if tiles % 4.0 == 0.0 => "two, tiles by four",
        _ => "two",
    };
    let pairs = (all.points / 2.0).floor();
    product(&mut counts, two, [rows, columns], pairs * groups);
    product(&mut counts, "one", [rows, columns], (all.points - 2.0 * pairs) * groups);
    counts
}

/// Runs of elements that are widened, or copied where they are wide.
fn gather(counts: &mut Counts, dtype: Dtype, runs: f64, len: f64) {
    if dtype != Dtype::I8 {
        return copy(counts, runs, len as u64 * u64::from(dtype.bytes()), None);
    }
    counts.add("words widened", runs * (len / 4.0).floor());
    counts.add("bytes widened", runs * (len % 4.0));
    counts.add("eights widened", runs * (len / 8.0).ceil());
}

/// A matrix multiplied with a point, or with two.
fn product(counts: &mut Counts, way: &str, [rows, columns]: [f64; 2], runs: f64) {
    let (tiles, rest) = ((columns / 4.0).ceil(), rows % 4.0);
    let [halves, fours] = [2.0, 4.0].map(|side: f64| (rows / side).ceil());
    let mut add = |what: &str, count: f64| counts.add(&format!("{way}: {what}"), runs * count);
    add("runs", 1.0);
    add("whole groups", (rows / 4.0).floor());
    add("last groups", rest.min(1.0));
    add("rows of last groups", rest);
    add("row pairs", halves);
    add("tiles of groups", fours * tiles);
    add("tiles of row pairs", halves * tiles);
    add("vectors of groups", fours * (tiles / 4.0).ceil());
}

fn by_channel(counts: Counts, depthwise: &Depthwise, x: &Tensor, y: &Tensor) -> Counts {
    let reach = Reach::of(&depthwise.window, x, y);
    let (all, inside) = (reach.all(), reach.inside());
    let edge = all.without(&inside);
    let channels = f64::from(y.shape[2]);
    let [down, across] = reach.size();
    let taps = down * across;
    let [fours, rest, eights] = [(channels / 4.0).floor(), channels % 4.0, (channels / 8.0).ceil()];
    // All windows inside see their taps at the same places, which are found once.
    let located = edge.points + inside.points.min(1.0);
    counts.with([
        ("points", all.points),
        ("located", located),
        ("lines located", located * down),
        ("taps located", located * taps),
        ("taps in padding", edge.padding),
        ("taps around", edge.around),
        ("groups", all.points * fours),
        ("taps of groups inside", inside.points * taps * fours),
        ("taps of groups at an edge", edge.points * taps * fours),
        ("last groups", all.points * rest.min(1.0)),
        ("channels of last groups", all.points * rest),
        ("taps of last groups", all.points * taps * rest.min(1.0)),
        ("taps of channels of last groups", all.points * taps * rest),
        ("vectors", all.points * eights),
        ("taps of vectors inside", inside.points * taps * eights),
        ("taps of vectors at an edge", edge.points * taps * eights),
    ])
}

fn pooled(pool: &Pool, x: &Tensor, y: &Tensor) -> Counts {
    let reach = Reach::of(&pool.window, x, y);
    let (all, [down, across]) = (reach.all(), reach.size());
    let channels = f64::from(y.shape[2]);
    // Taps that are neighbours are seen at once.
    let [runs, single] = match (pool.window.dilation[1], reach.lines_and_taps()) {
        (1, [runs, single]) => [runs, single],
        _ => [0.0, all.taps],
    };
    let asked = all.lines * across - runs * across;
    let way = |pooling: Pooling| pool.pooling == pooling.code();
    let largest = way(Pooling::Max);
    // Each sum is found by itself, and largest ones are kept in the output.
    let blocks = if largest { 1.0 } else { channels };
    let name = format!(
        "{} {}",
        if largest {
            "max"
        } else if way(Pooling::Sum) {
            "sum"
        } else {
            "mean"
        },
        name(x.dtype)
    );
    let counts = Counts::new(format!("pool {name}")).with([
        ("points", all.points),
        ("blocks", all.points * blocks),
        ("lines asked", all.points * down * blocks),
        ("taps asked", asked * blocks),
        ("runs", (runs + single) * blocks),
        ("samples", all.taps * blocks),
        ("outputs", all.points * channels),
        ("elements", all.taps * channels),
    ]);
    if !largest {
        return counts;
    }
    counts.with([
        ("words compared", all.taps * (channels / 4.0).floor()),
        ("bytes compared", all.taps * (channels % 4.0)),
        ("vectors compared", all.taps * (channels / 16.0).ceil()),
    ])
}

/// Of the most elements.
fn pooled_set(pool: &SetPool, x: &Tensor, y: &Tensor) -> Counts {
    let [planes, samples, channels] = x.shape.map(f64::from);
    let way = |pooling: SetPooling| pool.pooling == pooling.code();
    let largest = way(SetPooling::Max);
    let what = match largest {
        true => "max",
        false if way(SetPooling::Sum) => "sum",
        false if way(SetPooling::Mean) => "mean",
        false => "total",
    };
    let counts = Counts::new(format!("set_pool {what} {}", name(x.dtype)))
        .with([("outputs", elements(y)), ("elements", elements(x))]);
    if largest {
        let rows = planes * samples;
        return counts.with([
            ("samples", rows),
            ("words compared", rows * (channels / 4.0).floor()),
            ("bytes compared", rows * (channels % 4.0)),
            ("vectors compared", rows * (channels / 16.0).ceil()),
        ]);
    }
    // Eight channels are summed at once.
    let blocks = planes * (channels / 8.0).ceil();
    counts.with([("blocks", blocks), ("samples", blocks * samples)])
}

// ---- Copies ------------------------------------------------------------------------------------------

/// Bytes from which on words are copied.
const LONG: u64 = 16;
/// Runs that are looked at; more are like these.
const ENOUGH: u64 = 1 << 16;

/// Copies of so many bytes; `places` are where they go to and come from, if that is known.
fn copy(counts: &mut Counts, runs: f64, bytes: u64, places: Option<[u64; 2]>) {
    if bytes < LONG {
        counts.add("short copies", runs);
        counts.add("bytes copied", runs * bytes as f64);
        return;
    }
    let [to, from] = places.unwrap_or_default();
    let head = to.wrapping_neg() % 4;
    let words = runs * ((bytes - head) / 4) as f64;
    // Words that do not lie as they will have to be put together.
    let [run, word] = match (places, (from + head) % 4) {
        (None, _) => ["long copies", "words copied"],
        (_, 0) => ["aligned copies", "aligned words copied"],
        _ => ["shifted copies", "shifted words copied"],
    };
    counts.add(run, runs);
    counts.add(word, words);
    counts.add("bytes around words", runs * (head + (bytes - head) % 4) as f64);
}

fn side_by_side(axis: usize, x: &Tensor, y: &Tensor) -> Counts {
    let part = |tensor: &Tensor, sizes: std::ops::Range<usize>| {
        tensor.shape.iter().take(sizes.end).skip(sizes.start).map(|&size| u64::from(size)).product::<u64>()
    };
    let turns = part(y, 0..axis);
    let [first, both] = [x, y].map(|tensor| part(tensor, axis..3) * u64::from(tensor.dtype.bytes()));
    let mut counts = Counts::new("concat").with([("turns", turns as f64)]);
    let looked_at = turns.min(ENOUGH);
    let each = turns as f64 / looked_at.max(1) as f64;
    for turn in 0..looked_at {
        copy(&mut counts, each, first, Some([turn * both, turn * first]));
        let second = both - first;
        copy(&mut counts, each, second, Some([turn * both + first, turn * second]));
    }
    counts
}

fn moved(mut counts: Counts, rearrange: &Rearrange, dtype: Dtype) -> Counts {
    let [planes, lines, width, len] = rearrange.shape.map(u64::from);
    let (runs, size) = (planes * lines * width, i64::from(dtype.bytes()));
    counts.add("lines", (planes * lines) as f64);
    let [a, b, c, stride] = rearrange.strides.map(i64::from);
    if stride != 1 {
        return counts.with([
            ("strided", 1.0),
            ("strided runs", runs as f64),
            ("strided elements", (runs * len) as f64),
        ]);
    }
    let looked_at = runs.min(ENOUGH);
    let each = runs as f64 / looked_at.max(1) as f64;
    for run in 0..looked_at {
        let [i, j, k] = [run / width / lines, run / width % lines, run % width].map(|digit| digit as i64);
        let from = (i64::from(rearrange.offset) + i * a + j * b + k * c) * size;
        copy(&mut counts, each, len * size as u64, Some([run * len * size as u64, from.max(0) as u64]));
    }
    counts
}
