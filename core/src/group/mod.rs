//! Groups: elements, charts from network outputs to elements, actions, and their laws.
//!
//! One file a group, each with the same four sections: element, chart, action, law tests. To add a
//! group, add such a file, a variant to [`Element`] and one to [`Chart`](crate::format::Chart).

pub mod so3;

/// What every group can do.
pub trait Group: Copy {
    /// The element that changes nothing.
    const IDENTITY: Self;

    /// `self · other`: first `other`, then `self`.
    #[must_use]
    fn compose(self, other: Self) -> Self;

    /// The element that undoes this one.
    #[must_use]
    fn inverse(self) -> Self;
}

/// An element of the group that a package names.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Element {
    /// An element of SO(3).
    Rotation(so3::Rotation),
}

/// A pose as the network found it: `window = element · canonical window`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pose {
    /// The group element.
    pub element: Element,
    /// How well determined it is: 1 for the median of the calibration windows, towards 0 as the
    /// network's vectors vanish or become parallel.
    pub confidence: f32,
}

/// Why a network's output has no pose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Degenerate {
    /// The first vector is too short to have a direction: a sensor at rest in free fall, or a window
    /// of zeros.
    Vanishing,
    /// The second vector is too close to the line of the first to span a plane with it.
    Parallel,
}
