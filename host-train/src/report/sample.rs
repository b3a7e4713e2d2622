//! A made-up run, for the tests: seven exercises, three windows under five rotations each.

use super::*;

/// A small generator with a fixed seed: the page must not depend on a crate that may change.
struct Noise(u64);

impl Noise {
    /// Uniform in −1 … 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// A bell of four uniforms.
    fn bell(&mut self) -> f64 {
        (0..4).map(|_| self.next()).sum::<f64>() / 1.15
    }
}

/// Rotation matrix and angle of a random unit quaternion.
fn rotation(noise: &mut Noise) -> ([[f64; 3]; 3], f64) {
    let q = [noise.bell(), noise.bell(), noise.bell(), noise.bell()];
    let size = q.map(|v| v * v).iter().sum::<f64>().sqrt();
    let [w, x, y, z] = q.map(|v| v / size);
    let matrix = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ];
    (matrix, 2.0 * w.abs().min(1.0).acos().to_degrees())
}

/// `[128, 6]` counts of a repeated movement, turned.
fn window(kind: usize, turn: [[f64; 3]; 3], noise: &mut Noise) -> Vec<i16> {
    let at = |t: usize| {
        let phase = std::f64::consts::TAU * t as f64 / (36.0 + 9.0 * kind as f64);
        let bump = (phase.sin() + 0.4 * (2.0 * phase + kind as f64).sin()) * 0.9;
        let acceleration = [0.9 + 0.2 * bump, 0.5 * bump, 0.35 * (phase + 0.8).cos()];
        let rate = [0.4 * phase.cos(), 2.6 * phase.cos() + 0.5 * (3.0 * phase).sin(), 1.1 * bump];
        [(acceleration, 2048.0), (rate, 512.0)]
    };
    let mut counts = Vec::new();
    for (vector, scale) in (0..128).flat_map(at) {
        for row in turn {
            let turned: f64 = row.iter().zip(vector).map(|(r, v)| r * v).sum();
            counts.push((scale * turned + 6.0 * noise.bell()).round() as i16);
        }
    }
    counts
}

fn example(kind: usize, class: &str, noise: &mut Noise) -> Example {
    let canonical = rotation(noise).0;
    let turned = (0..5)
        .map(|row| {
            let (turn, angle) = rotation(noise);
            Turned {
                angle_deg: angle as f32,
                before: window(kind, turn, noise),
                after: window(kind, canonical, noise),
                confidence: (1.0 + 0.2 * noise.next()) as f32,
                predicted: Some(if kind == 3 && row == 2 { "TRAP" } else { class }.to_owned()),
            }
        })
        .collect();
    Example { class: class.to_owned(), turned }
}

fn confusion(noise: &mut Noise) -> Vec<Vec<u32>> {
    let cell = |row: usize, column: usize, noise: &mut Noise| match (row, column) {
        (r, c) if r == c => (70.0 + 25.0 * noise.next()) as u32,
        (3, 5) | (4, 3) => 24,
        _ => (4.0 * noise.next()).max(0.0) as u32,
    };
    (0..7).map(|row| (0..7).map(|column| cell(row, column, noise)).collect()).collect()
}

fn metric(name: &str, value: f64, unit: &str, must: &str, met: Option<bool>, meaning: &str) -> Metric {
    let [name, unit, must, meaning] = [name, unit, must, meaning].map(str::to_owned);
    Metric { name, value, meaning, unit, must, met }
}

fn layer(network: &str, operator: &str, output: &str, [macs, flash_bytes, arena_bytes]: [u64; 3]) -> Layer {
    let [network, operator, output] = [network, operator, output].map(str::to_owned);
    Layer { network, operator, output, macs, flash_bytes, arena_bytes }
}

fn curve(name: &str, from: f64, to: f64, noise: &mut Noise) -> Curve {
    let loss = |e: usize| (to + (from - to) * (-(e as f64) / 5.0).exp()) * (1.0 + 0.03 * noise.next());
    Curve {
        name: name.to_owned(),
        points: (1..=40).map(|e| e as f32).zip((1..=40).map(loss).map(|l| l as f32)).collect(),
    }
}

