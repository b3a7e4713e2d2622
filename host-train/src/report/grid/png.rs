//! Pictures of a few hundred pixels, inside the page.
//!
//! A picture as SVG takes thirty bytes a run of equal pixels, so a digit takes 4 KB. As PNG it takes 600 bytes.

use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write as _;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Eight bits a pixel, of these types.
const GREY: u8 = 0;
const INDEXED: u8 = 3;

/// A picture of `columns` pixels a row, in greys or in a palette's colours (red, green, blue), as a `data:` address.
///
/// A palette has 1 to 256 colours, and pixels are indices into it. Pixels after the last whole row are left out. Without one there is no picture.
pub(super) fn address(pixels: &[u8], columns: usize, palette: Option<&[[u8; 3]]>) -> Option<String> {
    encode(pixels, columns, palette).map(|file| format!("data:image/png;base64,{}", base64(&file)))
}

/// The file: PNG, third edition (W3C, 2025), with no filter, because rows are too short to gain by one.
fn encode(pixels: &[u8], columns: usize, palette: Option<&[[u8; 3]]>) -> Option<Vec<u8>> {
    let rows = pixels.len().checked_div(columns).filter(|rows| *rows > 0)?;
    let sides = [u32::try_from(columns).ok()?, u32::try_from(rows).ok()?];
    let kind = if palette.is_some() { INDEXED } else { GREY };
    let header: Vec<u8> = sides.into_iter().flat_map(u32::to_be_bytes).chain([8, kind, 0, 0, 0]).collect();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in pixels.chunks_exact(columns) {
        deflate.write_all(&[0]).and_then(|()| deflate.write_all(row)).ok()?;
    }
    let mut file = SIGNATURE.to_vec();
    chunk(&mut file, *b"IHDR", &header);
    if let Some(palette) = palette {
        chunk(&mut file, *b"PLTE", palette.as_flattened());
    }
    chunk(&mut file, *b"IDAT", &deflate.finish().ok()?);
    chunk(&mut file, *b"IEND", &[]);
    Some(file)
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    let mut sum = Crc::new();
    sum.update(&name);
    sum.update(content);
    file.extend((content.len() as u32).to_be_bytes());
    file.extend(name);
    file.extend(content);
    file.extend(sum.sum().to_be_bytes());
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
    use flate2::read::ZlibDecoder;
    use proptest::prelude::*;
    use std::io::Read;

    /// The chunks of a file, each with a right sum.
    fn chunks(file: &[u8]) -> Vec<(&[u8], &[u8])> {
        let mut rest = file.strip_prefix(SIGNATURE).expect("the signature");
        let mut found = Vec::new();
        while !rest.is_empty() {
            let (length, after) = rest.split_at(4);
            let (body, after) = after.split_at(4 + u32::from_be_bytes(length.try_into().unwrap()) as usize);
            let (sum, after) = after.split_at(4);
            let mut crc = Crc::new();
            crc.update(body);
            assert_eq!(sum, crc.sum().to_be_bytes());
            found.push(body.split_at(4));
            rest = after;
        }
        found
    }

    proptest! {
        #[test]
        fn a_picture_comes_back(rows in 1usize..9, columns in 1usize..9, pixels: [u8; 64], indexed: bool) {
            let pixels = &pixels[..rows * columns];
            let palette = indexed.then_some([[1, 2, 3]; 256]);
            let file = encode(pixels, columns, palette.as_ref().map(|colours| &colours[..])).unwrap();
            let chunks = chunks(&file);
            let names: Vec<&[u8]> = chunks.iter().map(|(name, _)| *name).collect();
            let expected: &[&[u8]] = if indexed { &[b"IHDR", b"PLTE", b"IDAT", b"IEND"] } else { &[b"IHDR", b"IDAT", b"IEND"] };
            prop_assert_eq!(names, expected);
            let kind = if indexed { 3 } else { 0 };
            prop_assert_eq!(chunks[0].1, [0, 0, 0, columns as u8, 0, 0, 0, rows as u8, 8, kind, 0, 0, 0]);
            let mut raw = Vec::new();
            ZlibDecoder::new(chunks[chunks.len() - 2].1).read_to_end(&mut raw).unwrap();
            let read: Vec<u8> = raw.chunks(columns + 1).flat_map(|row| { assert_eq!(row[0], 0); row[1..].to_vec() }).collect();
            prop_assert_eq!(&read[..], pixels);
        }
    }

    #[test]
    fn nothing_is_no_picture() {
        assert_eq!(address(&[], 3, None), None);
        assert_eq!(address(&[1, 2], 3, None), None);
        assert_eq!(address(&[1, 2], 0, None), None);
        assert_eq!(encode(&[1, 2, 3], 2, None), encode(&[1, 2], 2, None), "a row cut short is left out");
    }

    #[test]
    fn base64_of_the_standard() {
        let words = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|word| base64(word.as_bytes()));
        assert_eq!(words, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
