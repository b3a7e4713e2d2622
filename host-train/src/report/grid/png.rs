//! Pictures of a few hundred pixels, inside the page.
//!
//! A picture as SVG takes thirty bytes a run of equal pixels, so a digit takes 4 KB. As PNG it takes 600 bytes.

use crate::data::png::{Colours, encode};

/// A picture of `columns` pixels a row, in greys or in a palette's colours (red, green, blue), as a `data:` address.
///
/// A palette has 1 to 256 colours, and pixels are indices into it. Pixels after the last whole row are left out. Without one there is no picture.
pub(super) fn address(pixels: &[u8], columns: usize, palette: Option<&[[u8; 3]]>) -> Option<String> {
    let colours = palette.map_or(Colours::Grey, Colours::Indexed);
    encode(pixels, columns, colours).map(|file| format!("data:image/png;base64,{}", base64(&file)))
}

/// The same in grey, or with three bytes a pixel, red, green and blue.
pub(in crate::report) fn colour_address(pixels: &[u8], columns: usize, channels: usize) -> Option<String> {
    let colours = if channels == 3 { Colours::True } else { Colours::Grey };
    encode(pixels, columns, colours).map(|file| format!("data:image/png;base64,{}", base64(&file)))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(*three.get(i).unwrap_or(&0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for (i, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = char::from(DIGITS[(bits >> shift & 63) as usize]);
            text.push(if i <= three.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_picture() {
        assert_eq!(address(&[], 3, None), None);
        assert_eq!(address(&[1, 2], 3, None), None);
        assert_eq!(address(&[1, 2], 0, None), None);
        assert_eq!(address(&[1, 2, 3], 2, None), address(&[1, 2], 2, None), "a row cut short is left out");
    }

    #[test]
    fn base64_of_the_standard() {
        let words = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|word| base64(word.as_bytes()));
        assert_eq!(words, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
