//! Test vectors, as `host-train/src/simulate/vectors.rs` writes them. Little-endian, no padding:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `GMBV` |
//! | 2 | version, 2 |
//! | 2 | `c`, length of the code |
//! | 2 | `l`, number of logits |
//! | 4 | `n`, numbers in a window |
//! | … | records of equal length to the end: |
//! | 16 | the quaternion w, x, y, z that turns the window, `f32` |
//! | 2·n | the window before it is turned, `i16` |
//! | 1 | the outcome: 0 pose and results, 1 results without a pose, 2 vanishing, 3 parallel, 4 tied, 5 coplanar |
//! | 40 | nine numbers of the pose, see `Element::numbers`, then its confidence, `f32` |
//! | 2·n | the canonical window, `i16` |
//! | c | the code, `i8` |
//! | l | the logits, `i8` |
//!
//! Version 3 is that of sets, whose windows are not of one length: the header ends with `e`, numbers of an element, and
//! with 1 if there is a canonical order, 2 if the code is `i16`, 3 for both and 0 for neither, 2 bytes each in the place of
//! `n`. Each record begins with its own `n`, 4 bytes, and with an order ends with its places, n/e `i16`, and its gaps, n/e `u16`.
//!
//! Version 4 is that of packages that say what a window has beside its class: the header ends with `w`, numbers of v, and 1 if
//! there is an anomaly score or 0, 2 bytes each behind `n`; each record ends with v, w `i8`, and the score, 4 bytes, `f32`, if
//! there is one.
//!
//! What an outcome does not have is zero. The numbers of a pose, with zeros behind them, are in SO(3) and O(3) its matrix row by
//! row, in SO(2) cosine and sine, in O(2) these and 1 if it is reflected, in C_n index and order, in R/Z the fraction of
//! the period, in T(2) x and y in pixels, in SE(2) those with cosine and sine, and in T(3), SE(3) and E(3) x, y and z in counts
//! with the matrix's first two rows. A quaternion turns vectors and points and nothing else: images, rings and signals are
//! stored as they run, and theirs is the identity.

use gimbal_core::Model;
use gimbal_core::domain::vector_window;
use gimbal_core::group::so3::Rotation;

/// Whether the package is one of sets, as the build script found: no other firmware has code for them.
const SETS: bool = cfg!(gimbal_sets);

/// Whether the package says what a window has beside its class; no other firmware has code for that.
const WITHIN: bool = cfg!(gimbal_within);

/// The first bytes of a file of vectors: magic and version.
const START: [u8; 6] = match (SETS, WITHIN) {
    (true, _) => *b"GMBV\x03\x00",
    (_, true) => *b"GMBV\x04\x00",
    (_, _) => *b"GMBV\x02\x00",
};

/// All vectors.
#[derive(Clone, Copy)]
pub struct Vectors {
    code_len: usize,
    logits_len: usize,
    /// Numbers in each window. Of sets, each record says it.
    window_len: usize,
    /// Of sets, numbers of an element, if records end with an order.
    #[cfg(gimbal_sets)]
    ordered: Option<usize>,
    /// Of sets, whether the code has 16 bits.
    #[cfg(gimbal_sets)]
    wide: bool,
    /// Bytes of v, and of the anomaly score.
    #[cfg(gimbal_within)]
    within_len: [usize; 2],
    records: &'static [u8],
}

/// One window and what the host found in it.
#[derive(Clone, Copy)]
pub struct Vector {
    /// The rotation that turns the window.
    pub turn: Rotation,
    window: &'static [u8],
    /// The outcome's number, see the module.
    pub outcome: u8,
    pose: &'static [u8],
    canonical: &'static [u8],
    code: &'static [u8],
    logits: &'static [u8],
    #[cfg(gimbal_sets)]
    order: &'static [u8],
    #[cfg(gimbal_sets)]
    wide: bool,
    #[cfg(gimbal_within)]
    within: [&'static [u8]; 2],
}

impl Vectors {
    /// Reads the header; `None` for other bytes.
    pub fn new(bytes: &'static [u8]) -> Option<Self> {
        let (&[c0, c1, l0, l1, n0, n1, n2, n3], records) = bytes.strip_prefix(&START)?.split_first_chunk()?;
        let code_len = usize::from(u16::from_le_bytes([c0, c1]));
        let wide = SETS && n2 & 2 != 0;
        #[cfg(gimbal_within)]
        let (&[w0, w1, s0, _], records) = records.split_first_chunk()?;
        Some(Self {
            code_len: if wide { 2 * code_len } else { code_len },
            logits_len: u16::from_le_bytes([l0, l1]).into(),
            window_len: u32::from_le_bytes([n0, n1, n2, n3]) as usize,
            #[cfg(gimbal_sets)]
            ordered: (n2 & 1 != 0).then_some(u16::from_le_bytes([n0, n1]).into()),
            #[cfg(gimbal_sets)]
            wide,
            #[cfg(gimbal_within)]
            within_len: [u16::from_le_bytes([w0, w1]).into(), 4 * usize::from(s0)],
            records,
        })
    }
}

impl Iterator for Vectors {
    type Item = Vector;

