//! Small pictures as files: PNG, third edition (W3C, 2025), eight bits a channel, without interlace.
//!
//! Rows are written with no filter, because they are too short to gain by one; all five filters are read.

use flate2::{Compression, Crc, read::ZlibDecoder, write::ZlibEncoder};
use std::io::{Read as _, Write as _};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The types of pixels.
const GREY: u8 = 0;
const TRUE: u8 = 2;
const INDEXED: u8 = 3;

/// What the bytes of a picture are.
#[derive(Clone, Copy, Debug)]
pub enum Colours<'a> {
    /// A grey a pixel.
    Grey,
    /// An index into a palette of 1 to 256 colours.
    Indexed(&'a [[u8; 3]]),
    /// Red, green and blue, three bytes a pixel.
    True,
}

/// A picture that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Grey, or red, green and blue: 1 or 3.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// `[height, width, channels]`.
    pub pixels: Vec<u8>,
}

/// A file of `columns` pixels a row. What is behind the last whole row is left out; without one there is no picture.
pub fn encode(pixels: &[u8], columns: usize, colours: Colours<'_>) -> Option<Vec<u8>> {
    let (kind, bytes) = match colours {
        Colours::Grey => (GREY, 1),
        Colours::Indexed(_) => (INDEXED, 1),
        Colours::True => (TRUE, 3),
    };
    let rows = pixels.len().checked_div(columns * bytes).filter(|rows| *rows > 0)?;
    let sides = [u32::try_from(columns).ok()?, u32::try_from(rows).ok()?];
    let header: Vec<u8> = sides.into_iter().flat_map(u32::to_be_bytes).chain([8, kind, 0, 0, 0]).collect();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in pixels.chunks_exact(columns * bytes) {
        deflate.write_all(&[0]).and_then(|()| deflate.write_all(row)).ok()?;
    }
    let mut file = SIGNATURE.to_vec();
    chunk(&mut file, *b"IHDR", &header);
    if let Colours::Indexed(palette) = colours {
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

/// The picture in a file, in grey or in true colours; a palette is looked up, and how transparent a pixel is left out.
///
/// # Errors
/// As part of a sentence, why it cannot be read.
pub fn decode(file: &[u8]) -> Result<Picture, String> {
    let mut rest = file.strip_prefix(SIGNATURE).ok_or("it is no PNG")?;
    let (mut header, mut palette, mut data) = (None, Vec::new(), Vec::new());
    loop {
        let (name, content, after) = next(rest).ok_or("it is cut short or damaged")?;
        match name {
            b"IHDR" => header = Some(content),
            b"PLTE" => palette = content.as_chunks::<3>().0.to_vec(),
            b"IDAT" => data.extend(content),
            b"IEND" => break,
            _ => (),
        }
        rest = after;
    }
    let Some(&[w0, w1, w2, w3, h0, h1, h2, h3, depth, kind, _, _, interlace]) = header else {
        return Err("it has no header".into());
    };
    let [width, height] = [[w0, w1, w2, w3], [h0, h1, h2, h3]].map(|bytes| u32::from_be_bytes(bytes) as usize);
    // Grey, true colours, a palette; then the first two with transparency.
    let bytes = [1, 0, 3, 1, 2, 0, 4].get(usize::from(kind)).copied().filter(|&bytes| bytes > 0);
    let (8, Some(bytes), 0) = (depth, bytes, interlace) else {
        return Err("it has not eight bits a channel, or is interlaced".into());
    };
    // A million pixels are more than any network here looks at.
    if !(1..=1 << 20).contains(&width.saturating_mul(height)) {
        return Err(format!("{height} × {width} pixels are none, or too many"));
    }
    let mut rows = Vec::new();
    let length = (width * bytes + 1) * height;
    let read = ZlibDecoder::new(&data[..]).take(length as u64).read_to_end(&mut rows);
    if read.ok() != Some(length) {
        return Err("its pixels are cut short or damaged".into());
    }
    let pixels = unfilter(&rows, width * bytes, bytes)?;
    let channels = if matches!(kind, GREY | 4) { 1 } else { 3 };
    let pixels = match kind {
        INDEXED => {
            let colours = pixels.iter().map(|&index| palette.get(usize::from(index)));
            colours
                .collect::<Option<Vec<_>>>()
                .ok_or("its palette lacks a colour")?
                .into_iter()
                .flatten()
                .copied()
                .collect()
        }
        _ => pixels.chunks(bytes).flat_map(|pixel| &pixel[..channels]).copied().collect(),
    };
    Ok(Picture { channels, height, width, pixels })
}

/// Name and content of the next chunk, if its sum is right, and what is behind it.
fn next(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_at_checked((u32::from_be_bytes(*length) as usize).checked_add(4)?)?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let mut crc = Crc::new();
    crc.update(body);
    let (name, content) = body.split_at(4);
    (crc.sum() == u32::from_be_bytes(*sum)).then_some((name, content, rest))
}

/// Rows whose filters, the first byte of each, have been undone.
fn unfilter(rows: &[u8], length: usize, bytes: usize) -> Result<Vec<u8>, String> {
    let mut pixels: Vec<u8> = Vec::with_capacity(rows.len());
    for row in rows.chunks_exact(length + 1) {
        let start = pixels.len();
        for at in 0..length {
            let left = if at < bytes { 0 } else { pixels[start + at - bytes] };
            let above = if start == 0 { 0 } else { pixels[start + at - length] };
            let corner = if at < bytes || start == 0 { 0 } else { pixels[start + at - length - bytes] };
            let expected = match row[0] {
                0 => 0,
                1 => left,
                2 => above,
                3 => u8::midpoint(left, above),
                4 => paeth(left, above, corner),
                other => return Err(format!("there is no filter {other}")),
            };
            pixels.push(row[at + 1].wrapping_add(expected));
        }
    }
    Ok(pixels)
}

/// The one of three neighbours that is nearest to `left + above − corner`.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, above, corner].map(i16::from);
    let [to_left, to_above, to_corner] = [(b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs()];
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file of rows with their filters in front.
    fn file(rows: &[u8], width: u32, height: u32, kind: u8) -> Vec<u8> {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(rows).unwrap();
        let header: Vec<u8> =
            [width, height].into_iter().flat_map(u32::to_be_bytes).chain([8, kind, 0, 0, 0]).collect();
        let mut file = SIGNATURE.to_vec();
        chunk(&mut file, *b"IHDR", &header);
        chunk(&mut file, *b"IDAT", &deflate.finish().unwrap());
        chunk(&mut file, *b"IEND", &[]);
        file
    }

    proptest! {
        #[test]
        fn a_picture_comes_back(height in 1usize..9, width in 1usize..9, bytes: [u8; 192], kind in 0usize..3) {
            let palette: Vec<[u8; 3]> = (0..=255).map(|i| [i, 255 - i, i / 2]).collect();
            let (colours, channels) = [(Colours::Grey, 1), (Colours::Indexed(&palette), 1), (Colours::True, 3)][kind];
            let pixels = &bytes[..height * width * channels];
            let read = decode(&encode(pixels, width, colours).unwrap()).unwrap();
            let expected = if kind == 1 { pixels.iter().flat_map(|&i| palette[usize::from(i)]).collect() } else { pixels.to_vec() };
            prop_assert_eq!(read, Picture { channels: if kind == 0 { 1 } else { 3 }, height, width, pixels: expected });
        }

        /// Filters as the standard states them, by what a writer would do.
        #[test]
        fn filters_are_undone(filters in prop::array::uniform4(0u8..5), pixels: [u8; 48]) {
            let at = |row: usize, i: usize| pixels[12 * row + i];
            let mut rows = Vec::new();
            for (row, filter) in filters.into_iter().enumerate() {
                rows.push(filter);
                for i in 0..12 {
                    let a = if i >= 3 { at(row, i - 3) } else { 0 };
                    let b = if row >= 1 { at(row - 1, i) } else { 0 };
                    let c = if i >= 3 && row >= 1 { at(row - 1, i - 3) } else { 0 };
                    let near = [a, b, c].into_iter().min_by_key(|&x| (i32::from(a) + i32::from(b) - i32::from(c) - i32::from(x)).abs());
                    let mean = (u16::from(a) + u16::from(b)) / 2;
                    rows.push(at(row, i).wrapping_sub([0, a, b, mean as u8, near.unwrap()][usize::from(filter)]));
                }
            }
            prop_assert_eq!(decode(&file(&rows, 4, 4, TRUE)).unwrap().pixels, pixels);
        }

        #[test]
        fn damage_is_seen(at in 8usize..60, change in 1u8..=255) {
            let mut file = encode(&[7; 12], 2, Colours::True).unwrap();
            let at = at % (file.len() - 8) + 8;
            file[at] ^= change;
            prop_assert!(decode(&file).is_err());
        }
    }

    #[test]
    fn transparency_is_left_out_and_what_cannot_be_read_is_told() {
        assert_eq!(decode(&file(&[0, 1, 9, 2, 9], 2, 1, 4)).unwrap().pixels, [1, 2]);
        assert_eq!(decode(&file(&[0, 1, 2, 3, 9], 1, 1, 6)).unwrap().pixels, [1, 2, 3]);
        for (file, says) in [
            (b"GIF89a".to_vec(), "no PNG"),
            (file(&[0, 1], 1, 1, 5), "eight bits"),
            (file(&[0, 1], 2, 1, 0), "cut short"),
            (file(&[0], 0, 1, 0), "are none"),
            (file(&[5, 1], 1, 1, 0), "no filter 5"),
            (file(&[0, 1], 1, 1, 3), "palette"),
        ] {
            let error = decode(&file).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
