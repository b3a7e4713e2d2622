//! The confusion matrices, as tables: they are text first, shading second.

use super::Report;
use super::page::Section;
use super::text::{escape, integer, percent};

pub(super) fn section(report: &Report) -> Option<Section> {
    let sides =
        [("Sensor upright", &report.confusion_upright), ("Each window turned at random", &report.confusion_rotated)];
    let tables: String =
        sides.iter().filter(|(_, rows)| !rows.is_empty()).map(|(title, rows)| table(report, title, rows)).collect();
    (!tables.is_empty()).then(|| Section {
        id: "confusion".into(),
        title: "Confusion".into(),
        lead: "Rows are the true class, columns what the model said; the numbers are windows. The shade is the \
               share of the row: blue where the model is right, orange where it is wrong. Windows it gave no class \
               are not counted here."
            .to_owned(),
        body: format!("<div class=\"matrices\">{tables}</div>"),
    })
}

fn table(report: &Report, title: &str, rows: &[Vec<u32>]) -> String {
    // Every class named or counted gets a row and a column.
    let size = rows.iter().map(Vec::len).chain([rows.len(), report.classes.len()]).max().unwrap_or(0);
    let count = |row: usize, column: usize| rows.get(row).and_then(|r| r.get(column)).map_or(0, |n| u64::from(*n));
    let name = |class: usize| report.classes.get(class).map_or_else(|| format!("class {class}"), |name| escape(name));
    let right: u64 = (0..size).map(|class| count(class, class)).sum();
    let all: u64 = rows.iter().flatten().map(|n| u64::from(*n)).sum();
    let head: String = (0..size).map(|c| format!("<th scope=\"col\"><span>{}</span></th>", name(c))).collect();
    let body: String = (0..size)
        .map(|row| {
            let total: u64 = (0..size).map(|column| count(row, column)).sum();
            let cells: String = (0..size).map(|c| cell(&name(row), &name(c), count(row, c), total, row == c)).collect();
            format!(
                "<tr><th scope=\"row\">{}</th>{cells}<td class=\"recall\">{}</td></tr>\n",
                name(row),
                percent(count(row, row), total)
            )
        })
        .collect();
    format!(
        "<figure><figcaption><b>{}</b> — {} of {} windows right ({})</figcaption><div class=\"scroll\">\
         <table class=\"matrix\"><thead><tr><th scope=\"col\" class=\"corner\">true ↓ said →</th>{head}\
         <th scope=\"col\" class=\"recall\">right</th></tr></thead>\n<tbody>\n{body}</tbody></table></div></figure>\n",
        escape(title),
        integer(right),
        integer(all),
        percent(right, all)
    )
}

fn cell(true_class: &str, said: &str, count: u64, total: u64, diagonal: bool) -> String {
    if count == 0 {
        return "<td class=\"zero\">0</td>".to_owned();
    }
    let share = count as f64 / total as f64;
    let kind = if diagonal { "hit" } else { "slip" };
    format!(
        "<td class=\"{kind}\" style=\"--share:{:.0}%\" title=\"{true_class} read as {said}: {count} of {total} ({})\">\
         {}</td>",
        // Even a single window is visible, and even a full row leaves the number readable.
        5.0 + 55.0 * share,
        percent(count, total),
        integer(count),
    )
}
