//! Running a model on windows.

use crate::arena::{self, Arena, copy};
use crate::error::Error;
use crate::format::{OperatorRecord, Role, Tensor};
use crate::group::{Degenerate, Element, Frame, Pose, told};
use crate::kernel;
use crate::model::Model;
use crate::set::{self, Order};
use core::fmt;

/// A model and the memory to run it in.
#[derive(Debug)]
pub struct Session<'m, 'a> {
    model: Model<'m>,
    arena: Arena<'a>,
}

/// What a run found.
#[derive(Debug)]
pub enum Outcome<'s> {
    /// The window was brought into its canonical pose and encoded.
    Encoded(Inference<'s>),
    /// The window has no pose, so nothing was encoded: turn the sensor, or wait for it to move.
    Degenerate(Degenerate),
}

/// The results of a run; they stand in the arena until the next one.
#[derive(Clone, Copy)]
pub struct Inference<'s> {
    /// `window = pose · canonical`; `None` for a model that takes windows as they are.
    pub pose: Option<Pose>,
    /// The window in its canonical pose, in the input contract's counts, `[samples, channels]`; of a set in the order in
    /// which the elements were given, see [`order`](Self::order).
    pub canonical: &'s [i16],
    /// η's invariant code; `None` for a model without one, and for one of 16 bits, see [`wide_code`](Self::wide_code).
    pub code: Option<Features<'s>>,
    /// One logit a class; `None` for a model without a classifier.
    pub logits: Option<Features<'s>>,
    /// Where all else stands: only who asks for it has the code that reads it.
    session: &'s Session<'s, 's>,
}

impl fmt::Debug for Inference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pose, canonical, code, logits, .. } = self;
        let mut all = f.debug_struct("Inference");
        all.field("pose", pose).field("canonical", canonical).field("code", code).field("logits", logits);
        all.field("wide_code", &self.wide_code()).field("order", &self.order());
        all.field("within", &self.within()).field("anomaly", &self.anomaly()).finish()
    }
}

impl<'s> Inference<'s> {
    /// η's invariant code where it has 16 bits, as that of a set may.
    #[must_use]
    pub fn wide_code(&self) -> Option<Features<'s, i16>> {
        self.session.features(self.session.model.output_of(Role::Eta)?)
    }

    /// What the window has beside its class, as an encoder says that knows the code of the most likely class; `None` for a
    /// model that does not say.
    #[must_use]
    pub fn within(&self) -> Option<Features<'s>> {
        self.session.features(self.session.model.output_of(Role::Within)?)
    }

    /// How strange the window is for its most likely class: the mean squared error of what a decoder makes of that class
    /// and of [`within`](Self::within), in the square of the network's units, 0 or more; `None` for a model that does not
    /// say.
    #[must_use]
    pub fn anomaly(&self) -> Option<f32> {
        let sum: Features<'_, i32> = self.session.features(self.session.model.output_of(Role::Anomaly)?)?;
        sum.values.first().map(|&squares| sum.scale * squares as f32)
    }

    /// How many poses ψ tells for the window, where it [tells](crate::group::told) them: 1, or more where things look the same
    /// in several; 0 where a pose is not told.
    #[must_use]
    pub fn members(&self) -> u16 {
        told::members(&self.session.model)
    }

    /// One of these poses, of which [`pose`](Self::pose) is the first; `None` where there are not so many, or this one is
    /// degenerate.
    #[must_use]
    pub fn member(&self, at: u16) -> Option<Pose> {
        told::member(&self.session.model, &self.session.arena, at)
    }

    /// Which element stands where in the canonical order; `None` for a model that finds none.
    #[must_use]
    pub fn order(&self) -> Option<Order<'s>> {
        Order::of(&self.session.model, &self.session.arena, self.canonical.len())
    }
}

/// Quantized numbers: each stands for `scale · (value − zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features<'s, T = i8> {
    /// The integers.
    pub values: &'s [T],
    /// What one step is worth.
    pub scale: f32,
    /// The integer that stands for zero.
    pub zero_point: i16,
}

/// What a run does next, as [`Session::run_observed`] tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Step {
    /// The operator at this position of the package.
    Operator(u16),
    /// The pose is made of ψ's output, if there is one, and the window moved back by it.
    Canonicalize,
    /// Nothing: the networks have run, or there is no pose to go on with.
    End,
}

impl<T: Copy + Ord + Into<i32>> Features<'_, T> {
    /// The real numbers that the integers stand for.
    pub fn dequantized(&self) -> impl Iterator<Item = f32> {
        let Self { scale, zero_point, .. } = *self;
        // Below 2²⁴, and so exact.
        self.values.iter().map(move |&value| scale * (value.into() - i32::from(zero_point)) as f32)
    }

    /// The position of the largest number, the first where several are equal.
    #[must_use]
    pub fn argmax(&self) -> usize {
        let largest = self.values.iter().max();
        largest.and_then(|max| self.values.iter().position(|value| value == max)).unwrap_or(0)
    }
}

impl<'m, 'a> Session<'m, 'a> {
    /// A session in the caller's memory, which must hold [`Model::arena_len`] bytes; a longer slice is
    /// fine. It need not be zeroed.
    ///
    /// # Errors
    /// [`Error::Arena`] with the bytes needed.
    pub fn new(model: Model<'m>, arena: &'a mut [u32]) -> Result<Self, Error> {
        let fast = part(arena, model.arena_len())?;
        Ok(Self { model, arena: Arena::new(fast, &mut []) })
    }

