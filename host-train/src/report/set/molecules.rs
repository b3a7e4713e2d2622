//! Molecules as they were given, as the model turns them, and as δ makes them of their codes.

use super::super::chart::{Axis, Frame};
use super::super::grid::Panel;
use super::super::grid::scatter::{dots, onto, place};
use super::super::svg::*;
use std::fmt::Write as _;

/// CSS pixels of a picture, of an ångström's worth of an atom's radius, and of a bond.
const SIDE: u32 = 112;
const DISC: f64 = 18.0;
const BOND: f64 = 2.0;
/// Two atoms are bound if they are nearer than their radii and this much more, ångström.
const SLACK: f32 = 0.3;

/// Symbol, covalent radius in ångström (Cordero et al., *Covalent radii revisited*, 2008), and colour and what that is
/// called, of each type.
const KINDS: [(&str, f32, &str, &str); 5] = [
    ("H", 0.31, "#B0B8C0", "light grey"),
    ("C", 0.76, "#7A7A7A", "grey"),
    ("N", 0.71, "#0072B2", "blue"),
    ("O", 0.66, "#D55E00", "orange"),
    ("F", 0.57, "#009E73", "green"),
];
/// The order of a formula: carbon, hydrogen, then the others by their names (Hill).
const FORMULA: [usize; 5] = [1, 0, 4, 2, 3];

/// Molecules to look at.
#[derive(Clone, Debug, Default)]
pub struct Molecules {
    /// The panel's title.
    pub title: String,
    /// A column each.
    pub molecules: Vec<Molecule>,
}

/// One molecule, three times.
#[derive(Clone, Debug, Default)]
pub struct Molecule {
    /// As it was given.
    pub given: Vec<Atom>,
    /// In its canonical pose.
    pub canonical: Vec<Atom>,
    /// What δ makes of its code.
    pub reconstructed: Vec<Atom>,
}

/// An atom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Atom {
    /// Where it is, ångström.
    pub place: [f32; 3],
    /// What it is: the place in H, C, N, O, F.
    pub kind: usize,
}

/// The molecules: above as they were given, then as they were turned, below as they were reconstructed.
pub fn molecules(molecules: &Molecules) -> Panel {
    let kinds = KINDS.map(|(symbol, _, _, name)| format!("{symbol} {name}")).join(", ");
    let lead = format!(
        "Each column shows a molecule that was never trained on: as it was given, in the canonical pose that the device found, \
         and what the decoder makes of its code, around the mean and seen along the third axis. {kinds}; lines join atoms that \
         are nearer than their covalent radii and {SLACK} Å more."
    );
    let shown: Vec<&Molecule> = molecules.molecules.iter().filter(|molecule| !molecule.given.is_empty()).collect();
    Panel::new(&molecules.title, &lead, if shown.is_empty() { String::new() } else { rows(&shown) })
}

fn rows(molecules: &[&Molecule]) -> String {
    let reach = |molecule: &Molecule| {
        let all = [&molecule.given, &molecule.canonical, &molecule.reconstructed];
        let numbers = all.into_iter().flat_map(|atoms| centred(atoms)).flat_map(|atom| atom.place);
        numbers.filter(|number| number.is_finite()).fold(0.0, |reach: f32, number| reach.max(number.abs()))
    };
    let reach = molecules.iter().map(|molecule| reach(molecule)).fold(0.0, f32::max);
    let names: String =
        molecules.iter().map(|molecule| format!("<p class=\"moved\">{}</p>", formula(&molecule.given))).collect();
    let cells = |what: &str, atoms: fn(&Molecule) -> &[Atom]| -> String {
        let cell =
            |molecule: &&Molecule| picture(atoms(molecule), reach, &format!("{} {what}", formula(&molecule.given)));
        molecules.iter().map(cell).collect()
    };
    let given = cells("as given", |molecule| &molecule.given);
    let canonical = cells("canonical", |molecule| &molecule.canonical);
    let reconstructed = cells("reconstructed", |molecule| &molecule.reconstructed);
    format!(
        "<div class=\"example\"><div class=\"scroll\"><div class=\"gallery\" \
         style=\"grid-template-columns:auto repeat({},minmax(4.5rem,7rem))\">\
         <span>formula</span>{names}\n<b>as given</b>{given}\n<b>canonical</b>{canonical}\n<b>reconstructed</b>{reconstructed}\
         </div></div></div>\n",
        molecules.len(),
    )
}

/// Which atoms it has, such as C2H6O.
fn formula(atoms: &[Atom]) -> String {
    let mut formula = String::new();
    for kind in FORMULA {
        let symbol = KINDS[kind].0;
        // Writing to a string cannot fail.
        match atoms.iter().filter(|atom| atom.kind == kind).count() {
            0 => {}
            1 => formula.push_str(symbol),
            count => _ = write!(formula, "{symbol}{count}"),
        }
    }
    formula
}

