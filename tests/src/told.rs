//! Packages whose ψ tells a pose and moves nothing, one for each chart of core's: small networks of an image, with random
//! weights, whose η goes on from features of ψ.

use crate::bench::package::shift;
use crate::builder::{Builder, clamped};
use gimbal_core::format::{Chart, Dtype, FieldKind, NONE, PoseHead, Role};
use gimbal_core::kernel::{L2Norm, Operands, Operator, QuantizeFeatures, Rearrange, Window};
use gimbal_train::package::{Contract, ContractField, Parts};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pixels a side of an image.
pub const SIDE: u16 = 8;
/// Channels of a pixel.
pub const COLOURS: u16 = 3;

/// What a package tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Its chart.
    pub chart: Chart,
    /// Numbers of a member.
    pub numbers: u16,
    /// Poses that it tells.
    pub members: u16,
    /// Of its last layer: 8 or 16 bits.
    pub dtype: Dtype,
}

/// Every chart, sets of poses, and both types of numbers.
pub const TOLD: [Told; 10] = [
    told(Chart::Numbers, 3, 1, Dtype::I16),
    told(Chart::Numbers, 9, 2, Dtype::I8),
    told(Chart::Angles, 6, 1, Dtype::I16),
    told(Chart::Angles, 18, 1, Dtype::I16),
    told(Chart::Place, 4, 1, Dtype::I16),
    told(Chart::Motion, 4, 1, Dtype::I8),
    told(Chart::Exponential, 3, 1, Dtype::I16),
    told(Chart::Quaternion, 4, 1, Dtype::I16),
    told(Chart::Columns, 6, 1, Dtype::I16),
    told(Chart::Columns, 6, 4, Dtype::I16),
];

const fn told(chart: Chart, numbers: u16, members: u16, dtype: Dtype) -> Told {
    Told { chart, numbers, members, dtype }
}

impl Told {
    /// A package; the same seed gives the same bytes.
    ///
    /// # Panics
    /// Where core refuses it.
    #[must_use]
    pub fn package(self, seed: u64) -> Vec<u8> {
        self.parts(seed).encode().expect("the parts fit together")
    }

    /// What it is made of.
    ///
    /// ψ: quantize_features, rearrange to pixels, conv, dense, dense to the numbers. η: dense to a code of 8, l2_norm.
    #[must_use]
    pub fn parts(self, seed: u64) -> Parts {
        let mut b = Builder::new(seed, contract());
        let (i8, half) = (Dtype::I8, SIDE / 2);
        let line = b.tensor(i8, [1, SIDE, SIDE * COLOURS]);
        let image = b.tensor(i8, [SIDE, SIDE, COLOURS]);
        let map = b.tensor(i8, [half, half, 8]);
        let trunk = b.tensor(i8, [1, 1, 16]);
        // Both zero points of odd value, so that one that is left out is seen.
        let row = b.tensor_at(self.dtype, [1, 1, self.members * self.numbers], 5);
        let vectors = b.tensor_at(self.dtype, [1, self.members, self.numbers], 5);
        let requantize = clamped(37, 0, (-128, 127));
        let operands = Operands::new(NONE, line);
        b.parts.push(Operator::QuantizeFeatures(QuantizeFeatures { operands, requantize, multipliers: [1 << 30; 4] }));
        b.parts.push(Operator::Rearrange(Rearrange::reshape(Operands::new(line, image), [1, SIDE, SIDE * COLOURS])));
        let three = Window { size: [3, 3], stride: [2, 2], padding: [1, 1], ..Window::POINT };
        let positive = (0, 127);
        b.conv(image, map, three, -200..=200, clamped(shift(&three, COLOURS), 0, positive));
        let all = Window { size: [half, half], ..Window::POINT };
        b.conv(map, trunk, all, -200..=200, clamped(shift(&all, 8), 0, positive));
        let point = Window::POINT;
        let ((low, high), up) = if self.dtype == i8 { ((-128, 127), 3) } else { ((-32767, 32767), 7) };
        b.conv(trunk, row, point, -200..=200, clamped((shift(&point, 16) - up).max(33), 5, (low, high)));
        b.parts.push(Operator::Rearrange(Rearrange::reshape(
            Operands::new(row, vectors),
            [1, 1, self.members * self.numbers],
        )));
        b.parts.network(Role::Psi, vectors);
        b.parts.pose(PoseHead { reference: 3000.0, minimum: 1.0, chart: self.chart, vectors });
        let canonical = b.tensor(Dtype::I16, [1, SIDE, SIDE * COLOURS]);
        b.parts.canonical(canonical);
        let raw = b.tensor(i8, [1, 1, 8]);
        let code = b.parts.tensor(i8, [1, 1, 8], 1.0 / 128.0, 0);
        b.conv(trunk, raw, point, -200..=200, clamped(shift(&point, 16), 0, (-128, 127)));
        b.parts.push(Operator::L2Norm(L2Norm { operands: Operands::new(raw, code) }));
        b.parts.network(Role::Eta, code);
        b.parts
    }
}

/// Windows for them: images of noise, `[SIDE, SIDE, COLOURS]`, of counts from 0 to 255.
#[must_use]
pub fn told_windows(seed: u64, count: usize) -> Vec<Vec<i16>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut window = |_| (0..SIDE * SIDE * COLOURS).map(|_| rng.random_range(0..=255)).collect();
    (0..count).map(&mut window).collect()
}

fn contract() -> Contract {
    let width = (SIDE * COLOURS).into();
    let field =
        ContractField { name: "light".into(), unit: "1".into(), per_count: 1.0 / 255.0, kind: FieldKind::Row, width };
    Contract {
        name: "told".into(),
        rate_hz: 1.0,
        samples: SIDE.into(),
        hop: SIDE.into(),
        fields: vec![field],
        classes: vec![],
    }
}
