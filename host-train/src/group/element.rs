//! Elements as the device has them: how rows of tensors become elements of core's groups, their products, how far apart
//! they are, and how they move samples.

use crate::nn::grid::Extent;
use crate::recipe::grid::GroupName;
use gimbal_core::Model;
use gimbal_core::domain::{image, ring, signal};
use gimbal_core::format::{Chart, FieldKind, PoseHead};
use gimbal_core::group::cyclic::Cyclic;
use gimbal_core::group::o2::Orthogonal;
use gimbal_core::group::product::RigidMotion;
use gimbal_core::group::shift::Shift;
use gimbal_core::group::translation::Translation;
use gimbal_core::group::{Element, Group, so2};
use std::f32::consts::TAU;

/// The element of a row, on samples of a shape.
///
/// # Panics
/// If the row is none of the group's.
pub fn element(name: GroupName, row: &[f32], extent: Extent) -> Element {
    let index = || row.iter().position(|&share| share > 0.5).expect("one number of the row is 1") as u16;
    match (name, row) {
        (GroupName::So2, &[cos, sin]) => {
            Element::Planar(so2::Rotation::from_vector([cos, sin]).expect("the row has length 1"))
        }
        (GroupName::O2, &[cos, sin, hand]) => {
            let rotation = so2::Rotation::from_vector([cos, sin]).expect("the row has length 1");
            Element::Orthogonal(Orthogonal::new(rotation, hand < 0.0))
        }
        (GroupName::Shift, &[cos, sin]) => Element::Shift(Shift::from_turns(sin.atan2(cos) / TAU)),
        (GroupName::C4 | GroupName::Ring, _) => Element::Cyclic(Cyclic::new(index(), row.len() as u16)),
        (GroupName::T2, &[x, y]) => {
            let pixels = |part: f32, side: usize| part * (side as f32 - 1.0) / 2.0;
            let vector = [pixels(x, extent.columns), pixels(y, extent.rows)];
            Element::Translation(Translation::from_vector(vector).expect("the row is finite"))
        }
        _ => panic!("{row:?} is no element of {name:?}"),
    }
}

/// The groups of a package's poses, the last of which acts first; none where they are not of a grid.
pub fn groups(model: &Model<'_>) -> Vec<GroupName> {
    let is_image = model.input().fields.iter().any(|field| field.kind == FieldKind::Row);
    let group = |head: &PoseHead| match head.chart {
        Chart::Direction => Some(GroupName::So2),
        Chart::Phase => Some(GroupName::Shift),
        Chart::Argmax if is_image => Some(GroupName::C4),
        Chart::Argmax => Some(GroupName::Ring),
        Chart::Centroid => Some(GroupName::T2),
        // Those of vectors and sets, and told ones, which move nothing.
        _ => None,
    };
    model.pose_heads().iter().filter_map(group).collect()
}

/// `g · h`: first `h`, then `g`; None for elements that are not of one group, or of a pair that makes one.
pub fn product(g: Element, h: Element) -> Option<Element> {
    Some(match (g, h) {
        (Element::Planar(g), Element::Planar(h)) => Element::Planar(g.compose(h)),
        (Element::Orthogonal(g), Element::Orthogonal(h)) => Element::Orthogonal(g.compose(h)),
        (Element::Shift(g), Element::Shift(h)) => Element::Shift(g.compose(h)),
        (Element::Cyclic(g), Element::Cyclic(h)) => Element::Cyclic(g.compose(h)),
        (Element::Translation(g), Element::Translation(h)) => Element::Translation(g.compose(h)),
        (Element::RigidMotion(g), Element::RigidMotion(h)) => Element::RigidMotion(g.compose(h)),
        (Element::Translation(normal), Element::Planar(acting)) => Element::RigidMotion(RigidMotion { normal, acting }),
        _ => return None,
    })
}

/// How far apart two elements are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// Degrees between angles, where a whole signal is 360° and so is a whole ring; 0 where there is no angle, and 180
    /// between an element that reflects and one that does not: of those no turn makes one the other.
    pub degrees: f32,
    /// Pixels between translations.
    pub pixels: f32,
    /// Whether one of them reflects and the other does not.
    pub apart: bool,
}

