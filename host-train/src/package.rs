//! From operators to the bytes of a package.

use bytemuck::cast_slice;
use gimbal_core::format::{
    ALIGNMENT, CHECKSUM_LEN, Descriptor, Dtype, Field, FieldKind, HEADER_LEN, MAGIC, MAX_FIELDS, MAX_NETWORKS,
    MAX_POSES, MAX_RECORDS, Network, Operator, PoseHead, Role, Tensor, TensorId, VERSION, checksum,
};
use gimbal_core::plan::{self, Slot};
use gimbal_core::{Error, Model};

/// What a window is, as the package will state it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// A name for people.
    pub name: String,
    /// Samples a second.
    pub rate_hz: f32,
    /// Samples in a window.
    pub samples: usize,
    /// Samples from window to window, as trained.
    pub hop: usize,
    /// What each sample holds.
    pub fields: Vec<ContractField>,
    /// The names of the classes; empty without a classifier.
    pub classes: Vec<String>,
}

/// Neighbouring channels of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractField {
    /// What is measured.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Units per count.
    pub per_count: f32,
    /// How the group acts on it.
    pub kind: FieldKind,
    /// Numbers that it takes in a sample: 3 for vectors.
    pub width: usize,
}

impl ContractField {
    /// The fields of a package.
    pub fn of(model: &Model<'_>) -> Vec<Self> {
        let fields = model.input().fields.iter().zip(model.fields());
        let field = |(field, (name, unit)): (&Field, (&str, &str))| Self {
            name: name.into(),
            unit: unit.into(),
            per_count: field.per_count,
            kind: field.kind,
            width: field.channels(),
        };
        fields.map(field).collect()
    }
}

/// A package in the making: tensors and operators in the order in which they run.
#[derive(Clone, Debug)]
pub struct Parts {
    contract: Contract,
    /// The charts, one for each ψ.
    pub poses: Vec<PoseHead>,
    canonical: TensorId,
    networks: Vec<Network>,
    /// Records whose offsets [`encode`](Self::encode) will fill in.
    pub tensors: Vec<Tensor>,
    operators: Vec<Operator>,
    /// What people call each operator.
    names: Vec<String>,
    /// The fewest samples of a window, of the tensors whose length counts these; `None` where all windows are of one
    /// length, which then is that of the contract.
    pub least: Option<usize>,
    /// Bytes of a fast arena, a multiple of four, that the planner fills before the rest; 0 for one arena.
    pub fast_len: u32,
    /// Weights, biases and multipliers.
    pub blob: Vec<u8>,
}

/// Why the parts do not make a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// More fields, poses, networks, tensors or operators than a package holds, or a dimension above 65,535.
    #[error("The input contract, the networks or their number of layers is too large for a package.")]
    TooLarge,
    /// Names are lines of text.
    #[error("The name {0:?} has more than one line.")]
    Name(String),
    /// Core would refuse the package.
    #[error("The package would be refused by the device: {0}.")]
    Refused(Error),
    /// Core would refuse a layer.
    #[error("Layer `{layer}` would be refused by the device: {error}.")]
    RefusedLayer {
        /// Its name.
        layer: String,
        /// What core says.
        error: Error,
    },
}

impl Parts {
    /// Nothing yet.
    pub fn new(contract: Contract) -> Self {
        Self {
            contract,
            poses: Vec::new(),
            canonical: 0,
            networks: Vec::new(),
            tensors: Vec::new(),
            operators: Vec::new(),
            names: Vec::new(),
            least: None,
            fast_len: 0,
            blob: Vec::new(),
        }
    }

    /// A new tensor; the operators that touch it decide how long it lives.
    pub fn tensor(&mut self, dtype: Dtype, shape: [u16; 3], scale: f32, zero_point: i16) -> TensorId {
        let (first, last) = (u16::MAX, 0);
        let tensor = Tensor { dtype, shape, scale, zero_point, offset: 0, bytes: 0, first, last, least: 0 };
        // One that is too long is refused when it is planned.
        self.tensors.push(Tensor { bytes: tensor.len().unwrap_or(0), ..tensor });
        (self.tensors.len() - 1) as TensorId
    }

    /// A new tensor whose length counts the elements of a set: `shape` is its shape for the most elements, and a window
    /// may have fewer, down to [`least`](Self::least).
    pub fn set_tensor(&mut self, dtype: Dtype, shape: [u16; 3], scale: f32, zero_point: i16) -> TensorId {
        let id = self.tensor(dtype, shape, scale, zero_point);
        self.varying(id);
        id
    }

    /// Says that a tensor's length counts the elements of a set.
    pub fn varying(&mut self, id: TensorId) {
        // How few is filled in when the package is written.
        self.tensors[usize::from(id)].least = 1;
    }

    /// Says how the output of the ψ that has just ended becomes a pose: it is read before the next operator.
    pub fn pose(&mut self, head: PoseHead) {
        self.poses.push(head);
        self.touch(head.vectors);
    }

    /// Names the tensor of the canonical window, which is written before the next operator: behind the first ψ, if there
    /// is one.
    pub fn canonical(&mut self, id: TensorId) {
        self.canonical = id;
        self.touch(id);
    }

    /// The next operator, under its own name.
    pub fn push(&mut self, operator: Operator) {
        self.push_layer(operator.name(), operator);
    }

    /// The next operator, under the name of the layer that it is or belongs to: what an error will call it.
    pub fn push_layer(&mut self, layer: &str, operator: Operator) {
        operator.operands().all().for_each(|id| self.touch(id));
        self.operators.push(operator);
        self.names.push(layer.into());
    }

