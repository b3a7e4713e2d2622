//! Sets of points moved about, and what they become: all canonical copies of one set should look alike, colours included
//! where the model orders them.

use super::super::chart::{Axis, Frame};
use super::super::grid::Panel;
use super::super::grid::scatter::{dots, onto, place};
use super::super::svg::*;
use super::super::text::escape;

/// CSS pixels of a picture and of a dot, for few points and for many.
const SIDE: u32 = 96;
const DOTS: [f64; 2] = [9.0, 3.0];
/// Colours of the first elements (Okabe and Ito's, and Tol's purple). Sets of more elements have one colour.
const COLOURS: [&str; 7] = ["#D55E00", "#009E73", "#0072B2", "#AA4499", "#E69F00", "#56B4E9", "#7A7A7A"];
const MANY: &str = "#0072B2";

/// Sets to look at, each moved in several ways.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// The panel's title.
    pub title: String,
    /// A group of rows each.
    pub forms: Vec<Form>,
}

/// One set, moved in several ways.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Its class or name; may be empty.
    pub name: String,
    /// A column each.
    pub views: Vec<View>,
}

/// One of a set's ways to be.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The places as they were given, any unit, element by element.
    pub given: Vec<[f32; 3]>,
    /// The canonical places, the same unit, in the same order.
    pub canonical: Vec<[f32; 3]>,
    /// Which element stands at each canonical place; empty for a model that finds no order.
    pub order: Vec<usize>,
}

/// The forms: above, each as it was moved; below, its canonical copies from two sides.
pub fn forms(forms: &Forms) -> Panel {
    let lead = "Each column shows one set that was moved, turned and shuffled at random: as it was given, around its \
                mean, seen along the third axis, and below what the model makes of it, seen along the third axis and \
                along the second. The canonical copies should all be alike. Where elements are few their colours tell \
                the order: above that in which they were given, below that which the model found.";
    let shown = forms.forms.iter().filter(|form| !form.views.is_empty());
    Panel::new(&forms.title, lead, shown.map(rows).collect())
}

fn rows(form: &Form) -> String {
    let name = match form.name.as_str() {
        "" => String::new(),
        name => format!("<h3>{}</h3>\n", escape(name)),
    };
    let reach = form.views.iter().map(|view| reach(&view.given).max(reach(&view.canonical))).fold(0.0, f32::max);
    let cells = |cell: &dyn Fn(&View, usize) -> String| -> String {
        form.views.iter().enumerate().map(|(i, view)| cell(view, i + 1)).collect()
    };
    let label = |what: &str, index: usize| format!("{} {what}, way {index}", form.name);
    let given = cells(&|view, i| {
        let order: Vec<usize> = (0..view.given.len()).collect();
        picture(&centred(&view.given), &order, [0, 1], reach, &label("as given", i))
    });
    let canonical = |axes: [usize; 2], side: &'static str| {
        cells(&|view, i| picture(&centred(&view.canonical), &view.order, axes, reach, &label(side, i)))
    };
    let (front, above) = (canonical([0, 1], "canonical"), canonical([0, 2], "canonical, from another side"));
    format!(
        "<div class=\"example\">{name}<div class=\"scroll\"><div class=\"gallery\" \
         style=\"grid-template-columns:auto repeat({},minmax(3.5rem,6rem))\">\
         <b>as given</b>{given}\n<b>canonical</b>{front}\n<b>from another side</b>{above}</div></div></div>\n",
        form.views.len(),
    )
}

/// One set from one side. `order` says which element stands at each place; without one, elements have one colour.
fn picture(points: &[[f32; 3]], order: &[usize], axes: [usize; 2], reach: f32, label: &str) -> String {
    let reach = if reach.is_normal() { 1.1 * f64::from(reach) } else { 1.0 };
    let [x, y] = [(); 2].map(|()| Axis { range: (-reach, reach), ticks: vec![(0.0, String::new())] });
    let side = f64::from(px(f64::from(SIDE)));
    let frame = Frame { left: 0.0, top: 0.0, width: side, height: side };
    let chart = figure(SIDE, SIDE, label, |canvas| frame.plane(canvas, &x, &y).map(|_| ()));
    let at = |point: &[f32; 3]| {
        let [right, up] = axes.map(|axis| point.get(axis).copied().unwrap_or(0.0));
        let seen = (f64::from(right), f64::from(up));
        (seen.0.is_finite() && seen.1.is_finite()).then(|| place(frame, &x, &y, seen))
    };
    let drawn: String = match points.len() <= COLOURS.len() && order.len() == points.len() {
        true => {
            let standing =
                order.iter().zip(COLOURS).filter_map(|(&element, color)| Some((points.get(element)?, color)));
            standing.map(|(point, color)| dots(at(point).into_iter(), color, DOTS[0])).collect()
        }
        false => dots(points.iter().filter_map(at), MANY, DOTS[usize::from(points.len() > COLOURS.len())]),
    };
    onto(&chart, &drawn)
}

/// Around their mean.
fn centred(points: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f32>() / points.len() as f32;
    let mean: [f32; 3] = std::array::from_fn(mean);
    points.iter().map(|point| std::array::from_fn(|axis| point[axis] - mean[axis])).collect()
}

/// How far the farthest point is from the mean, along any axis.
fn reach(points: &[[f32; 3]]) -> f32 {
    let numbers = centred(points).into_iter().flatten();
    numbers.filter(|number| number.is_finite()).fold(0.0, |reach, number| reach.max(number.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_drawn_around_their_mean() {
        assert_eq!(centred(&[[1., 2., 3.], [3., 2., 1.]]), [[-1., 0., 1.], [1., 0., -1.]]);
        assert_eq!(reach(&[[1., 2., 3.], [3., 2., 1.]]), 1.0);
        assert!(centred(&[]).is_empty() && reach(&[]) == 0.0);
    }

    /// The same points in another order, with the order that undoes it.
    #[test]
    fn colours_follow_the_order() {
        let [a, b] = [[0., 1., 2.], [2., 0., 1.]];
        let draw = |points: &[[f32; 3]], order: &[usize]| picture(points, order, [0, 1], 2.0, "");
        assert_eq!(draw(&[a, b], &[0, 1]), draw(&[b, a], &[1, 0]));
        assert_ne!(draw(&[a, b], &[0, 1]), draw(&[a, b], &[1, 0]));
    }
}
