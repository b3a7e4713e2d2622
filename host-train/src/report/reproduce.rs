//! One experiment, run again, as one page: what was measured beside what was published, and what it looks like.

use super::grid::Panel;
use super::page::{Header, Section, document, panels};
use super::text::escape;
use crate::reproduce::rows::{Group, Line, Row, groups};

const DEED: &str = "A published experiment, run again with Gimbal's own code.";

/// Everything the page shows.
#[derive(Clone, Debug, Default)]
pub struct ReproducePage {
    /// The page's title.
    pub title: String,
    /// What was measured.
    pub rows: Vec<Row>,
    /// What it looks like, in this order.
    pub panels: Vec<Panel>,
}

/// The page: self-contained, and of the same bytes for the same numbers.
pub fn html(page: &ReproducePage) -> String {
    let sections: Vec<Section> = table(&page.rows).into_iter().chain(panels(&page.panels)).collect();
    document(&Header { kind: "Gimbal, reproduced", title: &page.title, deed: DEED, tiles: String::new() }, &sections)
}

fn table(rows: &[Row]) -> Option<Section> {
    let groups: String = groups(rows).iter().map(group).collect();
    (!groups.is_empty()).then(|| Section {
        id: "results".into(),
        title: "Results".into(),
        lead:
            "Mean and standard deviation over trainings that differ in nothing but the seed. The best of each metric \
               is bold; methods whose printed means are equal are equally good."
                .to_owned(),
        body: format!(
            "<div class=\"scroll\"><table class=\"rows\"><thead><tr><th scope=\"col\">Data, metric</th>\
             <th scope=\"col\">Method</th><th scope=\"col\" class=\"number\">Mean ± deviation</th>\
             <th scope=\"col\" class=\"number\">Seeds</th><th scope=\"col\" class=\"number\">Published</th></tr>\
             </thead>\n{groups}</table></div>"
        ),
    })
}

fn group(group: &Group) -> String {
    let head = format!(
        "<th scope=\"rowgroup\" rowspan=\"{}\"><b>{}</b><span class=\"faint\">{}</span></th>",
        group.lines.len(),
        escape(group.metric),
        escape(group.data),
    );
    let rows = group.lines.iter().enumerate().map(|(i, line)| row(if i == 0 { &head } else { "" }, line));
    format!("<tbody>\n{}</tbody>\n", rows.collect::<String>())
}

fn row(head: &str, line: &Line) -> String {
    let value = match line.best {
        true => format!("<b>{}</b>", line.value),
        false => line.value.clone(),
    };
    format!(
        "<tr>{head}<td>{}</td><td class=\"number\">{value}</td><td class=\"number\">{}</td>\
         <td class=\"number faint\">{}</td></tr>\n",
        escape(line.method),
        line.seeds,
        line.published,
    )
}