    /// Ends a network: all operators since the one before.
    pub fn network(&mut self, role: Role, output: TensorId) {
        let before: u16 = self.networks.iter().map(|network| network.operators).sum();
        let operators = self.operators.len() as u16 - before;
        self.networks.push(Network { role, operators, output, reserved: 0 });
    }

    /// Changes what one step of a tensor is worth.
    pub fn rescale(&mut self, id: TensorId, factor: f32) {
        self.tensors[usize::from(id)].scale *= factor;
    }

    fn touch(&mut self, id: TensorId) {
        let now = self.operators.len() as u16;
        let tensor = &mut self.tensors[usize::from(id)];
        tensor.first = tensor.first.min(now);
        tensor.last = tensor.last.max(now);
    }

    /// Plans the arena and writes the package, which core has checked.
    ///
    /// # Errors
    /// [`PackageError::RefusedLayer`] with the name of the layer that the device would refuse; see
    /// [`PackageError`] for the rest.
    pub fn encode(mut self) -> Result<Vec<u8>, PackageError> {
        let arena_len = self.plan()?;
        let least = small(self.least.unwrap_or(self.contract.samples))?;
        for tensor in self.tensors.iter_mut().filter(|tensor| tensor.varies()) {
            tensor.least = least;
        }
        let Contract { name, rate_hz, samples, hop, fields, classes } = &self.contract;
        let labels = fields.iter().flat_map(|field| [&field.name, &field.unit]);
        let lines = std::iter::once(name).chain(labels).chain(classes);
        if let Some(line) = lines.clone().find(|line| line.contains('\n')) {
            return Err(PackageError::Name(line.clone()));
        }
        let texts: Vec<u8> = lines.flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
        let field = |f: &ContractField| {
            Ok::<_, PackageError>(Field { per_count: f.per_count, kind: f.kind, width: small(f.width)? })
        };
        let fields = fields.iter().map(field).collect::<Result<Vec<Field>, _>>()?;
        let operators: Vec<_> = self.operators.iter().map(Operator::encode).collect();
        let descriptor = Descriptor {
            texts: &texts,
            rate_hz: *rate_hz,
            samples: small(*samples)?,
            hop: small(*hop)?,
            canonical: self.canonical,
            arena_len,
            fast_len: self.fast_len,
            fields: count(&fields, MAX_FIELDS)?,
            poses: count(&self.poses, MAX_POSES)?,
            networks: count(&self.networks, MAX_NETWORKS)?,
            tensors: count(&self.tensors, MAX_RECORDS)?,
            operators: count(&operators, MAX_RECORDS)?,
        };
        let records = [
            cast_slice(&fields),
            cast_slice(&self.poses),
            cast_slice(&self.networks),
            cast_slice(&self.tensors),
            cast_slice(&operators),
        ];
        let package = assemble(&descriptor, &records.concat(), &self.blob);
        match Model::from_bytes(&package) {
            Ok(_) => Ok(package),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// What core says, with the name of the layer.
    fn refused(&self, error: Error) -> PackageError {
        // A tensor is named after the operator that writes it.
        let operator = error.operator().or_else(|| match error {
            Error::Tensor { tensor } | Error::Overlap { tensor } => Some(self.tensors.get(usize::from(tensor))?.first),
            _ => None,
        });
        match operator.and_then(|operator| self.names.get(usize::from(operator))) {
            Some(layer) => PackageError::RefusedLayer { layer: layer.clone(), error },
            None => PackageError::Refused(error),
        }
    }

    /// Gives every tensor its place and returns the bytes of arena.
    fn plan(&mut self) -> Result<u32, PackageError> {
        let end = self.operators.len().saturating_sub(1) as u16;
        let kept = self.networks.iter().filter(|network| network.role != Role::Psi).map(|network| network.output);
        for id in kept.chain([self.canonical]) {
            self.tensors[usize::from(id)].last = end;
        }
        let mut slots = self.tensors.iter().map(Slot::of).collect::<Option<Vec<_>>>().ok_or(PackageError::TooLarge)?;
        let arena_len = plan::assign(&mut slots, self.fast_len);
        // Where everything fits the first arena there is no second.
        self.fast_len = self.fast_len.min(arena_len);
        for (tensor, slot) in self.tensors.iter_mut().zip(&slots) {
            tensor.offset = slot.offset.unwrap_or(0);
        }
        Ok(arena_len)
    }
}

/// A package: header, descriptor, records, blob, checksum.
pub fn assemble(descriptor: &Descriptor<'_>, records: &[u8], blob: &[u8]) -> Vec<u8> {
    let descriptor = padded(postcard::to_stdvec(descriptor).expect("a vector takes any number of bytes"));
    let body = padded([records, blob].concat());
    let mut package = Vec::with_capacity(HEADER_LEN + descriptor.len() + body.len() + CHECKSUM_LEN);
    package.extend(MAGIC);
    package.extend(VERSION.to_le_bytes());
    package.extend([0, 0]);
    package.extend((descriptor.len() as u32).to_le_bytes());
    package.extend((body.len() as u32).to_le_bytes());
    package.extend(descriptor);
    package.extend(body);
    package.extend(checksum(&package).to_le_bytes());
    package
}

fn small(number: usize) -> Result<u16, PackageError> {
    number.try_into().map_err(|_| PackageError::TooLarge)
}

fn count<T>(records: &[T], limit: usize) -> Result<u16, PackageError> {
    if records.len() > limit { Err(PackageError::TooLarge) } else { small(records.len()) }
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}
