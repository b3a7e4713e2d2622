//! From bytes to a checked, borrowed [`Model`].
//!
//! Everything that could be wrong with a package is looked for once, in [`Model::from_bytes`]. After
//! that nothing about the package can fail any more: the answers below are `Option`s only because a
//! caller may ask for a tensor that does not exist.

use crate::error::Error;
use crate::format::{
    ALIGNMENT, CHECKSUM_LEN, Chart, Descriptor, Dtype, HEADER_LEN, Input, MAGIC, MAX_RECORDS, NONE, Network, Operator,
    OperatorRecord, PoseHead, Records, Role, Tensor, TensorId, VERSION, checksum,
};
use crate::group::Frame;
use crate::kernel::{self, Kernel, Kernels, Operands, Site};
use crate::math::positive;
use crate::plan::{Slot, overlap};
use crate::set::Sets;

/// Bytes that start at a multiple of four, as a package must.
///
/// ```
/// # macro_rules! include_bytes { ($_:literal) => { &[0; 64] } }
/// use gimbal_core::Aligned;
///
/// static PACKAGE: &[u8] = &Aligned(*include_bytes!("model.gmbl")).0;
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C, align(4))]
pub struct Aligned<T>(pub T);

/// A checked package: what a [`Session`](crate::Session) runs. A clone borrows the same package.
#[derive(Clone, Debug)]
pub struct Model<'m> {
    descriptor: Descriptor<'m>,
    input: Input<'m>,
    records: Records<'m>,
    blob: &'m [u32],
    kernels: &'m Kernels<'m>,
}

impl<'m> Model<'m> {
    /// Checks a package that may use any operator and any chart, and borrows from it. The bytes must start at a multiple of
    /// four, which [`Aligned`] sees to: records and weights are read as they stand.
    ///
    /// Takes time proportional to the length of the package, and to the square of the number of its
    /// tensors, at most 256; no memory beyond the stack's.
    ///
    /// # Errors
    /// The first thing that is wrong, see [`Error`].
    pub fn from_bytes(bytes: &'m [u8]) -> Result<Self, Error> {
        Self::with_kernels(bytes, &Kernels::ALL)
    }

