//! Samples of a data set on a grid, as a package takes them: as recorded, and moved by elements of its group.

use crate::data::grid::Grids;
use crate::data::posed::centred;
use crate::data::sets::Sets;
use crate::group::element::act;
use crate::nn::grid::Extent;
use anyhow::{Context, Result, bail};
use gimbal_core::Model;
use gimbal_core::format::{Chart, FieldKind};
use gimbal_core::group::Element;
use gimbal_core::group::cyclic::Cyclic;
use gimbal_core::group::o2::Orthogonal;
use gimbal_core::group::product::RigidMotion;
use gimbal_core::group::shift::Shift;
use gimbal_core::group::so2::Rotation;
use gimbal_core::group::translation::Translation;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// Largest drawn translation, as a part of a side: what is in the middle stays inside.
const REACH: f32 = 0.15;

/// Whether a package takes windows of vectors, which turn as the sensor does, and not samples on a grid.
#[must_use]
pub fn takes_vectors(model: &Model<'_>) -> bool {
    let kinds = [FieldKind::Vector, FieldKind::PseudoVector, FieldKind::Point];
    model.input().fields.iter().any(|field| kinds.contains(&field.kind))
}

/// Whether a package takes sets: windows of more than one length, or points.
#[must_use]
pub fn takes_sets(model: &Model<'_>) -> bool {
    model.takes_sets() || model.input().fields.iter().any(|field| field.kind == FieldKind::Point)
}

/// `count` sets to test on, each as it was drawn, then in another order, then moved; and one whose elements are all equal.
pub fn sets_of(sets: &Sets, count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<i16>> {
    let channels = sets.channels();
    let mut windows = Vec::with_capacity(count + 1);
    for (drawn, moved) in sets.test.iter().zip(&sets.test_moved) {
        let mut rows: Vec<&[i16]> = drawn.counts.chunks_exact(channels).collect();
        rows.shuffle(rng);
        windows.extend([drawn.counts.clone(), rows.concat(), moved.counts.clone()]);
    }
    windows.truncate(count);
    let equal = sets.test.first().and_then(|set| set.counts.get(..channels)).unwrap_or_default();
    windows.push(equal.repeat(sets.elements[0]));
    windows
}

/// The shape of the samples on a grid that a package takes.
#[must_use]
pub fn extent(model: &Model<'_>) -> Extent {
    Extent { channels: 1, rows: model.input().samples.into(), columns: model.input().channels() }
}

/// `count` windows: each test sample as it was recorded, with zeros around it where the package takes larger ones, and
/// then moved. A package without a pose takes all as recorded.
pub fn samples(model: &Model<'_>, grids: &Grids, count: usize, rng: &mut ChaCha8Rng) -> Result<Vec<Vec<i16>>> {
    let extent = extent(model);
    let Extent { rows, columns, .. } = extent;
    if grids.rows > rows || grids.columns > columns {
        let (name, from) = (&grids.name, format!("{} × {}", grids.rows, grids.columns));
        bail!("the package takes samples of {rows} × {columns}, and those of `{name}` are larger: {from}");
    }
    let mut windows = Vec::with_capacity(count);
    for &index in &grids.test {
        let upright = centred(&grids.counts[index], [grids.rows, grids.columns], [rows, columns]);
        let moved = element(model, extent, rng)
            .map(|g| act(g, extent, &upright).context("the package's group cannot act on its samples"));
        windows.push(upright);
        windows.extend(moved.transpose()?);
        if windows.len() >= count {
            break;
        }
    }
    windows.truncate(count);
    Ok(windows)
}

/// A random element of a package's group; `None` where it has no pose, or one of vectors.
fn element(model: &Model<'_>, extent: Extent, rng: &mut ChaCha8Rng) -> Option<Element> {
    let turn = |rng: &mut ChaCha8Rng| Rotation::from_angle(rng.random_range(0.0..TAU));
    let shift = |rng: &mut ChaCha8Rng| {
        let by = [extent.columns, extent.rows].map(|side| rng.random_range(-REACH..REACH) * side as f32);
        Translation::from_vector(by)
    };
    let heads = model.pose_heads();
    Some(match heads.first()?.chart {
        Chart::Direction => Element::Planar(turn(rng)),
        Chart::TwoVectors => Element::Orthogonal(Orthogonal::new(turn(rng), rng.random())),
        Chart::Phase => Element::Shift(Shift::from_turns(rng.random())),
        Chart::Argmax => {
            let order = model.tensor(heads.first()?.vectors)?.elements()?.try_into().ok()?;
            Element::Cyclic(Cyclic::new(rng.random_range(0..order), order))
        }
        Chart::Centroid if heads.len() > 1 => {
            Element::RigidMotion(RigidMotion { normal: shift(rng)?, acting: turn(rng) })
        }
        Chart::Centroid => Element::Translation(shift(rng)?),
        // Those of vectors and sets, and told ones, which move nothing.
        _ => return None,
    })
}
