//! Points through the integers of whole packages, with first weights: what a form's symmetry leaves open is a typed outcome,
//! and mirror images are two codes under SE(3) and two hands under E(3).

use gimbal_core::group::o3::Orthogonal;
use gimbal_core::group::{Degenerate, Element};
use gimbal_train::backend;
use gimbal_train::data::sets::Sets;
use gimbal_train::evaluate::device::{Device, Reading};
use gimbal_train::method::SetModel;
use gimbal_train::pipeline::set::package_set;
use gimbal_train::recipe::set::SetRecipe;
use proptest::prelude::*;
use std::sync::LazyLock;

/// Points of a set, at least and at most.
const ELEMENTS: [usize; 2] = [3, 24];

/// The confidence of poses that rounding does not touch much.
const SURE: f32 = 0.2;

/// Packages of the recipe for solids: SE(3), and E(3).
static PACKAGES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [false, true].map(package));

fn package(mirrored: bool) -> Vec<u8> {
    let mut recipe = SetRecipe::load("solids").unwrap();
    recipe.data.elements = ELEMENTS;
    (recipe.data.test, recipe.data.train, recipe.training.batch) = (4, 512, 4);
    recipe.pose.as_mut().unwrap().mirrored = mirrored;
    let sets = Sets::new(&recipe.data);
    let model = SetModel::new(&recipe, &sets, &backend::device("flex").unwrap());
    package_set("solids", &recipe, &sets, &model).unwrap()
}

fn read(package: &[u8], set: &[[i16; 3]]) -> Reading {
    Device::new(package).unwrap().read(set.as_flattened()).unwrap()
}

/// The element of O(3) of a pose in SE(3) or E(3).
fn orthogonal(reading: &Reading) -> Option<Orthogonal> {
    match reading.pose?.element {
        Element::RigidMotion3(motion) => Some(Orthogonal::new(motion.acting, false)),
        Element::Isometry3(isometry) => Some(isometry.acting),
        other => panic!("{other:?}"),
    }
}

/// Points around a mean that is zero to the count: mirror images through the origin are mirror images through it. Of an odd
/// number of them no mean of integers lies half way between two, where rounding tells a number from its negative.
fn centred() -> impl Strategy<Value = Vec<[i16; 3]>> {
    let place = prop::array::uniform3(-3600i16..=3600);
    prop::collection::vec(place, 4usize..=8).prop_map(|mut set| {
        set.truncate(set.len() / 2 * 2);
        let sum = |axis: usize| set.iter().map(|place| place[axis]).sum::<i16>();
        let last = [0, 1, 2].map(|axis| -sum(axis));
        set.push(last);
        set
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A mirror image has the other hand, where that is sure.
    #[test]
    fn mirror_images_have_the_other_hand(set in centred()) {
        let [_, package] = &*PACKAGES;
        let image: Vec<[i16; 3]> = set.iter().map(|place| place.map(|x| -x)).collect();
        let (here, there) = (read(package, &set), read(package, &image));
        let pair = orthogonal(&here).zip(orthogonal(&there));
        prop_assume!(pair.is_some());
        let (a, b) = pair.unwrap();
        prop_assume!(here.pose.unwrap().confidence.min(there.pose.unwrap().confidence) > SURE);
        prop_assert!(a.is_reflected() != b.is_reflected());
    }

    /// Whatever the package, points in a plane look like their mirror image, so there is no hand.
    #[test]
    fn points_in_a_plane_have_no_hand(set in centred()) {
        let flat: Vec<[i16; 3]> = set.iter().map(|&[x, y, _]| [x, y, 0]).collect();
        let [turned, mirrored] = [0, 1].map(|i| read(&PACKAGES[i], &flat).degenerate);
        prop_assert!(mirrored.is_some());
        prop_assert!(turned.is_some() || mirrored == Some(Degenerate::Coplanar), "{:?}, {:?}", turned, mirrored);
    }

    /// A turn about a line leaves it as it is, so there is no rotation that is better than another. Along an axis no rounding
    /// takes a vector off the line.
    #[test]
    fn points_on_a_line_have_no_rotation(
        axis in 0usize..3, step in 1i16..=40, places in prop::collection::vec(-20i16..=20, ELEMENTS[0]..ELEMENTS[1]),
    ) {
        // Around a mean that needs no rounding, which would take the line off it.
        let last = -places.iter().sum::<i16>();
        let set: Vec<[i16; 3]> = places.iter().chain([&last]).map(|&at| std::array::from_fn(|i| if i == axis { at * step } else { 0 })).collect();
        for package in PACKAGES.iter() {
            let why = read(package, &set).degenerate;
            prop_assert!(matches!(why, Some(Degenerate::Vanishing | Degenerate::Parallel)), "{:?}", why);
        }
    }

    /// The 24 turns of a cube leave no vector but zero.
    #[test]
    fn a_cube_has_no_direction(half in 1i16..=1500, at in prop::array::uniform3(-9000i16..=9000)) {
        let corners = (0..8).map(|corner: i16| {
            std::array::from_fn(|axis| at[axis] + if corner >> axis & 1 == 0 { -half } else { half })
        });
        let set: Vec<[i16; 3]> = corners.collect();
        for package in PACKAGES.iter() {
            let reading = read(package, &set);
            prop_assert_eq!(reading.degenerate, Some(Degenerate::Vanishing));
            prop_assert!(reading.pose.is_none() && reading.code.is_empty());
        }
    }
}

/// Where the hand is not part of the pose, it is part of the code.
#[test]
fn under_rotations_alone_mirror_images_differ() {
    let [package, _] = &*PACKAGES;
    let set = [[9, 0, 0], [-3, 8, 0], [-3, -5, 7], [-3, -3, -7], [1, 3, 2], [-1, -3, -2]]
        .map(|place| place.map(|x: i16| 800 * x));
    let image = set.map(|place| place.map(|x| -x));
    let (here, there) = (read(package, &set), read(package, &image));
    assert!(!here.code.is_empty() && here.code != there.code, "{here:?}");
}

/// Where first weights find a pose, it is of either hand.
#[test]
fn both_hands_are_found() {
    let [_, package] = &*PACKAGES;
    let sets = (0..16i32).map(|k| {
        (0..12i32)
            .map(move |i| [7, 11, 13].map(|p| ((i * i * p + 37 * i * (k + p)) % 1999 - 999) as i16 * 8))
            .collect::<Vec<_>>()
    });
    let found: Vec<bool> = sets.filter_map(|set| orthogonal(&read(package, &set))).map(|g| g.is_reflected()).collect();
    assert!(found.contains(&true) && found.contains(&false), "{found:?}");
}
