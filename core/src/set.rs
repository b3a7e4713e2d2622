//! Sets: windows of as many elements as there are, in an order without meaning.
//!
//! A window of a set is `i16[n, channels]`, one element a row, with any `n` from [`Model::least`] to
//! [`samples`](crate::format::Input::samples). The tensors whose length counts elements say so, in
//! [`least`](crate::format::Tensor::least), and a run shows kernels these tensors with the length `n`, in the memory
//! that was planned for the most elements. Kernels take all sizes from their tensors. So what the loader has to prove beside is
//! that an operator that was proven for the most elements can also run with fewer: those that take each element by
//! itself, or all of them together whatever their number, may touch such tensors, and no others.
//!
//! All of it is reached through [`SETS`] alone: a firmware whose model takes windows of one length does not name it, and
//! has none of it in its flash.

use crate::arena::Arena;
use crate::error::Error;
use crate::format::{Chart, Dtype, NONE, Operator, Role, Tensor};
use crate::kernel::{Body, Memory, Operands, Site};
use crate::model::Model;

/// Which element of a set stands where in its canonical order, see [`Argsort`](crate::kernel::Argsort).
///
/// The canonical window, [`Inference::canonical`](crate::Inference::canonical), keeps the order in which the elements were
/// given; [`point_set::permute`](crate::domain::point_set::permute) puts them in this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'s> {
    /// `places[k]` is the row of the window that stands at place `k`.
    pub places: &'s [i16],
    /// How far the score at place `k` is above that at the next, in counts; 65,535 is that or more, or stands at the
    /// last place. At 0 the two are tied: their rows decide which comes first, and between equal rows nothing does.
    pub gaps: &'s [u16],
}

