//! Groups: elements, charts from network outputs to elements, actions, and their laws.
//!
//! One file a group, each with the same four sections: element, chart, action, law tests. How groups act
//! on whole windows, images and signals stands in [`domain`](crate::domain), one file a kind of data.
//!
//! # Adding a group
//!
//! A group is one new file, a variant of [`Element`] and one of [`Chart`](crate::format::Chart). [`o2`], the
//! rotations and reflections of the plane, is the shortest that has everything; read it beside this list.
//!
//! 1. **Element.** A small `Copy` type, [`o2::Orthogonal`], with private fields, so that every value is an
//!    element: nobody can write a matrix that is no reflection. Implement [`Group`], and say in words which
//!    way a positive angle turns. A group that acts on another one implements [`Automorphisms`] and so joins
//!    it in a [`product::Semidirect`], as SE(2) is made of translations and rotations.
//! 2. **Chart.** From what ψ puts out, which the group must turn along with the window, to an element:
//!    [`o2::Handed`]. It is a struct of the two lengths that calibration finds, with a method `pose` that
//!    answers a [`Pose`] or says which [`Degenerate`] case has none. Inputs that a part of the group leaves
//!    as they are, a vector of zeros for one, must end there: no element would be better than another.
//! 3. **Action.** What an element does to one vector, number or place: [`o2::Orthogonal::act`]. Where it acts
//!    on integers, in fixed point with one rounding, so that every target agrees.
//! 4. **Law tests.** The group's laws, the action `(a·b)·x = a·(b·x)`, the chart `ξ(g·y) = g·ξ(y)`, and each
//!    degenerate case by name; with `==` where integers make that possible.

pub mod cyclic;
pub mod o2;
pub mod product;
pub mod shift;
pub mod so2;
pub mod so3;
#[cfg(test)]
pub(crate) mod testing;
pub mod translation;

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

/// A group that acts on another one by automorphisms: each of its elements maps the other group to itself and
/// keeps products, `h(m·n) = h(m)·h(n)`, and one after the other is their product, `g(h(n)) = (g·h)(n)`.
pub trait Automorphisms<N: Group>: Group {
    /// Where `self` takes `n`.
    #[must_use]
    fn apply(self, n: N) -> N;
}

/// An element of the group that a package names.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Element {
    /// An element of SO(3).
    Rotation(so3::Rotation),
    /// An element of SO(2).
    Planar(so2::Rotation),
    /// An element of O(2).
    Orthogonal(o2::Orthogonal),
    /// An element of C_n.
    Cyclic(cyclic::Cyclic),
    /// An element of the circle group R/Z.
    Shift(shift::Shift),
    /// An element of T(2).
    Translation(translation::Translation),
    /// An element of SE(2).
    RigidMotion(product::RigidMotion),
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
    /// of zeros. In the same way, weights that sum to too little have no centroid.
    Vanishing,
    /// The second vector is too close to the line of the first to span a plane with it.
    Parallel,
    /// No element fits better than another: the largest score is not clearly the largest.
    Tied,
}
