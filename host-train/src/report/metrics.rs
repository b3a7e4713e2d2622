//! The table of figures: what each says, its value, what was asked, whether it is met.

use super::page::Section;
use super::text::{escape, number};
use super::{Metric, Report};

pub(super) fn section(report: &Report) -> Option<Section> {
    let rows: String = report.metrics.iter().map(row).collect();
    (!rows.is_empty()).then(|| Section {
        id: "figures".into(),
        title: "Figures".into(),
        lead: "What this run reached on its test data, and what was asked of it.".to_owned(),
        body: format!(
            "<div class=\"scroll\"><table class=\"figures\"><thead><tr><th scope=\"col\">Figure</th>\
             <th scope=\"col\" class=\"number\">Value</th><th scope=\"col\">Must be</th>\
             <th scope=\"col\">Verdict</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>"
        ),
    })
}

fn row(metric: &Metric) -> String {
    let verdict = match metric.met {
        Some(true) => "<span class=\"met\">✓ met</span>",
        Some(false) => "<span class=\"missed\">✗ not met</span>",
        None => "<span class=\"faint\">—</span>",
    };
    let (name, meaning) = (escape(&metric.name), escape(&metric.meaning));
    let what = match meaning.is_empty() {
        true => format!("<code>{name}</code>"),
        false => format!("{meaning}<br><code>{name}</code>"),
    };
    let space = if metric.unit == "°" { "" } else { " " };
    format!(
        "<tr><th scope=\"row\">{what}</th><td class=\"number\"><b>{}</b>{space}<span class=\"unit\">{}</span></td>\
         <td>{}</td><td>{verdict}</td></tr>\n",
        number(metric.value),
        escape(&metric.unit),
        escape(&metric.must),
    )
}
