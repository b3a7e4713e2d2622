//! The page around the sections: head, style, header, contents, recipe.

use super::Report;
use super::text::{bytes, escape, integer};

/// One titled part of the page.
pub(super) struct Section {
    /// Anchor, and what tests look for.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// One or two plain sentences under the title; already safe.
    pub(super) lead: String,
    /// What it shows; already safe.
    pub(super) body: String,
}

const DEED: &str = "Gimbal finds how the sensor sits from the data alone and turns each window back, \
                    so that the network sees the same movement whichever way up the device is worn.";

/// Puts the page together.
pub(super) fn page(report: &Report, sections: &[Section]) -> String {
    let contents: String = sections.iter().map(|s| format!("<a href=\"#{}\">{}</a>", s.id, s.title)).collect();
    let body: String = sections
        .iter()
        .map(|s| {
            format!(
                "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n\
                 <p class=\"lead\">{2}</p>\n{3}\n</section>\n",
                s.id, s.title, s.lead, s.body
            )
        })
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name} · Gimbal report</title>\n<style>\n{style}</style>\n</head>\n<body>\n\
         <header>\n<p class=\"eyebrow\">Gimbal report</p>\n<h1>{name}</h1>\n<p class=\"deed\">{DEED}</p>\n\
         {tiles}<nav aria-label=\"Contents\">{contents}</nav>\n</header>\n<main>\n{body}</main>\n</body>\n</html>\n",
        name = escape(&report.name),
        style = include_str!("style.css"),
        tiles = tiles(report),
    )
}

/// The few figures to take away, above everything else.
fn tiles(report: &Report) -> String {
    let asked = report.metrics.iter().filter_map(|metric| metric.met);
    let (met, asked) = (asked.clone().filter(|met| *met).count(), asked.count());
    let totals = &report.totals;
    let tiles = [
        (asked > 0, format!("{met} of {asked}"), "requirements met"),
        (totals.package_bytes > 0, bytes(totals.package_bytes), "package, in flash"),
        (totals.arena_bytes > 0, bytes(totals.arena_bytes), "arena, in RAM"),
        (totals.macs > 0, integer(totals.macs), "multiply-accumulates a window"),
    ];
    let shown = tiles.iter().filter(|(shown, ..)| *shown);
    let list: String = shown.map(|(_, value, what)| format!("<div><dt>{what}</dt><dd>{value}</dd></div>")).collect();
    if list.is_empty() { list } else { format!("<dl class=\"tiles\">{list}</dl>\n") }
}

/// What the run was asked to do, as it was asked.
pub(super) fn recipe(report: &Report) -> Option<Section> {
    (!report.recipe_toml.trim().is_empty()).then(|| Section {
        id: "recipe",
        title: "Recipe",
        lead: "The same recipe, seed and backend give the same package, byte for byte.".to_owned(),
        body: format!(
            "<details><summary>Show the recipe</summary><pre><code>{}</code></pre></details>",
            escape(report.recipe_toml.trim_end())
        ),
    })
}