/// How far apart two elements of one group are; None for others.
pub fn distance(g: Element, h: Element) -> Option<Distance> {
    let degrees = |degrees| Distance { degrees, ..Distance::default() };
    let pixels = |g: Translation, h: Translation| (g.x() - h.x()).hypot(g.y() - h.y());
    Some(match (g, h) {
        (Element::Planar(g), Element::Planar(h)) => degrees(g.angle_to(&h).to_degrees()),
        (Element::Orthogonal(g), Element::Orthogonal(h)) => {
            let apart = g.is_reflected() != h.is_reflected();
            Distance { apart, ..degrees(if apart { 180.0 } else { g.rotation().angle_to(&h.rotation()).to_degrees() }) }
        }
        (Element::Shift(g), Element::Shift(h)) => degrees(g.turns_to(&h).abs() * 360.0),
        (Element::Cyclic(g), Element::Cyclic(h)) => {
            let between = g.inverse().compose(h);
            let (index, order) = (between.index(), between.order());
            degrees(f32::from(index.min(order - index)) * 360.0 / f32::from(order))
        }
        (Element::Translation(g), Element::Translation(h)) => Distance { pixels: pixels(g, h), ..Distance::default() },
        (Element::RigidMotion(g), Element::RigidMotion(h)) => {
            Distance { pixels: pixels(g.normal, h.normal), ..degrees(g.acting.angle_to(&h.acting).to_degrees()) }
        }
        _ => return None,
    })
}

/// `g · x`, as the device moves samples; None where it cannot.
pub fn act(g: Element, extent: Extent, counts: &[i16]) -> Option<Vec<i16>> {
    let Extent { rows, columns, .. } = extent;
    let mut moved = vec![0; counts.len()];
    let to = &mut moved[..];
    match g {
        Element::Planar(g) => image::transform(&g.into(), columns, counts, to)?,
        Element::Orthogonal(g) => image::transform(&g.into(), columns, counts, to)?,
        Element::Translation(g) => image::transform(&g.into(), columns, counts, to)?,
        Element::RigidMotion(g) => image::transform(&g.into(), columns, counts, to)?,
        Element::Cyclic(g) if rows == columns && g.order() == 4 => image::quarter_turns(g, rows, counts, to)?,
        Element::Cyclic(g) => ring::shift(g, columns, counts, to)?,
        Element::Shift(g) => signal::shift(g, columns, counts, to)?,
        _ => return None,
    }
    Some(moved)
}

/// `g⁻¹`; None for what no recipe of grids has.
pub fn inverse(g: Element) -> Option<Element> {
    Some(match g {
        Element::Planar(g) => Element::Planar(g.inverse()),
        Element::Orthogonal(g) => Element::Orthogonal(g.inverse()),
        Element::Translation(g) => Element::Translation(g.inverse()),
        Element::RigidMotion(g) => Element::RigidMotion(g.inverse()),
        Element::Cyclic(g) => Element::Cyclic(g.inverse()),
        Element::Shift(g) => Element::Shift(g.inverse()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::group;
    use crate::nn::testing::*;
    use burn::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Counts of a smooth image are off by the device's rounding of places to 1/128 of a pixel.
    const TOLERANCE_COUNTS: f32 = 3.0;

    #[test]
    fn the_device_moves_samples_as_the_tensors_do() {
        let device = device();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (name, rows, columns) in [
            (GroupName::So2, 16, 16),
            (GroupName::O2, 16, 16),
            (GroupName::C4, 16, 16),
            (GroupName::T2, 16, 16),
            (GroupName::Shift, 20, 1),
            (GroupName::Ring, 6, 8),
        ] {
            let extent = Extent { channels: 1, rows, columns };
            let group = group(name, extent).unwrap();
            let bell = |at: usize, side: usize| (-((at as f32 - side as f32 / 2.0) / side as f32 * 4.0).powi(2)).exp();
            let counts: Vec<i16> = (0..rows * columns)
                .map(|i| (200.0 * bell(i / columns, rows) * (0.5 + bell(i % columns + 1, columns)) / 1.5) as i16)
                .collect();
            let row = group.draw(&mut rng);
            let numbers: Vec<f32> = counts.iter().map(|&count| count.into()).collect();
            let x = Tensor::<4>::from_data(TensorData::new(numbers, [1, 1, rows, columns]), &device);
            let g = Tensor::<2>::from_data(TensorData::new(row.clone(), [1, row.len()]), &device);
            let expected = group.act(g, x).flatten::<1>(0, 3).into_data().try_to_vec::<f32>().unwrap();
            let got = act(element(name, &row, extent), extent, &counts).unwrap();
            for (got, expected) in got.iter().zip(&expected) {
                assert!((f32::from(*got) - expected).abs() <= TOLERANCE_COUNTS, "{name:?}: {got} {expected}");
            }
        }
    }

    #[test]
    fn products_and_distances_agree() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (name, rows) in [(GroupName::O2, 8), (GroupName::T2, 9), (GroupName::Ring, 9)] {
            let extent = Extent { channels: 1, rows, columns: 8 };
            let group = group(name, extent).unwrap();
            let [g, h] = [(); 2].map(|()| element(name, &group.draw(&mut rng), extent));
            let back = product(inverse(g).unwrap(), product(g, h).unwrap()).unwrap();
            let Distance { degrees, pixels, apart } = distance(back, h).unwrap();
            assert!(degrees < 1e-3 && pixels < 1e-4 && !apart, "{name:?}");
        }
    }
}