    /// The same with a choice of operators and charts: no other reaches the flash, see [`kernel`].
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes); a package that uses another operator or chart is refused.
    pub fn with_kernels(bytes: &'m [u8], kernels: &'m Kernels<'m>) -> Result<Self, Error> {
        let (descriptor, words) = open(bytes)?;
        let (records, blob) = Records::of(&descriptor, words).ok_or(Error::Descriptor)?;
        let Descriptor { rate_hz, samples, hop, .. } = descriptor;
        let input = Input { rate_hz, samples, hop, fields: records.fields };
        let model = Self { descriptor, input, records, blob, kernels };
        model.check_input()?;
        model.check_tensors()?;
        model.check_operators()?;
        model.check_networks()?;
        // Where they are not supported, all that has to do with them has been refused on the way here.
        if let Some(sets) = model.sets() {
            (sets.check)(&model)?;
        }
        Ok(model)
    }

    /// The package's name, for people.
    #[must_use]
    pub fn name(&self) -> &'m str {
        self.texts().next().unwrap_or_default()
    }

    /// Name and unit of each field of the input contract: `acceleration` in `g`.
    pub fn fields(&self) -> impl Iterator<Item = (&'m str, &'m str)> + use<'m> {
        let mut texts = self.texts().skip(1);
        (0..self.input.fields.len()).map_while(move |_| Some((texts.next()?, texts.next()?)))
    }

    /// The input contract.
    #[must_use]
    pub fn input(&self) -> &Input<'m> {
        &self.input
    }

    /// Numbers in a window, of a set in the largest: samples × channels.
    #[must_use]
    pub fn window_len(&self) -> usize {
        usize::from(self.input.samples) * self.input.channels()
    }

    /// The names of the classes, in the order of the logits; none without a classifier.
    pub fn classes(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        self.texts().skip(1 + 2 * self.input.fields.len())
    }

    /// The descriptor's lines; one that is not UTF-8 reads as nothing.
    fn texts(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        let texts = self.descriptor.texts;
        // Behind the last newline there is nothing.
        let lines = texts.split_last().map_or(texts, |(_, lines)| lines).split(|&byte| byte == b'\n');
        lines.map(|line| str::from_utf8(line).unwrap_or_default())
    }

    /// Bytes of arena that a session needs.
    #[must_use]
    pub fn arena_len(&self) -> usize {
        self.descriptor.arena_len as usize
    }

    /// Bytes of the arena's first part, where it may be cut in two; 0 if it may not. See
    /// [`Session::with_two_arenas`](crate::Session::with_two_arenas).
    #[must_use]
    pub fn fast_len(&self) -> usize {
        self.descriptor.fast_len as usize
    }

    /// How the output of each ψ becomes a pose; none for a model that takes windows as they are.
    #[must_use]
    pub fn pose_heads(&self) -> &'m [PoseHead] {
        self.records.poses
    }

    /// The charts of the pose heads with the actions that come with them, as a build needs them.
    pub fn frames(&self) -> impl Iterator<Item = &'m Frame> + use<'m> {
        let (frames, mut after) = (self.kernels.frames, None);
        self.pose_heads().iter().filter_map(move |head| frame(frames, head, after.replace(head.chart)))
    }

    /// The networks in the order in which they run.
    #[must_use]
    pub fn networks(&self) -> &'m [Network] {
        self.records.networks
    }

    /// The tensor where the network of a role leaves its result.
    #[must_use]
    pub fn output_of(&self, role: Role) -> Option<&'m Tensor> {
        self.tensor(self.networks().iter().find(|network| network.role == role)?.output)
    }

    /// The window in its canonical pose.
    #[must_use]
    pub fn canonical(&self) -> Option<&'m Tensor> {
        self.tensor(self.descriptor.canonical)
    }

    /// A tensor by its position.
    #[must_use]
    pub fn tensor(&self, id: TensorId) -> Option<&'m Tensor> {
        self.tensors().get(usize::from(id))
    }

    /// All tensors, in order.
    #[must_use]
    pub fn tensors(&self) -> &'m [Tensor] {
        self.records.tensors
    }

    /// All operators, in the order in which they run.
    pub fn operators(&self) -> impl Iterator<Item = Operator> + use<'m> {
        self.records().iter().map_while(Operator::decode)
    }

    /// The same as they stand in the package.
    pub(crate) fn records(&self) -> &'m [OperatorRecord] {
        self.records.operators
    }

    /// What runs a kind of operator.
    pub(crate) fn kernel(&self, kind: u32) -> Option<&'m Kernel> {
        self.kernels.operators.iter().find(|kernel| kernel.kind == kind)
    }

    /// What reads a pose head behind one with another chart.
    pub(crate) fn frame(&self, head: &PoseHead, after: Option<Chart>) -> Option<&'m Frame> {
        frame(self.kernels.frames, head, after)
    }

    /// What a pose head reads.
    pub(crate) fn vectors(&self, head: &PoseHead) -> &'m Tensor {
        self.tensor(head.vectors).unwrap_or(&Tensor::ABSENT)
    }

    /// The operators' constants, and what stands before them.
    pub(crate) fn blob(&self) -> &'m [u32] {
        self.blob
    }

    /// What windows of more than one length take, if the build has it.
    pub(crate) fn sets(&self) -> Option<&'m Sets> {
        self.kernels.sets.as_ref()
    }

    /// Whether windows may have fewer samples than the most, or are put in an order: a build needs
    /// [`SETS`](crate::set::SETS) for it.
    #[must_use]
    pub fn takes_sets(&self) -> bool {
        self.tensors().iter().any(Tensor::varies) || self.output_of(Role::Order).is_some()
    }

    /// The fewest samples of a window: as many as the most, [`samples`](Input::samples), where all windows are of one length.
    #[must_use]
    pub fn least(&self) -> u16 {
        let varies = self.canonical().filter(|tensor| tensor.varies());
        varies.map_or(self.input.samples, |tensor| tensor.least)
    }

    /// Where an operator with these operands stands, or `None` if it names a tensor that does not exist.
    pub(crate) fn site<'s>(&'s self, operands: &Operands, window: &'s [i16]) -> Option<Site<'s>> {
        let Operands { inputs: [a, b], output, scratch } = *operands;
        let tensor = |id| if id == NONE { Some(&Tensor::ABSENT) } else { self.tensor(id) };
        Some(Site {
            input: tensor(a)?,
            other: tensor(if b == NONE { scratch } else { b })?,
            output: tensor(output)?,
            in_place: a == output,
            blob: self.blob,
            contract: &self.input,
            window,
        })
    }

    fn check_tensors(&self) -> Result<(), Error> {
        let (arena, fast) = (self.arena_len(), self.fast_len());
        if !arena.is_multiple_of(ALIGNMENT) || !fast.is_multiple_of(ALIGNMENT) || fast > arena {
            return Err(Error::Descriptor);
        }
        for (id, tensor) in (0..).zip(self.tensors()) {
            self.check_tensor(tensor).ok_or(Error::Tensor { tensor: id })?;
            let before = self.tensors().iter().take(id.into());
            if before.map(Slot::placed).any(|other| overlap(&Slot::placed(tensor), &other)) {
                return Err(Error::Overlap { tensor: id });
            }
        }
        Ok(())
    }

    fn check_tensor(&self, tensor: &Tensor) -> Option<()> {
        let (end, fast) = (tensor.offset.checked_add(tensor.bytes)?, self.descriptor.fast_len);
        let inside = end <= self.descriptor.arena_len && (tensor.offset >= fast || end <= fast);
        let aligned = tensor.offset.is_multiple_of(ALIGNMENT as u32);
        let scaled = tensor.scale.to_bits() == 0 || positive(tensor.scale);
        let zero = tensor.dtype != Dtype::I8 || i8::try_from(tensor.zero_point).is_ok();
        // No bytes are an empty tensor's.
        let whole = tensor.bytes > 0 && tensor.len() == Some(tensor.bytes);
        let lives = tensor.first <= tensor.last && (!tensor.varies() || self.sets().is_some());
        (inside && aligned && scaled && zero && whole && lives).then_some(())
    }

    /// Checks every operator and every pose head in the order in which they run, and that nothing is read before it was
    /// written: an arena need not be zeroed.
    fn check_operators(&self) -> Result<(), Error> {
        let mut written = Written::default();
        let mut bytes = 0u32;
        let mut records = self.records().iter().zip(0..);
        let (mut heads, mut after, mut end) = (self.pose_heads().iter().zip(0..), None, 0u16);
        // No operator can read it before it is written, because it is not live before.
        written.insert(self.descriptor.canonical);
        for network in self.networks() {
            for ([kind, body @ ..], operator) in records.by_ref().take(network.operators.into()) {
                let kernel = self.kernel(*kind).ok_or(Error::UnsupportedOperator { operator })?;
                let operands = kernel::operands(body);
                let site = self.check_operands(&operands, kernel, operator, &written)?;
                // Constants are counted once each: shared ones would let a small package ask for endless work.
                bytes = bytes.saturating_add((kernel.check)(body, &site).map_err(|fault| fault.at(operator))?);
                if bytes as usize > size_of_val(self.blob) {
                    return Err(Error::Weights { operator });
                }
                written.insert(operands.output);
                written.remove(operands.scratch);
            }
            end = end.saturating_add(network.operators);
            let output = self.tensor(network.output).ok_or(Error::Descriptor)?;
            let fits = match (network.role, heads.next()) {
                (Role::Psi, Some((head, pose))) => {
                    let frame = self.frame(head, after.replace(head.chart)).ok_or(Error::UnsupportedChart { pose })?;
                    let there = head.vectors == network.output && written.contains(head.vectors) && output.last >= end;
                    there && positive(head.reference) && positive(head.minimum) && (frame.check)(self, output)
                }
                (Role::Eta | Role::Classifier | Role::Within, None) if output.dtype == Dtype::I8 => {
                    self.outlives(output)
                }
                // What these must look like is asked with all else about sets.
                (Role::Eta | Role::Order, None) => self.sets().is_some() && self.outlives(output),
                (Role::Anomaly, None) => {
                    (output.dtype, output.bytes) == (Dtype::I32, Dtype::I32.bytes()) && self.outlives(output)
                }
                _ => false,
            };
            if !fits || network.reserved != 0 {
                return Err(Error::Descriptor);
            }
        }
        let outputs_written = self.networks().iter().all(|network| written.contains(network.output));
        let all = heads.next().is_none() && end == self.descriptor.operators;
        if all && outputs_written && written.contains(self.descriptor.canonical) {
            Ok(())
        } else {
            Err(Error::Descriptor)
        }
    }

    /// Checks that an operator's tensors exist, are live, are written where they are read, and are not
    /// one and the same, but for an operator that works in place.
    fn check_operands(
        &self,
        operands: &Operands,
        kernel: &Kernel,
        operator: u16,
        written: &Written,
    ) -> Result<Site<'_>, Error> {
        let fault = Error::Operand { operator };
        let site = self.site(operands, &[]).ok_or(fault)?;
        let Operands { inputs: [a, b], output, scratch } = *operands;
        let live = |tensor: &Tensor| tensor.is_empty() || (tensor.first..=tensor.last).contains(&operator);
        let all = [site.input, site.other, site.output].into_iter().all(live);
        let read = [a, b].into_iter().all(|id| id == NONE || written.contains(id));
        // A second input is never written, and scratch never read before it is: there is one of them at most, and it has
        // its own memory.
        let (other, absent) = if kernel.scratch { (scratch, b) } else { (b, scratch) };
        let apart = absent == NONE && (other == NONE || (other != a && other != output));
        let aliased = a == output && !kernel.in_place;
        if all && read && apart && !aliased && output != NONE { Ok(site) } else { Err(fault) }
    }

    /// Whether a result is still there when everything has run.
    fn outlives(&self, tensor: &Tensor) -> bool {
        tensor.last.saturating_add(1) >= self.descriptor.operators
    }

    fn check_input(&self) -> Result<(), Error> {
        let input = self.input();
        let fields = input.fields.iter().all(|field| positive(field.per_count) && field.has_width());
        let counts = input.samples > 0 && input.hop > 0 && !input.fields.is_empty();
        if counts && fields && positive(input.rate_hz) { Ok(()) } else { Err(Error::Descriptor) }
    }

    fn check_networks(&self) -> Result<(), Error> {
        let networks = self.networks();
        // As many as there are pose heads are ψ's and come first.
        let follows = |a: Role, b: Role| (a as u16) < b as u16 || b == Role::Psi;
        let in_order = networks.windows(2).all(|pair| matches!(pair, [a, b] if follows(a.role, b.role)));
        if !in_order || networks.is_empty() {
            return Err(Error::Descriptor);
        }
        let canonical = self.canonical().ok_or(Error::Descriptor)?;
        let shape = [1, self.input.samples, self.input.channels() as u16];
        // It is written behind the first ψ, or before everything.
        let psi = networks.first().filter(|_| !self.pose_heads().is_empty()).map_or(0, |psi| psi.operators);
        let fits = canonical.dtype == Dtype::I16 && canonical.shape == shape && canonical.first == psi;
        let logits = self.output_of(Role::Classifier).map_or(0, |tensor| tensor.elements().unwrap_or(0));
        // Only counted: whoever does not look at names need not have the code that reads them.
        let texts = self.descriptor.texts;
        let lines = texts.iter().filter(|&&byte| byte == b'\n').count();
        let named = lines == 1 + 2 * self.input.fields.len() + logits as usize && texts.last() == Some(&b'\n');
        if fits && self.outlives(canonical) && named { Ok(()) } else { Err(Error::Descriptor) }
    }
}

