//! In how many ways each filter stands there: turned, or turned and mirrored.
//!
//! Formula: with N turns the ways are the cyclic group of rotations `R_k` by `2πk/N`, or with mirrors the dihedral group
//! of the `R_k · Fᵐ`, first the flip `F·(x, y) = (−x, y)` and then the turn, as core's `o2` has it. Since `F·R_k = R₋ₖ·F`,
//! `(R_j Fᵐ)⁻¹ · R_k Fⁿ` is `R_{k−j} Fⁿ` for m = 0 and `R_{j−k} Fⁿ⁺¹` for m = 1.
//!
//! Maps over the ways have them outside their channels, `[mirrored, turn, channel]`.

/// See the module's formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symmetry {
    /// N, at least 1.
    pub turns: usize,
    /// Whether the mirror image of each turn is there too.
    pub mirrored: bool,
}

/// One way in which a filter stands there: first mirrored or not, then turned by so many of the turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// m.
    pub mirrored: bool,
    /// k, below N.
    pub turn: usize,
}

impl Symmetry {
    /// One way: as it is.
    pub const NONE: Self = Self::turns(1);

    /// So many turns and no mirrors.
    #[must_use]
    pub const fn turns(turns: usize) -> Self {
        Self { turns, mirrored: false }
    }

    /// How many ways there are.
    #[must_use]
    pub const fn order(self) -> usize {
        self.turns * if self.mirrored { 2 } else { 1 }
    }

    /// All ways, in the order of the maps.
    pub fn ways(self) -> impl Iterator<Item = Way> + Clone {
        (0..self.order()).map(move |place| Way { mirrored: place >= self.turns, turn: place % self.turns })
    }

    /// Where a way stands among the maps.
    #[must_use]
    pub const fn place(self, way: Way) -> usize {
        way.turn + if way.mirrored { self.turns } else { 0 }
    }

    /// `g⁻¹ · h`.
    #[must_use]
    pub const fn between(self, g: Way, h: Way) -> Way {
        let [from, to] = if g.mirrored { [h.turn, g.turn] } else { [g.turn, h.turn] };
        Way { mirrored: g.mirrored != h.mirrored, turn: (to + self.turns - from) % self.turns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::group::Group;
    use gimbal_core::group::o2::Orthogonal;
    use gimbal_core::group::so2::Rotation;

    /// Quarter turns are exact.
    #[test]
    fn ways_are_cores_elements() {
        let symmetry = Symmetry { turns: 4, mirrored: true };
        let element = |way: Way| Orthogonal::new(Rotation::from_quarter_turns(way.turn as u16), way.mirrored);
        for (place, g) in symmetry.ways().enumerate() {
            assert_eq!(symmetry.place(g), place);
            for h in symmetry.ways() {
                assert_eq!(element(symmetry.between(g, h)), element(g).inverse().compose(element(h)));
            }
        }
    }
}
