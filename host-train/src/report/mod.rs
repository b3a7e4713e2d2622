//! One run as one page: `report.html`, self-contained, for a person to look at.
//!
//! [`html`] takes the numbers of a finished run and returns the page. It opens no file, asks no
//! network and needs no font: charts are SVG inside the page, their text is the browser's. Each
//! section is one file here and returns `None` where the run has nothing to show; what a person
//! wrote (names, the recipe) is escaped; a number that is not finite is shown as missing.

mod chart;
mod confusion;
mod curves;
mod examples;
pub mod gather;
pub mod grid;
mod layers;
mod metrics;
mod page;
mod panel;
mod pose;
pub mod reproduce;
pub mod set;
mod svg;
mod text;
pub mod triple;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

/// Everything the page shows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The run's name: the page's title.
    pub name: String,
    /// The recipe as the run used it, printed verbatim.
    pub recipe_toml: String,
    /// The figures, in the order they are listed.
    pub metrics: Vec<Metric>,
    /// What the windows' channels are, three to a field.
    pub fields: Vec<FieldScale>,
    /// Samples per second, Hz; where it is not above zero, time axes count samples.
    pub rate_hz: f32,
    /// Windows to look at, each under several rotations.
    pub examples: Vec<Example>,
    /// Figures that only some kinds of run have, such as those on grids.
    pub panels: Vec<grid::Panel>,
    /// Class names, in the order of the matrices' rows and columns.
    pub classes: Vec<String>,
    /// Test windows the right way up: rows = true class, columns = predicted. Empty without classes.
    pub confusion_upright: Vec<Vec<u32>>,
    /// The same, each window turned by its own random rotation.
    pub confusion_rotated: Vec<Vec<u32>>,
    /// Angle between ψ(g·x) and g·ψ(x), degrees, one a test window. Not finite: no pose was found.
    pub pose_errors_deg: Vec<f32>,
    /// The package's operators in the order they run.
    pub layers: Vec<Layer>,
    /// What the package costs as a whole.
    pub totals: Totals,
    /// Losses over the epochs.
    pub curves: Vec<Curve>,
}

/// One figure of the run and what was asked of it.
#[derive(Clone, Debug, Default)]
pub struct Metric {
    /// Its name in `metrics.json`.
    pub name: String,
    /// Its value, in `unit`.
    pub value: f64,
    /// What it says, in words.
    pub meaning: String,
    /// Unit; empty for a plain number.
    pub unit: String,
    /// What it must be, as text (`≥ 0.83`); empty where nothing is asked.
    pub must: String,
    /// Whether it is; `None` where nothing is asked.
    pub met: Option<bool>,
}

/// Three channels of a window: one vector quantity.
#[derive(Clone, Debug, Default)]
pub struct FieldScale {
    /// What is measured (`acceleration`).
    pub name: String,
    /// Physical unit (`g`).
    pub unit: String,
    /// Units per count.
    pub per_count: f32,
}

/// One window of the test set under several rotations.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// Its true class; may be empty.
    pub class: String,
    /// One row of panels each.
    pub turned: Vec<Turned>,
}

/// One rotation of an example.
#[derive(Clone, Debug, Default)]
pub struct Turned {
    /// How far the window was turned, degrees.
    pub angle_deg: f32,
    /// `[samples, channels]` counts as the turned sensor would deliver them.
    pub before: Vec<i16>,
    /// The same window after canonicalization, counts.
    pub after: Vec<i16>,
    /// How well determined the pose is; 1 is usual.
    pub confidence: f32,
    /// What the classifier said, if there is one.
    pub predicted: Option<String>,
}

/// One operator of the package.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// The network it belongs to (`ψ`).
    pub network: String,
    /// What it computes.
    pub operator: String,
    /// Type and shape of its output (`i8 64×32`).
    pub output: String,
    /// Multiply-accumulates a window.
    pub macs: u64,
    /// Bytes of weights and tables in flash.
    pub flash_bytes: u64,
    /// Bytes of the arena in use while it runs.
    pub arena_bytes: u64,
}

/// What the package costs as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Multiply-accumulates a window.
    pub macs: u64,
    /// The package file, bytes.
    pub package_bytes: u64,
    /// The arena the plan asks for, bytes.
    pub arena_bytes: u64,
    /// What no plan could go below, bytes.
    pub arena_lower_bound_bytes: u64,
}

/// One loss over the epochs.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// Which loss of which model.
    pub name: String,
    /// (epoch, loss).
    pub points: Vec<(f32, f32)>,
}

/// The whole page.
///
/// The same report gives the same bytes.
pub fn html(report: &Report) -> String {
    let before = [metrics::section(report), examples::section(report)];
    let after = [
        confusion::section(report),
        pose::section(report),
        curves::section(report),
        layers::section(report),
        page::recipe(report),
    ];
    let sections = before.into_iter().flatten().chain(page::panels(&report.panels)).chain(after.into_iter().flatten());
    page::page(report, &sections.collect::<Vec<_>>())
}
