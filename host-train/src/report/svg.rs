//! The one place that talks to plotters' SVG backend, and the charts' palette.

use super::text::escape;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

/// What a chart is drawn on.
pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// Whether it could be drawn.
pub(super) type Drawn = Result<(), Box<dyn Error>>;

/// plotters places on whole units; this many a CSS pixel keep lines smooth.
const FINE: u32 = 4;

/// Writing beside a chart. `style.css` gives this and the next two their dark-mode twins.
pub(super) const MUTED: RGBColor = RGBColor(0x5B, 0x64, 0x70);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xE2, 0xE6, 0xEA);
/// Marks that need the full contrast.
pub(super) const INK: RGBColor = RGBColor(0x1B, 0x1F, 0x24);
/// Told apart with any kind of colour vision (Okabe and Ito's, and Tol's purple). x, y, z take the first three.
pub(super) const SERIES: [RGBColor; 7] = [
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xAA, 0x44, 0x99),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x7A, 0x7A, 0x7A),
];

/// `pixels` of the page in the chart's units.
pub(super) fn px(pixels: f64) -> u32 {
    (pixels * f64::from(FINE)).round().max(1.0) as u32
}

/// A text style of `pixels` on the page. plotters divides sizes by 1.24 when it writes them.
pub(super) fn font(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", pixels * f64::from(FINE) * 1.24).into_font().color(&color)
}

/// A line `pixels` wide.
pub(super) fn line(pixels: f64, color: RGBColor) -> ShapeStyle {
    color.stroke_width(px(pixels))
}

/// Draws a chart of `width` × `height` CSS pixels; `label` says in words what it shows.
///
/// Should drawing fail, the page says so in the chart's place.
pub(super) fn figure(width: u32, height: u32, label: &str, draw: impl FnOnce(&Canvas) -> Drawn) -> String {
    let mut svg = String::new();
    let drawn = {
        let canvas = SVGBackend::with_string(&mut svg, (width * FINE, height * FINE)).into_drawing_area();
        draw(&canvas).and_then(|()| Ok(canvas.present()?))
    };
    let label = escape(label);
    match (drawn, svg.split_once("<svg ").and_then(|(_, rest)| rest.split_once('>'))) {
        (Ok(()), Some((_, body))) => format!(
            "<svg role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {} {}\" style=\"max-width:{width}px\">\
             <title>{label}</title>{}",
            width * FINE,
            height * FINE,
            body.trim_start().replace("/>\n", "/>")
        ),
        (Err(error), _) => failed(&label, &error.to_string()),
        (Ok(()), None) => failed(&label, "nothing was drawn"),
    }
}

fn failed(label: &str, why: &str) -> String {
    format!("<p class=\"failed\">{label}: this chart could not be drawn ({}).</p>", escape(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_themed_colour_has_its_dark_twin() {
        for (attribute, RGBColor(r, g, b)) in [
            ("fill", MUTED),
            ("stroke", GRID),
            ("fill", INK),
            ("stroke", INK),
            ("stroke", SERIES[0]),
            ("stroke", SERIES[1]),
            ("stroke", SERIES[2]),
            ("fill", SERIES[2]),
            ("stroke", SERIES[3]),
        ] {
            let rule = format!("svg [{attribute}=\"#{r:02X}{g:02X}{b:02X}\"]");
            assert!(include_str!("style.css").contains(&rule), "{rule}");
        }
    }

    #[test]
    fn a_figure_is_labelled_and_a_failure_is_told() {
        let svg = figure(10, 10, "a < b", |canvas| Ok(canvas.fill(&WHITE)?));
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"a &lt; b\"") && svg.ends_with("</svg>\n"), "{svg}");
        let failure = figure(10, 10, "chart", |_| Err("no <ink>".into()));
        assert!(failure.contains("could not be drawn (no &lt;ink&gt;)"));
    }
}
