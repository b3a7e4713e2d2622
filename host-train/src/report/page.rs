//! The page around the sections: head, style, header, contents, recipe.

use super::Report;
use super::grid::Panel;
use super::text::{bytes, escape, integer};
use std::borrow::Cow;

/// One titled part of the page.
pub(super) struct Section {
    /// Anchor, and what tests look for.
    pub(super) id: Cow<'static, str>,
    /// Already safe.
    pub(super) title: Cow<'static, str>,
    /// One or two plain sentences under the title; already safe.
    pub(super) lead: String,
    /// What it shows; already safe.
    pub(super) body: String,
}

const DEED: &str = "Gimbal finds how the sensor sits from the data alone and turns each window back, \
                    so that the network sees the same movement whichever way up the device is worn.";

/// What a page begins with.
pub(super) struct Header<'a> {
    /// What kind of page it is.
    pub(super) kind: &'static str,
    /// Its title, as a person wrote it.
    pub(super) title: &'a str,
    /// What it is about; already safe.
    pub(super) deed: &'a str,
    /// What stands between that and the contents; already safe.
    pub(super) tiles: String,
}

/// Puts a run's page together.
pub(super) fn page(report: &Report, sections: &[Section]) -> String {
    document(&Header { kind: "Gimbal report", title: &report.name, deed: DEED, tiles: tiles(report) }, sections)
}

/// Panels as sections. Their anchors are numbers, because their titles are a person's.
pub(super) fn panels(panels: &[Panel]) -> impl Iterator<Item = Section> {
    panels.iter().enumerate().map(|(i, panel)| Section {
        id: format!("panel-{}", i + 1).into(),
        title: panel.title.clone().into(),
        lead: panel.lead.clone(),
        body: panel.body.clone(),
    })
}

/// Any page: the header, the contents, the sections.
pub(super) fn document(header: &Header, sections: &[Section]) -> String {
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
         <title>{title} · {kind}</title>\n<style>\n{style}</style>\n</head>\n<body>\n\
         <header>\n<p class=\"eyebrow\">{kind}</p>\n<h1>{title}</h1>\n<p class=\"deed\">{deed}</p>\n\
         {tiles}<nav aria-label=\"Contents\">{contents}</nav>\n</header>\n<main>\n{body}</main>\n</body>\n</html>\n",
        title = escape(header.title),
        kind = header.kind,
        deed = header.deed,
        style = include_str!("style.css"),
        tiles = header.tiles,
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
        id: "recipe".into(),
        title: "Recipe".into(),
        lead: "The same recipe, seed and backend give the same package, byte for byte.".to_owned(),
        body: format!(
            "<details><summary>Show the recipe</summary><pre><code>{}</code></pre></details>",
            escape(report.recipe_toml.trim_end())
        ),
    })
}
