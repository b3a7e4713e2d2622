//! What a reproduction on sets looks like.

use super::experiment::Method;
use super::rows::Row;
use crate::data::sets::Sets;
use crate::evaluate::device::Device as Core;
use crate::evaluate::set_device::SetEvaluation;
use crate::recipe::set::SetRecipe;
use crate::report::grid::{self, Codes as Map, Panel};
use crate::report::set::{self, Curves, Form, Forms, Line, View};
use crate::train::Epoch;
use anyhow::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Sets that are shown, each of another class, and how often each is moved.
const FORMS: usize = 4;
const VIEWS: usize = 9;

/// Each set moved at random, and what the device made of each; None for elements without a place.
///
/// # Errors
/// If the package takes other sets.
pub fn gallery(package: &[u8], sets: &Sets) -> Result<Option<Panel>> {
    if !sets.points {
        return Ok(None);
    }
    let mut core = Core::new(package)?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut forms: Vec<Form> = Vec::new();
    for drawn in &sets.test {
        let name = sets.classes.get(drawn.label).cloned().unwrap_or_default();
        if forms.len() == FORMS || forms.iter().any(|form| form.name == name) {
            continue;
        }
        let mut views = Vec::new();
        for _ in 0..VIEWS {
            let set = sets.moved(drawn, &sets.random_move(sets.size(drawn), &mut rng));
            let reading = core.read(&set.counts)?;
            views.push(View {
                given: sets.places(&set.counts),
                canonical: sets.places(&reading.canonical),
                order: reading.order.iter().map(|&row| row as usize).collect(),
            });
        }
        forms.push(Form { name, views });
    }
    Ok(Some(set::forms(&Forms { title: "Canonical sets".into(), forms })))
}

/// Codes of the moved test sets: the package's, or those of the float networks of a method that is never exported.
pub struct Codes<'a> {
    /// What the package said.
    pub evaluation: &'a SetEvaluation,
    /// What the float networks said.
    pub float: &'a [Vec<f32>],
}

/// The map of a method's codes; None where sets have no class.
pub fn codes(method: &str, codes: &Codes<'_>, sets: &Sets) -> Option<Panel> {
    let (kind, codes) = match codes.evaluation.moved.as_slice() {
        [] => ("Codes", codes.float.to_vec()),
        readings => ("Integer codes", readings.iter().map(|reading| reading.code.clone()).collect()),
    };
    (!sets.classes.is_empty()).then(|| {
        grid::codes(&Map {
            title: format!("{kind} of moved test sets: {method}"),
            codes,
            labels: sets.test.iter().map(|set| set.label).collect(),
            classes: sets.classes.clone(),
        })
    })
}

/// The histogram of how well ψ keeps its law; None without ψ.
pub fn errors(evaluation: &SetEvaluation) -> Option<Panel> {
    (!evaluation.law.is_empty()).then(|| grid::errors("How well the law is kept", &evaluation.law))
}

/// The float set accuracy over the numbers of a code and over the elements of a set, each where an experiment varies it.
pub fn curves(methods: &[(&Method<SetRecipe>, &[Row])]) -> Vec<Panel> {
    let Some((first, _)) = methods.first() else { return Vec::new() };
    let [code, elements]: [fn(&SetRecipe) -> usize; 2] = [|r| r.eta.code, |r| r.data.elements[1]];
    let over = |across: &str, x: fn(&SetRecipe) -> usize, held: fn(&SetRecipe) -> usize| {
        let mut lines: Vec<Line> = Vec::new();
        for (method, rows) in methods.iter().filter(|(method, _)| held(&method.recipe) == held(&first.recipe)) {
            let Some(row) = rows.iter().find(|row| row.metric == "set_accuracy") else { continue };
            let point = (x(&method.recipe) as f32, row.mean as f32);
            match lines.iter_mut().find(|line| line.name == method.name) {
                Some(line) => line.points.push(point),
                None => lines.push(Line { name: method.name.into(), points: vec![point] }),
            }
        }
        lines.iter_mut().for_each(|line| line.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
        lines.iter().any(|line| line.points.len() > 1).then(|| {
            set::curves(&Curves {
                title: format!("Set accuracy over the {across}"),
                lead: "The share of moved test sets of which every element is right, float networks.".into(),
                x: across.into(),
                y: "set accuracy".into(),
                lines,
            })
        })
    };
    let panels = [over("numbers of the code", code, elements), over("elements of a set", elements, code)];
    panels.into_iter().flatten().collect()
}

/// The loss over the epochs of the first training of each method, in the first method's setting.
pub fn losses(methods: &[(&Method<SetRecipe>, &[Epoch])]) -> Option<Panel> {
    let (first, _) = methods.first()?;
    let shown = methods.iter().filter(|(method, _)| method.setting == first.setting);
    let minimized = |method: &Method<SetRecipe>, epoch: &Epoch| match method.recipe.loss.reconstruction > 0.0 {
        true => epoch.reconstruction,
        false => epoch.class,
    };
    let line = |(method, history): &(&Method<SetRecipe>, &[Epoch])| Line {
        name: method.name.into(),
        points: history.iter().enumerate().map(|(i, epoch)| ((i + 1) as f32, minimized(method, epoch))).collect(),
    };
    Some(set::curves(&Curves {
        title: "Training".into(),
        lead: "The mean reconstruction loss of each epoch, before it is weighted, or that of the classes where nothing is \
               reconstructed."
            .into(),
        x: "epoch".into(),
        y: "loss".into(),
        lines: shown.map(line).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::experiment::{AnyExperiment, Preset, experiment};

    fn row(mean: f64) -> Vec<Row> {
        let [data, method, metric] = ["", "", "set_accuracy"].map(str::to_owned);
        vec![Row { data, method, metric, mean, std: 0.0, seeds: 1, published: None }]
    }

    #[test]
    fn curves_are_drawn_over_what_is_varied() {
        for (preset, panels) in [(Preset::Quick, 0), (Preset::Full, 2)] {
            let Some(AnyExperiment::Sets(experiment)) = experiment("digit-sets", preset).unwrap() else { panic!() };
            let rows: Vec<Vec<Row>> = (0..experiment.methods.len()).map(|i| row(0.05 * i as f64)).collect();
            let methods: Vec<_> = experiment.methods.iter().zip(rows.iter().map(Vec::as_slice)).collect();
            assert_eq!(curves(&methods).len(), panels, "{preset:?}");
        }
        assert!(curves(&[]).is_empty() && losses(&[]).is_none());
    }
}
