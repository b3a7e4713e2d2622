//! Objects moved about, and what they become: all canonical copies of one object should look alike.

use super::super::text::{escape, rounded};
use super::Panel;
use super::picture::{Form, Style};

/// Objects to look at, each moved in several ways.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    /// The panel's title.
    pub title: String,
    /// How samples are drawn.
    pub form: Form,
    /// Counts a row: columns of an image, channels of a signal, electrodes of a ring.
    pub columns: usize,
    /// A pair of rows each.
    pub objects: Vec<Object>,
}

/// One sample, moved in several ways.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Its class or name; may be empty.
    pub name: String,
    /// A column each.
    pub views: Vec<View>,
}

/// One of an object's ways to be.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// How it was moved (`30°`, `+5 samples`).
    pub moved: String,
    /// The sample as it was moved, counts.
    pub input: Vec<i16>,
    /// Its canonical copy, counts.
    pub canonical: Vec<i16>,
    /// How well determined the pose is; 1 is usual.
    pub confidence: f32,
}

/// The gallery: above, each object as it was moved; below, its canonical copies.
pub fn gallery(gallery: &Gallery) -> Panel {
    let views = || gallery.objects.iter().flat_map(|object| &object.views);
    let counts = views().flat_map(|view| view.input.iter().chain(&view.canonical));
    let style = Style::new(gallery.form, gallery.columns, counts);
    let colours = match gallery.form {
        Form::Ring => " Time runs to the right, electrodes are below each other; blue is below zero, orange above.",
        _ => "",
    };
    let lead = format!(
        "Each object was moved as the caption says. Below each view is what the model makes of it: these should all be \
         alike. Confidence is about 1 for a typical sample and falls towards 0 where the data no longer decide the \
         pose.{colours}"
    );
    let shown = gallery.objects.iter().filter(|object| !object.views.is_empty());
    Panel::new(&gallery.title, &lead, shown.map(|object| rows(object, &style)).collect())
}

fn rows(object: &Object, style: &Style) -> String {
    let name = match object.name.as_str() {
        "" => String::new(),
        name => format!("<h3>{}</h3>\n", escape(name)),
    };
    let cells = |cell: &dyn Fn(&View) -> String| object.views.iter().map(cell).collect::<String>();
    let described = |view: &View, what: &str| format!("{} {what}, moved by {}", object.name, view.moved);
    let moved = cells(&|view| format!("<p class=\"moved\">{}</p>", escape(&view.moved)));
    let inputs = cells(&|view| style.draw(&view.input, &described(view, "as given")));
    let canonical = cells(&|view| style.draw(&view.canonical, &described(view, "canonical")));
    let confidence = cells(&|view| match view.confidence.is_finite() {
        true => format!("<p class=\"sure\">{:.2}</p>", view.confidence),
        false => "<p class=\"sure\">—</p>".to_owned(),
    });
    let (before, after) = (scatter(object, style, |v| &v.input), scatter(object, style, |v| &v.canonical));
    format!(
        "<div class=\"example\">{name}<p class=\"spread\">Root mean square distance of the views from their mean, in \
         hundredths of the range of counts: <b>{}</b> as given → <b>{}</b> canonical.</p>\n<div class=\"scroll\">\
         <div class=\"gallery\" style=\"grid-template-columns:auto repeat({},minmax(3.5rem,6rem))\">\
         <span>moved by</span>{moved}\n<b>as given</b>{inputs}\n<b>canonical</b>{canonical}\n\
         <span>confidence</span>{confidence}</div></div></div>\n",
        rounded(before, 3),
        rounded(after, 3),
        object.views.len(),
    )
}

/// RMS over views and counts, in hundredths of the style's range. Not finite where there is nothing.
fn scatter(object: &Object, style: &Style, side: fn(&View) -> &Vec<i16>) -> f64 {
    let rows: Vec<&Vec<i16>> = object.views.iter().map(side).collect();
    let length = rows.iter().map(|counts| counts.len()).min().unwrap_or(0);
    let column = |at: usize| rows.iter().filter_map(move |counts| counts.get(at)).map(|count| f64::from(*count));
    let sum = |at: usize| {
        let mean = column(at).sum::<f64>() / rows.len() as f64;
        column(at).map(|count| (count - mean).powi(2)).sum::<f64>()
    };
    let square = (0..length).map(sum).sum::<f64>() / (length * rows.len()) as f64;
    100.0 * square.sqrt() / (style.range.1 - style.range.0)
}
