//! What the law tests of several groups share.

use super::Group;
use super::o2::Orthogonal;
use super::product::{RigidMotion, RigidMotion3, Semidirect};
use super::so2::Rotation;
use super::translation::Translation;
use super::{so3, translation3};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// Associativity, identity and inverses, each side at most `tolerance` from the other.
pub(crate) fn group_laws<G: Group>(
    [a, b, c]: [G; 3],
    distance: impl Fn(G, G) -> f32,
    tolerance: f32,
) -> TestCaseResult {
    prop_assert!(distance(a.compose(b).compose(c), a.compose(b.compose(c))) <= tolerance, "associativity");
    prop_assert!(distance(a.compose(G::IDENTITY), a) == 0.0, "identity on the right");
    prop_assert!(distance(G::IDENTITY.compose(a), a) == 0.0, "identity on the left");
    prop_assert!(distance(a.compose(a.inverse()), G::IDENTITY) <= tolerance, "inverse on the right");
    prop_assert!(distance(a.inverse().compose(a), G::IDENTITY) <= tolerance, "inverse on the left");
    prop_assert!(
        distance(a.compose(b).inverse(), b.inverse().compose(a.inverse())) <= tolerance,
        "inverse of a product"
    );
    Ok(())
}

/// The largest difference of two lists of numbers.
pub(crate) fn farthest<const N: usize>(a: [f32; N], b: [f32; N]) -> f32 {
    // Not `f32::max`, which would leave out what is not a number.
    a.into_iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, |max, x| if x <= max { max } else { x })
}

/// All rotations of the plane.
pub(crate) fn rotation() -> impl Strategy<Value = Rotation> {
    (-7.0f32..7.0).prop_map(Rotation::from_angle)
}

/// All rotations and reflections of the plane.
pub(crate) fn orthogonal() -> impl Strategy<Value = Orthogonal> {
    (rotation(), any::<bool>()).prop_map(|(rotation, reflected)| Orthogonal::new(rotation, reflected))
}

/// Translations by up to so many pixels in each direction.
pub(crate) fn translation(most: f32) -> impl Strategy<Value = Translation> {
    [-most..most, -most..most].prop_map(|v| Translation::from_vector(v).unwrap())
}

/// Translations of space by up to so many counts along each axis.
pub(crate) fn translation3(most: f32) -> impl Strategy<Value = translation3::Translation> {
    prop::array::uniform3(-most..most).prop_map(|v| translation3::Translation::from_vector(v).unwrap())
}

/// All rotations of space.
pub(crate) fn rotation3() -> impl Strategy<Value = so3::Rotation> {
    prop::array::uniform4(-1.0f32..1.0)
        .prop_filter("too short to normalize", |q| q.iter().map(|x| x * x).sum::<f32>() > 0.01)
        .prop_map(so3::Rotation::from_quaternion)
}

/// Turns and translations of space by up to so many counts.
pub(crate) fn rigid_motion3(most: f32) -> impl Strategy<Value = RigidMotion3> {
    (translation3(most), rotation3()).prop_map(|(normal, acting)| Semidirect { normal, acting })
}

/// Turns and translations by up to so many pixels.
pub(crate) fn rigid_motion(most: f32) -> impl Strategy<Value = RigidMotion> {
    (translation(most), rotation()).prop_map(|(normal, acting)| Semidirect { normal, acting })
}