    /// A session in two pieces of memory, such as a small fast one and a large one: the first must hold
    /// [`Model::fast_len`] bytes and the second the rest. Where to cut is chosen at export.
    ///
    /// # Errors
    /// [`Error::Arena`] with the bytes that the piece needs that is too small.
    pub fn with_two_arenas(model: Model<'m>, fast: &'a mut [u32], large: &'a mut [u32]) -> Result<Self, Error> {
        let large = part(large, model.arena_len() - model.fast_len())?;
        let fast = part(fast, model.fast_len())?;
        Ok(Self { model, arena: Arena::new(fast, large) })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model<'m> {
        &self.model
    }

    /// Finds the pose of a window, turns it into its canonical pose, and encodes that.
    ///
    /// `window` holds the sensor's counts as the input contract describes them, `[samples, channels]`; of a set as many
    /// elements as there are, from [`Model::least`] to [`samples`](crate::format::Input::samples).
    ///
    /// # Errors
    /// [`Error::Input`] if the window has another length.
    pub fn run(&mut self, window: &[i16]) -> Result<Outcome<'_>, Error> {
        self.run_observed(window, &mut |_| ())
    }

    /// [`run`](Self::run), telling `observe` of every step right before it begins, and of the end: with a
    /// clock there, a board tells what each operator takes.
    ///
    /// # Errors
    /// [`Error::Input`] if the window has another length; nothing is observed then.
    pub fn run_observed(&mut self, window: &[i16], observe: &mut dyn FnMut(Step)) -> Result<Outcome<'_>, Error> {
        set::takes(self.model.canonical().unwrap_or(&Tensor::ABSENT), window.len())?;
        let mut pose = None;
        let encoded = self.encode(window, &mut pose, observe);
        observe(Step::End);
        match encoded {
            Ok(()) => Ok(Outcome::Encoded(self.inference(pose, window.len()))),
            Err(degenerate) => Ok(Outcome::Degenerate(degenerate)),
        }
    }

    /// Runs all networks and writes down the pose that each ψ finds.
    fn encode(
        &mut self,
        window: &[i16],
        pose: &mut Option<Pose>,
        observe: &mut dyn FnMut(Step),
    ) -> Result<(), Degenerate> {
        let mut records = self.model.records().iter().zip(0..);
        let (mut heads, mut after) = (self.model.pose_heads().iter(), None);
        if self.model.pose_heads().is_empty() {
            observe(Step::Canonicalize);
            canonicalize(&self.model, &mut self.arena, window, None);
        }
        for network in self.model.networks() {
            for (record, position) in records.by_ref().take(network.operators.into()) {
                observe(Step::Operator(position));
                let done = step(&self.model, &mut self.arena, window, record);
                debug_assert!(done.is_some(), "the loader let an operator pass that cannot run");
            }
            // Each ψ has a pose head, and they run before the others.
            if let Some(head) = heads.next()
                && let Some(frame) = self.model.frame(head, after)
            {
                observe(Step::Canonicalize);
                (frame.pose)(&self.model, head, &self.arena, pose)?;
                canonicalize(&self.model, &mut self.arena, window, pose.as_ref().map(|pose| (frame, &pose.element)));
                after = Some(head.chart);
            }
        }
        Ok(())
    }

    fn inference(&self, pose: Option<Pose>, len: usize) -> Inference<'_> {
        let canonical = self.model.canonical().and_then(|tensor| self.arena.read(tensor));
        Inference {
            pose,
            canonical: canonical.and_then(|all| all.get(..len)).unwrap_or_default(),
            code: self.model.output_of(Role::Eta).and_then(|tensor| self.features(tensor)),
            logits: self.model.output_of(Role::Classifier).and_then(|tensor| self.features(tensor)),
            session: self,
        }
    }

    fn features<T: arena::Element>(&self, tensor: &Tensor) -> Option<Features<'_, T>> {
        Some(Features { values: self.arena.read(tensor)?, scale: tensor.scale, zero_point: tensor.zero_point })
    }
}

/// The first bytes of the caller's memory.
fn part(memory: &mut [u32], needed: usize) -> Result<&mut [u32], Error> {
    let given = size_of_val(memory).try_into().unwrap_or(u32::MAX);
    memory.get_mut(..needed / size_of::<u32>()).ok_or(Error::Arena { needed: needed as u32, given })
}

/// Runs one operator.
fn step(model: &Model<'_>, arena: &mut Arena<'_>, window: &[i16], [kind, body @ ..]: &OperatorRecord) -> Option<()> {
    // Not `?`, which moves what it takes out.
    let Some(site) = &model.site(&kernel::operands(body), window) else { return None };
    let input = if site.in_place { &Tensor::ABSENT } else { site.input };
    let memory = arena.memory(input, site.other, site.output)?;
    let run = model.kernel(*kind)?.run;
    match model.sets() {
        Some(sets) => (sets.run)(run, body, site, memory),
        None => run(body, site, memory),
    }
}

/// Writes the caller's window into the arena, moved back by its pose.
fn canonicalize(model: &Model<'_>, arena: &mut Arena<'_>, window: &[i16], pose: Option<(&Frame, &Element)>) {
    let canonical = model.canonical().and_then(|tensor| arena.write::<i16>(tensor));
    // As long as the window, which may be one of fewer samples.
    let Some(canonical) = canonical.and_then(|all| all.get_mut(..window.len())) else { return };
    copy(window, canonical);
    if let Some((frame, element)) = pose {
        (frame.undo)(element, model.input(), window, canonical);
    }
}
