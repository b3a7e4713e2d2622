//! How the outputs of a window meet their input, counted along one axis and put together for both.

use gimbal_core::format::Tensor;
use gimbal_core::kernel::Window;

/// Counts over all outputs of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Down and across.
    axes: [Axis; 2],
}

/// Counts over all outputs along one axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Axis {
    /// Taps of one output.
    size: f64,
    outputs: f64,
    /// Outputs that see no padding.
    inside: f64,
    /// Taps of all outputs that see an input.
    seen: f64,
    /// Those among them that see it round the end.
    around: f64,
}

/// What the outputs do that see no padding, and apart from them those that do: how many they are, and sums
/// over their taps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// Outputs.
    pub points: f64,
    /// Rows of taps that see a row of the input.
    pub lines: f64,
    /// Taps that see an input.
    pub taps: f64,
    /// Taps that see padding.
    pub padding: f64,
    /// Taps and rows of taps that see an input round the end.
    pub around: f64,
}

impl Reach {
    /// Of a window from `x` to `y`.
    pub fn of(window: &Window, x: &Tensor, y: &Tensor) -> Self {
        Self { axes: [0, 1].map(|axis| Axis::of(window, axis, x.shape[axis], y.shape[axis])) }
    }

    /// Taps of one output, down and across.
    pub fn size(&self) -> [f64; 2] {
        self.axes.map(|axis| axis.size)
    }

    /// The outputs that see no padding.
    pub fn inside(&self) -> Part {
        let [down, across] = self.axes;
        let points = down.inside * across.inside;
        Part { points, lines: points * down.size, taps: points * down.size * across.size, padding: 0.0, around: 0.0 }
    }

    /// All outputs.
    pub fn all(&self) -> Part {
        let [down, across] = self.axes;
        let (points, taps) = (down.outputs * across.outputs, down.seen * across.seen);
        Part {
            points,
            lines: down.seen * across.outputs,
            taps,
            padding: points * down.size * across.size - taps,
            around: down.around * across.outputs + down.seen * across.around,
        }
    }

    /// Rows of taps that see a row of the input, of outputs that see no padding across; and the taps of others.
    pub fn lines_and_taps(&self) -> [f64; 2] {
        let [down, across] = self.axes;
        [down.seen * across.inside, down.seen * (across.seen - across.inside * across.size)]
    }
}

impl Part {
    /// What is in this part and not in the other.
    pub fn without(&self, other: &Self) -> Self {
        Self {
            points: self.points - other.points,
            lines: self.lines - other.lines,
            taps: self.taps - other.taps,
            padding: self.padding - other.padding,
            around: self.around - other.around,
        }
    }
}

impl Axis {
    fn of(window: &Window, axis: usize, inputs: u16, outputs: u16) -> Self {
        let [size, stride, dilation, padding] =
            [window.size, window.stride, window.dilation, window.padding].map(|pair| i64::from(pair[axis]));
        let (inputs, circular) = (i64::from(inputs), window.circular & (1 << axis) != 0);
        let mut sum = Self { size: size as f64, outputs: outputs.into(), ..Self::default() };
        for at in 0..i64::from(outputs) {
            // Taps stand at `first + tap · dilation`.
            let first = at * stride - padding;
            let before = if first < 0 { (-first + dilation - 1) / dilation } else { 0 };
            let until = if first < inputs { (inputs - 1 - first) / dilation + 1 } else { 0 };
            let direct = (until.min(size) - before.min(size)).max(0);
            let around = if circular { size - direct } else { 0 };
            sum.inside += f64::from(u8::from(direct == size));
            sum.seen += (direct + around) as f64;
            sum.around += around as f64;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimbal_core::format::Dtype;

    fn tensor(height: u16, width: u16) -> Tensor {
        Tensor {
            offset: 0,
            bytes: 0,
            scale: 1.0,
            shape: [height, width, 1],
            zero_point: 0,
            first: 0,
            last: 0,
            dtype: Dtype::I8,
            least: 0,
        }
    }

    #[test]
    fn an_image_has_an_edge() {
        let window = Window { size: [3, 3], padding: [1, 1], ..Window::POINT };
        let reach = Reach::of(&window, &tensor(4, 5), &tensor(4, 5));
        let inside = Part { points: 6.0, lines: 18.0, taps: 54.0, padding: 0.0, around: 0.0 };
        assert_eq!(reach.inside(), inside);
        // Ten rows of taps see a row, and 13 taps across a column: 180 taps less 130.
        let all = Part { points: 20.0, lines: 50.0, taps: 130.0, padding: 50.0, around: 0.0 };
        assert_eq!(reach.all(), all);
        assert_eq!(all.without(&inside).points, 14.0);
        assert_eq!(reach.lines_and_taps(), [30.0, 40.0]);
    }

    #[test]
    fn a_circle_has_none() {
        let window = Window { circular: 2, ..Window::across(3, 2, 2, 2) };
        let all = Reach::of(&window, &tensor(1, 5), &tensor(1, 3)).all();
        // Taps at −2, 0, 2, then 0, 2, 4, then 2, 4, 6.
        assert_eq!(all, Part { points: 3.0, lines: 3.0, taps: 9.0, padding: 0.0, around: 2.0 });
    }
}
