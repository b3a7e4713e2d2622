//! The page of samples, `host-train/pictures/triples.png`, of what the generators of triples draw.
//!
//! `cargo run --release -p gimbal-train --example triples -- FILE` writes it (seconds). A row is a scene; a pair of pictures is
//! a triple, before and after its action.

use anyhow::{Context, Result};
use gimbal_train::data::png::{Colours, encode};
use gimbal_train::data::triples::{Triples, generate};

/// Pixels a side of a sample.
const SIZE: usize = 64;
/// Triples in a row.
const TRIPLES: usize = 6;
/// Pixels between pictures; between triples twice as many.
const GAP: usize = 3;
const PAPER: u8 = 255;
/// What is drawn; `rooms-odometry` looks as `rooms` does.
const SCENES: [&str; 6] = ["sprites", "color-shift", "multi-sprites", "chairs", "chairs-symmetric", "rooms"];

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("say where to write the page")?;
    let (width, height) = (TRIPLES * (2 * SIZE + 3 * GAP) + GAP, SCENES.len() * (SIZE + GAP) + GAP);
    let mut page = vec![PAPER; 3 * width * height];
    for (row, name) in SCENES.into_iter().enumerate() {
        let (triples, _) = generate(name, SIZE, TRIPLES, 1, 1)?;
        for item in 0..TRIPLES {
            for (side, sample) in [triples.before(item), triples.after(item)].into_iter().enumerate() {
                let left = 2 * GAP + item * (2 * SIZE + 3 * GAP) + side * (SIZE + GAP);
                paste(&mut page, width, [left, GAP + row * (SIZE + GAP)], &triples, sample);
            }
        }
    }
    let file = encode(&page, width, Colours::True).context("the page is empty")?;
    println!("{path}: {} bytes; from above: {}", file.len(), SCENES.join(", "));
    Ok(std::fs::write(path, file)?)
}

fn paste(page: &mut [u8], width: usize, [left, top]: [usize; 2], triples: &Triples, sample: &[u8]) {
    let channels = triples.shape[0];
    for at in 0..SIZE * SIZE {
        for colour in 0..3 {
            let place = (top + at / SIZE) * width + left + at % SIZE;
            page[3 * place + colour] = sample[colour.min(channels - 1) * SIZE * SIZE + at];
        }
    }
}
