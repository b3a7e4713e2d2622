//! Rows of pictures: what becomes of a sample where one thing changes along a row and another down the rows.

use super::super::text::escape;
use super::Panel;
use super::picture::{Form, Style};

/// Pictures in rows.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The panel's title.
    pub title: String,
    /// What changes along a row, and what from row to row.
    pub lead: String,
    /// How samples are drawn.
    pub form: Form,
    /// Counts a row of a sample.
    pub columns: usize,
    /// Name and samples of each row.
    pub rows: Vec<(String, Vec<Vec<i16>>)>,
}

/// The sheet.
pub fn sheet(sheet: &Sheet) -> Panel {
    let style =
        Style::new(sheet.form, sheet.columns, sheet.rows.iter().flat_map(|(_, samples)| samples.iter().flatten()));
    let widest = sheet.rows.iter().map(|(_, samples)| samples.len()).max().unwrap_or(0);
    let row = |(name, samples): &(String, Vec<Vec<i16>>)| {
        let pictures = samples.iter().enumerate();
        let pictures: String =
            pictures.map(|(at, counts)| style.draw(counts, &format!("{name}, {}", at + 1))).collect();
        format!("<b>{}</b>{pictures}{}", escape(name), "<span></span>".repeat(widest - samples.len()))
    };
    let body = format!(
        "<div class=\"scroll\"><div class=\"gallery\" style=\"grid-template-columns:auto repeat({widest},minmax(2.5rem,5rem))\">\
         {}</div></div>\n",
        sheet.rows.iter().map(row).collect::<String>()
    );
    Panel::new(&sheet.title, &sheet.lead, if widest > 0 { body } else { String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_drawn_and_names_are_escaped() {
        let rows = vec![("<0>".to_owned(), vec![vec![0, 1, 2, 3]; 3]), ("1".to_owned(), vec![vec![9, 1, 2, 3]; 2])];
        let panel = sheet(&Sheet { columns: 2, rows, ..Sheet::default() });
        assert_eq!(panel.body.matches("<img").count(), 5);
        assert!(panel.body.contains("&lt;0&gt;") && !panel.body.contains("<0>"));
        assert_eq!(sheet(&Sheet::default()).body, "");
    }
}