fn frame<'m>(frames: &'m [Frame], head: &PoseHead, after: Option<Chart>) -> Option<&'m Frame> {
    frames.iter().find(|frame| (frame.chart, frame.after) == (head.chart, after))
}

/// The tensors that some operator has written.
#[derive(Default)]
struct Written {
    words: [u32; MAX_RECORDS / 32],
}

impl Written {
    fn insert(&mut self, id: TensorId) {
        if let Some(word) = self.words.get_mut(usize::from(id) / 32) {
            *word |= 1 << (id % 32);
        }
    }

    fn remove(&mut self, id: TensorId) {
        if let Some(word) = self.words.get_mut(usize::from(id) / 32) {
            *word &= !(1 << (id % 32));
        }
    }

    fn contains(&self, id: TensorId) -> bool {
        self.words.get(usize::from(id) / 32).is_some_and(|word| word & (1 << (id % 32)) != 0)
    }
}

/// Splits a package into its descriptor and the words behind, once header and checksum are right.
fn open(bytes: &[u8]) -> Result<(Descriptor<'_>, &[u32]), Error> {
    let header = bytes.first_chunk::<HEADER_LEN>().ok_or_else(|| shorter_than_a_header(bytes))?;
    let &[m0, m1, m2, m3, v0, v1, z0, z1, d0, d1, d2, d3, b0, b1, b2, b3] = header;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(Error::NotAPackage);
    }
    let version = u16::from_le_bytes([v0, v1]);
    if version != VERSION {
        return Err(Error::UnsupportedVersion { found: version });
    }
    let [descriptor_len, body_len] = [[d0, d1, d2, d3], [b0, b1, b2, b3]].map(u32::from_le_bytes);
    let found = bytes.len().try_into().unwrap_or(u32::MAX);
    let around = (HEADER_LEN + CHECKSUM_LEN) as u32;
    let expected = descriptor_len.saturating_add(body_len).saturating_add(around);
    if expected != found {
        return Err(Error::Length { expected, found });
    }
    if !bytes.as_ptr().cast::<u32>().is_aligned() {
        return Err(Error::Alignment);
    }
    let (covered, stored) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or(Error::Length { expected, found })?;
    if checksum(covered) != u32::from_le_bytes(*stored) {
        return Err(Error::Checksum);
    }
    parts(covered, descriptor_len as usize).filter(|_| [z0, z1] == [0, 0]).ok_or(Error::Descriptor)
}

/// The descriptor and the words behind it of bytes that start with a header.
fn parts(bytes: &[u8], descriptor_len: usize) -> Option<(Descriptor<'_>, &[u32])> {
    let (descriptor, words) = bytes.get(HEADER_LEN..)?.split_at_checked(descriptor_len)?;
    let (descriptor, padding) = postcard::take_from_bytes(descriptor).ok()?;
    let padded = padding.len() < ALIGNMENT && padding.iter().all(|&byte| byte == 0);
    // Their length and the descriptor's are multiples of four.
    Some((descriptor, bytemuck::try_cast_slice(words).ok()?)).filter(|_| padded)
}

fn shorter_than_a_header(bytes: &[u8]) -> Error {
    if bytes.starts_with(&MAGIC) {
        Error::Length { expected: (HEADER_LEN + CHECKSUM_LEN) as u32, found: bytes.len() as u32 }
    } else {
        Error::NotAPackage
    }
}
