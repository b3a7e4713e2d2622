//! The package's operators and what each costs.

use super::page::Section;
use super::text::{escape, integer};
use super::{Layer, Report};

pub(super) fn section(report: &Report) -> Option<Section> {
    let groups: String = report.layers.chunk_by(|a, b| a.network == b.network).map(|g| group(report, g)).collect();
    let totals = &report.totals;
    (!groups.is_empty()).then(|| Section {
        id: "layers".into(),
        title: "Layers".into(),
        lead: format!(
            "What runs on the device for one window. The arena is shared from layer to layer, so its column does \
             not add up: the plan asks for {} bytes, and no plan could do with less than {}.",
            integer(totals.arena_bytes),
            integer(totals.arena_lower_bound_bytes)
        ),
        body: format!(
            "<div class=\"scroll\"><table class=\"layers\"><thead><tr><th scope=\"col\">Network</th>\
             <th scope=\"col\">Operator</th><th scope=\"col\">Output</th>\
             <th scope=\"col\" class=\"number\">MACs</th><th scope=\"col\" class=\"number\">Flash, bytes</th>\
             <th scope=\"col\" class=\"number\">Arena, bytes</th></tr></thead>\n{groups}\
             <tfoot><tr><th scope=\"row\" colspan=\"3\">Whole package, with its tables and headers</th>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr></tfoot>\
             </table></div>",
            integer(totals.macs),
            integer(totals.package_bytes),
            integer(totals.arena_bytes),
        ),
    })
}

fn group(report: &Report, layers: &[Layer]) -> String {
    let most = |cost: fn(&Layer) -> u64| report.layers.iter().map(cost).max().unwrap_or(0);
    let costs: [fn(&Layer) -> u64; 3] = [|l| l.macs, |l| l.flash_bytes, |l| l.arena_bytes];
    let rows: String = layers
        .iter()
        .enumerate()
        .map(|(i, layer)| {
            let network = match i {
                0 => format!("<th scope=\"rowgroup\" rowspan=\"{}\">{}</th>", layers.len(), escape(&layer.network)),
                _ => String::new(),
            };
            let bars: String = costs.iter().map(|cost| bar(cost(layer), most(*cost))).collect();
            format!("<tr>{network}<td>{}</td><td>{}</td>{bars}</tr>\n", escape(&layer.operator), escape(&layer.output))
        })
        .collect();
    format!("<tbody>\n{rows}</tbody>\n")
}

/// A number over a bar of its share of the column's greatest.
fn bar(value: u64, most: u64) -> String {
    let share = if most > 0 { 100.0 * value as f64 / most as f64 } else { 0.0 };
    let class = if value == 0 { "number bar zero" } else { "number bar" };
    format!("<td class=\"{class}\" style=\"--share:{share:.1}%\">{}</td>", integer(value))
}
