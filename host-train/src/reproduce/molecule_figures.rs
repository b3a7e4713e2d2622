//! What a reproduction on molecules looks like, beside what those of all sets show.

use crate::data::molecules::TYPES;
use crate::data::sets::{Set, Sets};
use crate::evaluate::metrics::largest;
use crate::evaluate::set_device::{SetDecoded, SetEvaluation};
use crate::recipe::set::{SetRecipe, SetSource};
use crate::report::grid::Panel;
use crate::report::set::{self, Atom, Molecule, Molecules};

/// Molecules that are shown.
const SHOWN: usize = 8;

/// Test molecules, the first of each size that has a pose: as they were given, canonical, and what δ makes of their codes.
/// None for other sets, and where nothing was decoded.
pub fn molecules(
    sets: &Sets,
    recipe: &SetRecipe,
    evaluation: &SetEvaluation,
    decoded: Option<&SetDecoded>,
) -> Option<Panel> {
    let decoded = decoded.filter(|_| recipe.data.source == SetSource::Molecules)?;
    let mut shown: Vec<(usize, Molecule)> = Vec::new();
    for (i, (set, reading)) in sets.test_moved.iter().zip(&evaluation.moved).enumerate() {
        let (size, places) = (sets.size(set), decoded.places(i));
        if places.is_empty() || shown.iter().any(|(other, _)| *other == size) {
            continue;
        }
        let canonical = Set { counts: reading.canonical.clone(), label: set.label };
        let reconstructed = places.chunks_exact(sets.channels()).take(size).map(|row| Atom {
            place: [row[0], row[1], row[2]].map(|number| number * recipe.data.scale),
            kind: largest(&row[3..]).unwrap_or(TYPES.len()),
        });
        let reconstructed = reconstructed.collect();
        shown.push((size, Molecule { given: atoms(sets, set), canonical: atoms(sets, &canonical), reconstructed }));
    }
    // The largest are the most.
    shown.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let molecules = shown.into_iter().take(SHOWN).map(|(_, molecule)| molecule).collect();
    Some(set::molecules(&Molecules { title: "Molecules".into(), molecules }))
}

/// The atoms of a molecule, ångström.
fn atoms(sets: &Sets, set: &Set) -> Vec<Atom> {
    let atom = |row: &[i16]| Atom {
        place: [row[0], row[1], row[2]].map(|count| f32::from(count) * sets.per_count),
        kind: row[3..].iter().position(|&one| one == 1).unwrap_or(TYPES.len()),
    };
    set.counts.chunks_exact(sets.channels()).map(atom).collect()
}