/// The made-up run.
pub fn report() -> Report {
    let noise = &mut Noise(7);
    let classes = ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"];
    Report {
        name: "demo".to_owned(),
        recipe_toml: "name = \"demo\"\nseed = 1\n\n[train]\nepochs = 40\nbatch = 64\n".to_owned(),
        metrics: vec![
            metric(
                "accuracy_rotated_int8",
                0.8713,
                "",
                "≥ 0.83",
                Some(true),
                "test accuracy through core, each window under its own random rotation",
            ),
            metric(
                "accuracy_upright_int8",
                0.8721,
                "",
                "within 0.005 of accuracy_rotated_int8",
                Some(true),
                "the same, windows as recorded",
            ),
            metric(
                "pose_error_deg_median",
                0.0812,
                "°",
                "≤ 0.5",
                Some(true),
                "angle between ψ(g·x) and g·ψ(x), integer path, median",
            ),
            metric(
                "reconstruction_mse",
                0.0231,
                "",
                "≤ 0.6 × reconstruction_mse_classical",
                Some(true),
                "mean squared error of the reconstruction, rotated test windows, (g)² and (rad/s ÷ 3)² alike",
            ),
            metric(
                "reconstruction_mse_classical",
                0.0447,
                "",
                "",
                None,
                "the same of the same autoencoder without the group",
            ),
            metric(
                "knn_accuracy_unsupervised",
                0.684,
                "",
                "≥ 0.7",
                Some(false),
                "5-NN on the integer code of the model that saw no labels, rotated windows",
            ),
            metric("package_bytes", 41312.0, "B", "≤ 65536", Some(true), "the whole package"),
            metric("training_seconds", 141.3, "s", "", None, "wall time of all training in this command"),
        ],
        fields: vec![
            FieldScale { name: "acceleration".into(), unit: "g".into(), per_count: 1.0 / 2048.0 },
            FieldScale { name: "angular rate".into(), unit: "rad/s".into(), per_count: 1.0 / 512.0 },
        ],
        rate_hz: 50.0,
        examples: vec![example(6, "ROW", noise), example(1, "ABD", noise), example(3, "IR", noise)],
        panels: vec![],
        classes: classes.map(str::to_owned).to_vec(),
        confusion_upright: confusion(noise),
        confusion_rotated: confusion(noise),
        pose_errors_deg: (0..640).map(|_| 10f64.powf(-1.1 + 0.5 * noise.bell()) as f32).collect(),
        layers: vec![
            layer("ψ", "vector conv 2→8, width 5, stride 2", "i16 3×8×64", [15360, 208, 4608]),
            layer("ψ", "norm gate", "i16 3×8×64", [4096, 96, 6656]),
            layer("ψ", "vector conv 8→16, width 5, stride 2", "i16 3×16×32", [61440, 768, 6144]),
            layer("ψ", "norm gate", "i16 3×16×32", [8192, 320, 6656]),
            layer("ψ", "mean over time", "i16 3×16", [0, 0, 3168]),
            layer("ψ", "vector dense 16→2", "i16 3×2", [96, 48, 108]),
            layer("η", "conv 6→32, width 5, stride 2", "i8 32×64", [61440, 1216, 2816]),
            layer("η", "conv 32→64, width 5, stride 2", "i8 64×32", [327680, 10752, 4096]),
            layer("η", "conv 64→64, width 5, stride 2", "i8 64×16", [327680, 20992, 3072]),
            layer("η", "mean over time", "i8 64", [0, 0, 1088]),
            layer("η", "dense 64→32", "i8 32", [2048, 2304, 96]),
            layer("classifier", "dense 32→7", "i8 7", [224, 280, 39]),
        ],
        totals: Totals { macs: 808256, package_bytes: 41312, arena_bytes: 9728, arena_lower_bound_bytes: 9216 },
        curves: vec![
            curve("total", 2.6, 0.21, noise),
            curve("reconstruction", 0.4, 0.023, noise),
            curve("cross-entropy", 1.9, 0.19, noise),
            curve("reconstruction, classical", 0.5, 0.045, noise),
        ],
    }
}