    fn next(&mut self) -> Option<Vector> {
        let mut rest = self.records;
        let mut take = |len| {
            let (part, behind) = rest.split_at_checked(len)?;
            rest = behind;
            Some(part)
        };
        let window_len = if SETS { words(take(4)?).next()? as usize } else { self.window_len };
        let mut quaternion = words(take(16)?).map(f32::from_bits);
        let turn = Rotation::from_quaternion(core::array::from_fn(|_| quaternion.next().unwrap_or(0.0)));
        let vector = Vector {
            turn,
            window: take(2 * window_len)?,
            outcome: *take(1)?.first()?,
            pose: take(40)?,
            canonical: take(2 * window_len)?,
            code: take(self.code_len)?,
            logits: take(self.logits_len)?,
            #[cfg(gimbal_sets)]
            order: take(4 * self.ordered.map_or(Some(0), |channels| window_len.checked_div(channels))?)?,
            #[cfg(gimbal_sets)]
            wide: self.wide,
            #[cfg(gimbal_within)]
            within: [take(self.within_len[0])?, take(self.within_len[1])?],
        };
        self.records = rest;
        Some(vector)
    }
}

impl Vector {
    /// The window as it was recorded, in the caller's memory; `None` if that is too small.
    pub fn upright<'b>(&self, buffer: &'b mut [i16]) -> Option<&'b mut [i16]> {
        let window = buffer.get_mut(..self.window.len() / 2)?;
        for (to, from) in window.iter_mut().zip(halves(self.window)) {
            *to = from;
        }
        Some(window)
    }

    /// The turned window, in the caller's memory; `None` if that is too small.
    pub fn turned<'b>(&self, model: &Model<'_>, buffer: &'b mut [i16]) -> Option<&'b mut [i16]> {
        let window = self.upright(buffer)?;
        vector_window::rotate(&self.turn, model.input().fields, window);
        Some(window)
    }

    /// The bits of the pose's numbers, and of its confidence.
    pub fn pose(&self) -> impl Iterator<Item = i32> {
        words(self.pose).map(u32::cast_signed)
    }

    /// The canonical window.
    pub fn canonical(&self) -> impl Iterator<Item = i32> {
        halves(self.canonical).map(i32::from)
    }

    /// The code; nothing if it has 16 bits.
    pub fn code(&self) -> impl Iterator<Item = i32> {
        #[cfg(gimbal_sets)]
        return bytes(if self.wide { &[] } else { self.code });
        #[cfg(not(gimbal_sets))]
        bytes(self.code)
    }

    /// The code, if it has 16 bits.
    #[cfg(gimbal_sets)]
    pub fn wide_code(&self) -> impl Iterator<Item = i32> {
        halves(if self.wide { self.code } else { &[] }).map(i32::from)
    }

    /// The places of the canonical order and the gaps behind them, all as `i16`; nothing without an order.
    #[cfg(gimbal_sets)]
    pub fn order(&self) -> impl Iterator<Item = i32> {
        halves(self.order).map(i32::from)
    }

    /// v.
    #[cfg(gimbal_within)]
    pub fn within(&self) -> impl Iterator<Item = i32> {
        bytes(self.within[0])
    }

    /// The bits of the anomaly score; nothing without one.
    #[cfg(gimbal_within)]
    pub fn anomaly(&self) -> impl Iterator<Item = i32> {
        words(self.within[1]).map(u32::cast_signed)
    }

    /// The logits.
    pub fn logits(&self) -> impl Iterator<Item = i32> {
        bytes(self.logits)
    }
}

fn bytes(bytes: &[u8]) -> impl Iterator<Item = i32> {
    bytes.iter().map(|&byte| i32::from(byte.cast_signed()))
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = i16> {
    bytes.as_chunks().0.iter().map(|&half| i16::from_le_bytes(half))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word))
}

/// Whether device and host found the same numbers; logs the first that differs.
// Once, not once a caller: it is long, and speed does not matter here.
#[inline(never)]
pub fn same(what: &str, device: &mut dyn Iterator<Item = i32>, host: &mut dyn Iterator<Item = i32>) -> bool {
    for index in 0u32.. {
        match (device.next(), host.next()) {
            (None, None) => break,
            (Some(device), Some(host)) if device == host => {}
            (Some(device), Some(host)) => {
                defmt::error!("{=str}[{=u32}]: {=i32} on the device, {=i32} on the host", what, index, device, host);
                return false;
            }
            (device, _) => {
                let shorter = if device.is_none() { "device" } else { "host" };
                defmt::error!("{=str}: only {=u32} numbers on the {=str}", what, index, shorter);
                return false;
            }
        }
    }
    true
}
