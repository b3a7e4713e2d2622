//! What a reproduction on windows of recordings looks like.

use crate::evaluate::Evaluation;
use crate::report::grid::{self, Codes, Panel};

/// The map of a method's integer codes of turned test windows.
pub fn codes(method: &str, evaluation: &Evaluation, classes: &[String]) -> Panel {
    grid::codes(&Codes {
        title: format!("Integer codes of turned test windows: {method}"),
        codes: evaluation.rotated.iter().map(|reading| reading.code.clone()).collect(),
        labels: evaluation.labels.clone(),
        classes: classes.to_vec(),
    })
}

/// The histogram of how well ψ keeps its law; None without ψ.
pub fn errors(evaluation: &Evaluation) -> Option<Panel> {
    let errors = &evaluation.pose_errors_deg;
    (!errors.is_empty()).then(|| grid::errors("How well the law is kept", errors))
}