/// What windows of more than one length take: what the loader and the session need of it. [`SETS`] is the only value.
#[derive(Clone, Copy, Debug)]
pub struct Sets {
    /// Proves that a package that was proven for the most elements can run with fewer.
    pub(crate) check: fn(&Model<'_>) -> Result<(), Error>,
    /// Runs an operator.
    pub(crate) run: fn(Run, &Body, &Site<'_>, Memory<'_>) -> Option<()>,
}

/// A kernel.
type Run = fn(&Body, &Site<'_>, Memory<'_>) -> Option<()>;

/// What windows of more than one length take, for [`Kernels`](crate::kernel::Kernels).
pub const SETS: Sets = Sets { check, run };

/// The most elements of a set: places are `i16`.
const MAX_ELEMENTS: u16 = i16::MAX as u16;

// ---- Check ----------------------------------------------------------------------------------------

fn check(model: &Model<'_>) -> Result<(), Error> {
    check_code(model).ok_or(Error::Descriptor)?;
    if !model.takes_sets() {
        return Ok(());
    }
    let samples = model.input().samples;
    if samples > MAX_ELEMENTS {
        return Err(Error::Descriptor);
    }
    for (tensor, id) in model.tensors().iter().zip(0..) {
        let counts = tensor.shape[1] == samples && tensor.least == model.least() && tensor.least <= samples;
        if tensor.varies() && !counts {
            return Err(Error::Tensor { tensor: id });
        }
    }
    check_order(model).ok_or(Error::Descriptor)?;
    if !model.tensors().iter().any(Tensor::varies) {
        return Ok(());
    }
    // Charts read tensors of one size, and so does whoever reads results.
    let fixed = |role| model.output_of(role).is_none_or(|tensor| !tensor.varies());
    let heads = model.pose_heads().iter().all(|head| {
        let vectors = model.tensor(head.vectors).is_some_and(|tensor| !tensor.varies());
        vectors && matches!(head.chart, Chart::GramSchmidt | Chart::ThreeVectors | Chart::Mean)
    });
    let canonical = model.canonical().is_some_and(Tensor::varies);
    let order = model.output_of(Role::Order).is_none_or(Tensor::varies);
    if !(heads && canonical && order && fixed(Role::Eta) && fixed(Role::Classifier)) {
        return Err(Error::Descriptor);
    }
    for (operator, position) in model.operators().zip(0..) {
        let site = model.site(&operator.operands(), &[]).ok_or(Error::Operand { operator: position })?;
        if !runs_with_fewer(&operator, &site) {
            return Err(Error::Shape { operator: position });
        }
    }
    Ok(())
}

/// A code of sets alone may have 16 bits; the loader lets both pass.
fn check_code(model: &Model<'_>) -> Option<()> {
    let code = model.output_of(Role::Eta).map_or(Dtype::I8, |output| output.dtype);
    (code == Dtype::I8 || (code == Dtype::I16 && model.takes_sets())).then_some(())
}

/// An order is what an argsort of the canonical window has written: behind every ψ, which still move that window, and with
/// nothing written to either after it.
fn check_order(model: &Model<'_>) -> Option<()> {
    let Some(output) = model.output_of(Role::Order) else { return Some(()) };
    let canonical = model.canonical()?;
    let is = |id, tensor| model.tensor(id).is_some_and(|found| core::ptr::eq(found, tensor));
    let psi = model.networks().iter().filter(|network| network.role == Role::Psi);
    let found = psi.fold(0, |operators: usize, network| operators.wrapping_add(network.operators.into()));
    let writes =
        |operator: &Operator| is(operator.operands().output, output) || is(operator.operands().output, canonical);
    let last = model.operators().skip(found).filter(writes).last()?;
    let Operands { inputs: [_, rows], output: order, .. } = last.operands();
    let whole = output.dtype == Dtype::I16 && output.shape == [2, model.input().samples, 1];
    (matches!(last, Operator::Argsort(_)) && is(rows, canonical) && is(order, output) && whole).then_some(())
}

/// Whether an operator that can run with the most elements can run with fewer, and gives each element, or what it makes
/// of all of them, what it would give in a package that was made for so many; a gather gives zeros behind that.
fn runs_with_fewer(operator: &Operator, site: &Site<'_>) -> bool {
    let [x, u, y] = [site.input, site.other, site.output].map(Tensor::varies);
    let reads_window = operator.operands().inputs[0] == NONE;
    match operator {
        Operator::QuantizeVectors(_) => y,
        // As an image, elements would stand the other way round.
        Operator::QuantizeFeatures(_) => y && (x || reads_window) && site.output.shape[0] == 1,
        // All others leave elements alone.
        _ if !(x || u || y) => true,
        Operator::Conv(conv) => {
            let window = conv.window;
            let one = (window.size[1], window.stride[1], window.padding[1]) == (1, 1, 0);
            (x, u, y) == (true, false, true) && one
        }
        // Each element for itself, with a scratch that is as long for fewer.
        Operator::NormGate(_) => (x, u, y) == (true, false, true),
        Operator::Lut(_) | Operator::Ranks(_) => x && y,
        // What is repeated may not count elements.
        Operator::Add(_) | Operator::Mul(_) => x && y && (u || matches!(site.other.shape, [1, 1, _])),
        Operator::Concat(concat) => x && u && y && concat.axis != 1,
        Operator::InnerProduct(_) => x && y && (u || site.other.is_empty()),
        Operator::CrossProduct(_) | Operator::OuterProduct(_) | Operator::Argsort(_) => x && u && y,
        Operator::SetPool(_) => x && !y,
        // What it writes has room for the most.
        Operator::Gather(_) => x && u && !y,
        Operator::BroadcastAdd(_) => (x, u, y) == (true, false, true),
        Operator::Pool(_)
        | Operator::Depthwise(_)
        | Operator::Rearrange(_)
        | Operator::Softmax(_)
        | Operator::LogSoftmax(_)
        | Operator::Argmax(_)
        | Operator::Lookup(_)
        | Operator::L2Norm(_)
        | Operator::NearestCode(_) => false,
    }
}

// ---- Run ------------------------------------------------------------------------------------------

/// Refuses windows of so many numbers that are too few or too many elements, or no whole ones.
pub(crate) fn takes(&Tensor { shape: [_, most, channels], least, .. }: &Tensor, numbers: usize) -> Result<(), Error> {
    let least = if least == 0 { most } else { least };
    let elements = numbers.checked_div(channels.into()).unwrap_or(0);
    let whole = elements.wrapping_mul(channels.into()) == numbers;
    // In one comparison: fewer than the fewest are more than any.
    if whole && elements.wrapping_sub(least.into()) <= usize::from(most.wrapping_sub(least)) {
        return Ok(());
    }
    // More than 32 bits of them are on no device.
    Err(Error::Input { least, most, channels, given: numbers as u32 })
}

/// Runs an operator on as many elements as the window has.
fn run(kernel: Run, body: &Body, site: &Site<'_>, memory: Memory<'_>) -> Option<()> {
    let elements = site.window.len().checked_div(site.contract.channels())? as u16;
    let [input, other, output] = [site.input, site.other, site.output].map(|tensor| shortened(tensor, elements));
    kernel(body, &Site { input: &input, other: &other, output: &output, ..*site }, memory)
}

/// A tensor in a run with so many elements. The bytes stay: they are what was planned, and kernels use as many of them as
/// the shape tells.
fn shortened(tensor: &Tensor, elements: u16) -> Tensor {
    let [planes, length, channels] = tensor.shape;
    let length = if tensor.varies() { elements } else { length };
    Tensor { shape: [planes, length, channels], ..*tensor }
}

impl<'s> Order<'s> {
    /// What stands in the arena behind a run on so many numbers.
    pub(crate) fn of(model: &Model<'_>, arena: &'s Arena<'_>, numbers: usize) -> Option<Self> {
        let elements = numbers.checked_div(model.input().channels())? as u16;
        let all = arena.read::<i16>(&shortened(model.output_of(Role::Order)?, elements))?;
        let (places, gaps) = all.split_at_checked(all.len() / 2)?;
        Some(Order { places, gaps: bytemuck::must_cast_slice(gaps) })
    }
}
