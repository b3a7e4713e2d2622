//! The integer square root.

/// `⌊√n⌋`, bit by bit: no multiplication, no division and no table. With [`u32::isqrt`] a firmware with the
/// norm gate is 832 bytes larger on a Cortex-M0+ and 756 on a Cortex-M4.
pub(crate) fn isqrt(mut n: u32) -> u32 {
    let (mut root, mut bit) = (0, 1 << 30);
    while bit != 0 {
        let trial = root + bit;
        root >>= 1;
        if n >= trial {
            n -= trial;
            root += bit;
        }
        bit >>= 2;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_root(n: u32) -> bool {
        let (root, n) = (u64::from(isqrt(n)), u64::from(n));
        root * root <= n && n < (root + 1) * (root + 1)
    }

    proptest! {
        #[test]
        fn the_root_of_any_number(n: u32, shift in 0u32..32) {
            prop_assert!(is_root(n >> shift));
        }
    }

    #[test]
    fn the_roots_around_squares() {
        // Miri takes a thousand times as long.
        for root in (0..=u32::from(u16::MAX)).step_by(if cfg!(miri) { 1023 } else { 1 }) {
            let square = root * root;
            assert!(is_root(square) && is_root(square.wrapping_sub(1)) && is_root(square + root));
        }
        assert!(is_root(u32::MAX));
    }
}