/// Bonds, and above them the atoms, the farthest first.
fn picture(atoms: &[Atom], reach: f32, label: &str) -> String {
    // The outermost disc is inside, too.
    let reach = if reach.is_normal() { f64::from(reach) + 0.6 } else { 1.0 };
    let [x, y] = [(); 2].map(|()| Axis { range: (-reach, reach), ticks: vec![(0.0, String::new())] });
    let side = f64::from(px(f64::from(SIDE)));
    let frame = Frame { left: 0.0, top: 0.0, width: side, height: side };
    let chart = figure(SIDE, SIDE, label, |canvas| frame.plane(canvas, &x, &y).map(|_| ()));
    let mut atoms = centred(atoms);
    atoms.retain(|atom| atom.place.iter().all(|number| number.is_finite()) && atom.kind < KINDS.len());
    atoms.sort_by(|a, b| a.place[2].total_cmp(&b.place[2]));
    let at = |atom: &Atom| place(frame, &x, &y, (f64::from(atom.place[0]), f64::from(atom.place[1])));
    let mut bonds = String::new();
    for (i, a) in atoms.iter().enumerate() {
        for b in atoms.iter().take(i).filter(|b| bound(a, b)) {
            let (from, to) = (at(a), at(b));
            let _ = write!(bonds, "M{:.0} {:.0}L{:.0} {:.0}", from.0, from.1, to.0, to.1);
        }
    }
    let bonds = match bonds.as_str() {
        "" => bonds,
        path => format!("<path d=\"{path}\" fill=\"none\" stroke=\"#7A7A7A\" stroke-width=\"{}\"/>\n", px(BOND)),
    };
    let discs = atoms.iter().map(|atom| {
        let (_, radius, color, _) = KINDS[atom.kind];
        dots(std::iter::once(at(atom)), color, DISC * f64::from(radius).sqrt())
    });
    onto(&chart, &(bonds + &discs.collect::<String>()))
}

/// Whether two atoms are near enough to be bound.
fn bound(a: &Atom, b: &Atom) -> bool {
    let squared: f32 = a.place.iter().zip(b.place).map(|(a, b)| (a - b) * (a - b)).sum();
    squared.sqrt() < KINDS[a.kind].1 + KINDS[b.kind].1 + SLACK
}

/// Around their mean.
fn centred(atoms: &[Atom]) -> Vec<Atom> {
    let mean = |axis: usize| atoms.iter().map(|atom| atom.place[axis]).sum::<f32>() / atoms.len() as f32;
    let mean: [f32; 3] = std::array::from_fn(mean);
    let moved = |atom: &Atom| Atom { place: std::array::from_fn(|axis| atom.place[axis] - mean[axis]), ..*atom };
    atoms.iter().map(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(kind: usize, place: [f32; 3]) -> Atom {
        Atom { place, kind }
    }

    #[test]
    fn atoms_are_bound_at_the_lengths_of_bonds() {
        let [h, c] = [0, 1].map(|kind| atom(kind, [0.0; 3]));
        assert!(bound(&c, &atom(0, [1.09, 0.0, 0.0])) && bound(&c, &atom(1, [0.0, 1.54, 0.0])));
        // Hydrogen atoms of one carbon, and carbons that have one between them.
        assert!(!bound(&h, &atom(0, [0.0, 0.0, 1.78])) && !bound(&c, &atom(1, [2.5, 0.0, 0.0])));
    }

    #[test]
    fn formulas_begin_with_carbon_and_hydrogen() {
        let kinds = [3, 0, 1, 0, 2, 4, 1];
        let atoms: Vec<Atom> = kinds.iter().map(|&kind| atom(kind, [0.0; 3])).collect();
        assert_eq!(formula(&atoms), "C2H2FNO");
        assert_eq!(formula(&[]), "");
    }

    #[test]
    fn bonds_and_atoms_are_drawn_and_what_is_no_number_is_not() {
        let ch = [atom(1, [0.0; 3]), atom(0, [1.0, 0.0, 0.0])];
        let draw = |atoms: &[Atom]| picture(atoms, 2.0, "");
        assert_eq!(draw(&ch).matches("<path").count(), draw(&[]).matches("<path").count() + 3);
        let far = [ch[0], atom(0, [2.0, 0.0, 0.0])];
        assert_eq!(draw(&far).matches("<path").count(), draw(&[]).matches("<path").count() + 2);
        assert_eq!(draw(&[atom(0, [f32::NAN; 3])]), draw(&[]));
        assert_eq!(draw(&[atom(9, [0.0; 3])]), draw(&[]));
    }
}
