//! What a reproduction looks like.

use crate::data::posed::{Posed, Sample};
use crate::evaluate::device::Device as Core;
use crate::evaluate::grid::whole;
use crate::group::element::{act, inverse, product};
use crate::method::GridModel;
use crate::pipeline::grid::GridMeasured;
use crate::recipe::grid::{GridRecipe, GroupName};
use crate::report::grid::{self, Codes, Errors, Form, Gallery, Object, Panel, View};
use anyhow::Result;
use burn::prelude::Device;
use gimbal_core::group::cyclic::Cyclic;
use gimbal_core::group::o2::Orthogonal;
use gimbal_core::group::shift::Shift;
use gimbal_core::group::{Element, so2};

/// Objects of the gallery, each of another class.
const OBJECTS: usize = 4;
/// Poses of each.
const VIEWS: usize = 12;
/// Samples and angles behind the curve of errors.
const ERRORS: (usize, usize) = (100, 24);

/// Each object in poses all around the group, and what the device made of each.
///
/// # Errors
/// If the package takes other samples.
pub fn gallery(package: &[u8], recipe: &GridRecipe, posed: &Posed) -> Result<Panel> {
    let mut core = Core::new(package)?;
    let mut objects: Vec<Object> = Vec::new();
    for sample in &posed.test {
        let name = posed.classes.get(sample.label).cloned().unwrap_or_default();
        if objects.len() == OBJECTS || objects.iter().any(|object| object.name == name) {
            continue;
        }
        let mut views = Vec::new();
        for (moved, element) in around(recipe, posed) {
            let Some(input) = act(element, posed.extent(), &sample.counts) else { continue };
            let reading = core.read(&input)?;
            let confidence = reading.pose.map_or(0.0, |pose| pose.confidence);
            views.push(View { moved, input, canonical: reading.canonical, confidence });
        }
        objects.push(Object { name, views });
    }
    let form = match main_group(recipe) {
        Some(GroupName::Ring) => Form::Ring,
        Some(GroupName::Shift) => Form::Signal,
        _ => Form::Image,
    };
    Ok(grid::gallery(&Gallery { title: "Canonical samples".into(), form, columns: posed.columns, objects }))
}

/// Elements all around the group, in words.
fn around(recipe: &GridRecipe, posed: &Posed) -> Vec<(String, Element)> {
    let part = |view: usize| view as f32 / VIEWS as f32;
    match main_group(recipe) {
        Some(GroupName::Ring) => (0..posed.columns)
            .map(|index| (index.to_string(), Element::Cyclic(Cyclic::new(index as u16, posed.columns as u16))))
            .collect(),
        Some(GroupName::C4) => {
            (0..4).map(|index| (format!("{}°", 90 * index), Element::Cyclic(Cyclic::new(index, 4)))).collect()
        }
        Some(GroupName::Shift) => (0..VIEWS)
            .map(|view| (format!("{:.0} %", 100.0 * part(view)), Element::Shift(Shift::from_turns(part(view)))))
            .collect(),
        // Twice around, the second time mirrored.
        Some(GroupName::O2) => (0..VIEWS)
            .map(|view| {
                let (reflected, part) = (2 * view >= VIEWS, part(2 * view % VIEWS));
                let name = format!("{:.0}°{}", 360.0 * part, if reflected { ", mirrored" } else { "" });
                let rotation = so2::Rotation::from_angle(std::f32::consts::TAU * part);
                (name, Element::Orthogonal(Orthogonal::new(rotation, reflected)))
            })
            .collect(),
        _ => (0..VIEWS).map(|view| (format!("{:.0}°", 360.0 * part(view)), turn(part(view)))).collect(),
    }
}

fn turn(part: f32) -> Element {
    Element::Planar(so2::Rotation::from_angle(std::f32::consts::TAU * part))
}

/// The group whose elements figures go around: the last, which acts first.
fn main_group(recipe: &GridRecipe) -> Option<GroupName> {
    recipe.data.groups.last().copied()
}

/// The error of each method's reconstruction over the angle; None for groups without one, or without a decoder.
pub fn errors(methods: &[(&str, &GridRecipe, &GridModel)], posed: &Posed, device: &Device) -> Option<Panel> {
    let (_, first, _) = methods.first()?;
    if !matches!(main_group(first), Some(GroupName::So2 | GroupName::O2)) {
        return None;
    }
    let (samples, angles) = ERRORS;
    let mut lines = Vec::new();
    for (name, recipe, model) in methods.iter().filter(|(_, recipe, _)| recipe.loss.reconstruction > 0.0) {
        // The quotient autoencoder reconstructs in a pose of its own.
        if recipe.loss.quotient > 0 {
            continue;
        }
        let point = |angle: usize| {
            let part = angle as f32 / angles as f32;
            let turned: Vec<Sample> = posed
                .test
                .iter()
                .take(samples)
                .filter_map(|sample| {
                    let counts = act(turn(part), posed.extent(), &sample.counts)?;
                    Some(Sample { counts, label: sample.label })
                })
                .collect();
            (360.0 * part, model.infer(&turned, 1.0 / recipe.data.scale, device).reconstruction_mse)
        };
        lines.push(Errors { name: (*name).into(), points: (0..angles).map(point).collect() });
    }
    (!lines.is_empty()).then(|| grid::angle("Reconstruction over the angle", &lines))
}

/// Integer codes, poses and pose errors of a package.
pub fn maps(measured: &GridMeasured, recipe: &GridRecipe, posed: &Posed) -> Vec<Panel> {
    let evaluation = &measured.evaluation;
    let mut panels = vec![grid::codes(&Codes {
        title: "Integer codes of moved test samples".into(),
        codes: evaluation.moved.iter().map(|reading| reading.code.clone()).collect(),
        labels: evaluation.labels.clone(),
        classes: posed.classes.clone(),
    })];
    let poses: Vec<grid::Posed> = (0..posed.test.len())
        .filter_map(|index| {
            let true_element = whole(&posed.test_moved, &recipe.data.groups, index, posed)?;
            let moved = evaluation.moved[index].pose?;
            let found = product(moved.element, inverse(evaluation.upright[index].pose?.element)?)?;
            let (x, y) = degrees(found)?.to_radians().sin_cos();
            let at = (y * moved.confidence, x * moved.confidence);
            Some(grid::Posed { at, angle_deg: degrees(true_element)? })
        })
        .collect();
    if !poses.is_empty() {
        panels.push(grid::poses("Poses found, by true pose", &poses));
        let errors: Vec<f32> = evaluation.law.iter().map(|distance| distance.degrees).collect();
        panels.push(grid::errors("How well the law is kept", &errors));
    }
    panels
}

/// The angle of an element, 0 to 360, of a reflection that behind the flip; None for translations.
fn degrees(element: Element) -> Option<f32> {
    let turns = |degrees: f32| degrees.rem_euclid(360.0);
    Some(match element {
        Element::Planar(g) => turns(g.angle().to_degrees()),
        Element::Orthogonal(g) => turns(g.rotation().angle().to_degrees()),
        Element::RigidMotion(g) => turns(g.acting.angle().to_degrees()),
        Element::Shift(g) => 360.0 * g.turns(),
        Element::Cyclic(g) => 360.0 * f32::from(g.index()) / f32::from(g.order()),
        _ => return None,
    })
}
