//! How well a package of volumes keeps its law when a turned solid is made of cells anew, and whether its canonical
//! volumes agree.
//!
//! Formulas, for a solid x₀ in two poses, `x_i = g_i·x₀`, with `R_i = ψ(x_i)`: the law says `g₂⁻¹R₂ = s·g₁⁻¹R₁` for some
//! turn s that leaves x₀ as it is, and the error is the least angle between the two over all s. Two volumes agree by the
//! cells that both occupy as a share of those that either does.

use super::device::Device as Core;
use super::metrics::percentile;
use crate::data::generate::voxels::{SIDE, filled, points};
use crate::data::generate::{Generator, Voxels};
use crate::data::rotation::random_quaternion;
use anyhow::Result;
use gimbal_core::domain::volume::Volume;
use gimbal_core::group::product::{RigidMotion3, Semidirect};
use gimbal_core::group::so3::Rotation;
use gimbal_core::group::{Element, Group};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pairs of poses of each solid.
const PAIRS: usize = 40;
/// Decides the poses.
const SEED: u64 = 2;

/// What a package makes of one volume.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The volume as it was given.
    pub given: Vec<u8>,
    /// Its pose; where the package finds no rotation, its place alone.
    pub pose: RigidMotion3,
    /// How sure that is.
    pub confidence: f32,
    /// The volume moved back.
    pub canonical: Vec<u8>,
}

/// Shows a package a solid, turned and off the middle of the cube; None where it finds no pose.
///
/// # Errors
/// If the package takes other sets.
pub fn see(core: &mut Core<'_>, label: usize, quaternion: [f32; 4], middle: [f32; 3]) -> Result<Option<Seen>> {
    let given = filled(label, quaternion, middle);
    let reading = core.read(&points(&given, core.model().input().samples.into()))?;
    let Some(found) = reading.pose else { return Ok(None) };
    let pose = match found.element {
        Element::RigidMotion3(motion) => motion,
        Element::Translation3(normal) => Semidirect { normal, acting: Rotation::IDENTITY },
        other => anyhow::bail!("volumes have no pose like {other:?}"),
    };
    let canonical = canonical(&given, &pose)?;
    Ok(Some(Seen { given, pose, confidence: found.confidence, canonical }))
}

/// The figures, by name, over pairs of poses of all solids in which both have a pose.
///
/// # Errors
/// If the package takes other sets.
pub fn figures(core: &mut Core<'_>) -> Result<Vec<(String, f64)>> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let turns = core.model().pose_heads().len() > 1;
    let (mut law, mut given, mut known, mut found) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for label in (0..Voxels.classes().len()).cycle().take(PAIRS * Voxels.classes().len()) {
        let mut pose = || (random_quaternion(&mut rng), std::array::from_fn(|_| rng.random_range(-0.5..0.5f32)));
        let (a, b) = (pose(), pose());
        let (Some(first), Some(second)) = (see(core, label, a.0, a.1)?, see(core, label, b.0, b.1)?) else { continue };
        let [g, h] = [a.0, b.0].map(Rotation::from_quaternion);
        given.push(agreement(&first.given, &second.given));
        found.push(agreement(&first.canonical, &second.canonical));
        let truly = |seen: &Seen, acting| canonical(&seen.given, &Semidirect { normal: seen.pose.normal, acting });
        known.push(agreement(&truly(&first, g)?, &truly(&second, h)?));
        let [from, to] = [(g, first), (h, second)].map(|(g, seen)| g.inverse().compose(seen.pose.acting));
        law.push(Voxels.stabilizer(label).angle_to(&to.compose(from.inverse())).to_degrees());
    }
    let mean = |shares: &[f32]| f64::from(shares.iter().sum::<f32>()) / shares.len() as f64;
    let mut figures = vec![("volume_agreement_given".to_owned(), mean(&given))];
    if turns {
        figures.push(("volume_agreement_int8".to_owned(), mean(&found)));
        figures.push(("volume_agreement_known".to_owned(), mean(&known)));
        figures.push(("volume_pose_error_deg_median".to_owned(), percentile(&law, 0.5)));
        figures.push(("volume_pose_error_deg_p95".to_owned(), percentile(&law, 0.95)));
    }
    Ok(figures)
}

fn canonical(cells: &[u8], pose: &RigidMotion3) -> Result<Vec<u8>> {
    let mut to = vec![0; cells.len()];
    Volume::new(SIDE, cells)?.canonicalize(pose, &mut to)?;
    Ok(to)
}

/// Cells that both occupy, as a share of those that either does.
fn agreement(a: &[u8], b: &[u8]) -> f32 {
    let count = |of: fn(u8, u8) -> u8| a.iter().zip(b).map(|(&a, &b)| of(a, b).count_ones()).sum::<u32>();
    count(|a, b| a & b) as f32 / count(|a, b| a | b) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_one_of_equals_and_none_of_strangers() {
        assert_eq!(agreement(&[0b11, 1], &[0b11, 1]), 1.0);
        assert_eq!(agreement(&[0b11, 1], &[0b01, 3]), 0.5);
        assert_eq!(agreement(&[0b10], &[0b01]), 0.0);
    }

    /// A solid turned back by the pose that it was given agrees with itself in any other; turned back by another, it does not.
    #[test]
    fn known_poses_bring_volumes_together() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for label in 0..Voxels.classes().len() {
            let [(g, first), (h, second)] = [(); 2].map(|()| {
                let quaternion = random_quaternion(&mut rng);
                (Rotation::from_quaternion(quaternion), filled(label, quaternion, [0.0; 3]))
            });
            let back =
                |acting, cells: &[u8]| canonical(cells, &Semidirect { acting, ..RigidMotion3::IDENTITY }).unwrap();
            let known = agreement(&back(g, &first), &back(h, &second));
            assert!(known > 0.6, "{label}: {known}");
            assert!(known > agreement(&back(g, &first), &back(g, &second)), "{label}");
        }
    }
}
