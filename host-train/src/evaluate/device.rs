//! Core on the workstation: a package, its arena, and what it says of windows.

use crate::data::{CHANNELS, Dataset};
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Degenerate, Element, Pose};
use gimbal_core::{Error, Model, Outcome, Session};

/// A package in its session.
#[derive(Debug)]
pub struct Device<'p> {
    model: Model<'p>,
    arena: Vec<u32>,
}

/// What the device says of one window. Without a pose there is nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The pose and its confidence; `None` also for a model without ψ.
    pub pose: Option<Pose>,
    /// All poses of a model that tells them, those left out that are degenerate; empty for any other.
    pub members: Vec<Pose>,
    /// Why there is no pose.
    pub degenerate: Option<Degenerate>,
    /// The canonical window, counts.
    pub canonical: Vec<i16>,
    /// The code in real numbers.
    pub code: Vec<f32>,
    /// The most likely class.
    pub class: Option<usize>,
    /// What the window has beside its class, in real numbers; empty for a model that does not say.
    pub within: Vec<f32>,
    /// How strange the window is; `None` for a model that does not say.
    pub score: Option<f32>,
    /// Of a set, which element stands where in the canonical order; empty for a model that finds none.
    pub order: Vec<i16>,
    /// How far the score at each place is above that at the next, in counts; 0 is a tie.
    pub gaps: Vec<u16>,
}

impl Reading {
    /// The pose, of a model whose group is SO(3); of O(3), what it has besides the inversion.
    pub fn rotation(&self) -> Option<Rotation> {
        match self.pose?.element {
            Element::Rotation(rotation) => Some(rotation),
            Element::Spatial(orthogonal) => Some(orthogonal.rotation()),
            _ => None,
        }
    }

    /// Whether the pose exchanges left and right hands, of a model whose group is O(3) or E(3).
    pub fn is_reflected(&self) -> Option<bool> {
        match self.pose?.element {
            Element::Spatial(orthogonal) => Some(orthogonal.is_reflected()),
            Element::Isometry3(isometry) => Some(isometry.acting.is_reflected()),
            _ => None,
        }
    }
}

impl<'p> Device<'p> {
    /// Checks the package and gives it an arena of the size it asks for.
    pub fn new(package: &'p [u8]) -> Result<Self, Error> {
        let model = Model::from_bytes(package)?;
        let arena = vec![0; model.arena_len().div_ceil(size_of::<u32>())];
        Ok(Self { model, arena })
    }

    /// The model.
    pub fn model(&self) -> &Model<'p> {
        &self.model
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.model.classes().count()
    }

    /// Whether the package takes windows of this data set.
    pub fn fits(&self, dataset: &Dataset) -> bool {
        let input = self.model.input();
        let same_counts = input.fields.iter().map(|field| field.per_count).eq(dataset.units_per_count);
        input.rate_hz == dataset.rate_hz && input.channels() == CHANNELS && same_counts
    }

    /// Reads one window.
    pub fn read(&mut self, window: &[i16]) -> Result<Reading, Error> {
        let mut session = Session::new(self.model.clone(), &mut self.arena)?;
        Ok(match session.run(window)? {
            Outcome::Degenerate(degenerate) => Reading { degenerate: Some(degenerate), ..Reading::default() },
            Outcome::Encoded(found) => {
                let order = found.order();
                let narrow = found.code.iter().flat_map(|code| code.dequantized());
                let wide = found.wide_code();
                let wide = wide.iter().flat_map(|code| code.dequantized());
                Reading {
                    pose: found.pose,
                    members: (0..found.members()).filter_map(|at| found.member(at)).collect(),
                    degenerate: None,
                    canonical: found.canonical.to_vec(),
                    // There is no more than one of them.
                    code: narrow.chain(wide).collect(),
                    class: found.logits.map(|logits| logits.argmax()),
                    within: found.within().iter().flat_map(|v| v.dequantized()).collect(),
                    score: found.anomaly(),
                    order: order.map(|order| order.places.to_vec()).unwrap_or_default(),
                    gaps: order.map(|order| order.gaps.to_vec()).unwrap_or_default(),
                }
            }
        })
    }

    /// Reads many windows.
    pub fn read_all<W: AsRef<[i16]>>(&mut self, windows: &[W]) -> Result<Vec<Reading>, Error> {
        windows.iter().map(|window| self.read(window.as_ref())).collect()
    }
}
