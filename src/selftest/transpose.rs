//! Cases of transposed convolution: strides and dilations with and without common divisors, groups, every kind of padding.

use super::{Case, Input};
use crate::graph::{AutoPad, ConvTranspose, Op, Window};
use crate::recording::{Caps, Force};

/// Input `[n, c, h, w]`, output channels, and the rest.
struct Layer {
    x: [usize; 4],
    o: usize,
    window: Window,
    groups: usize,
    output_padding: [usize; 2],
    output_shape: Option<[usize; 2]>,
}

fn layer(x: [usize; 4], o: usize, kernel: usize, stride: usize, pad: usize) -> Layer {
    Layer { x, o, window: Window::square(kernel, stride, pad), groups: 1, output_padding: [0; 2], output_shape: None }
}

fn layers() -> Vec<Layer> {
    let window = |kernel, stride, dilation, pads| Window { kernel, stride, dilation, pads, auto: AutoPad::Explicit };
    let auto = |auto, kernel, stride| Window { auto, ..Window::square(kernel, stride, 0) };
    vec![
        layer([1, 6, 5, 7], 5, 2, 2, 0),
        layer([3, 16, 4, 3], 33, 4, 2, 1),
        layer([2, 17, 6, 5], 4, 3, 1, 1),
        Layer { output_padding: [1, 0], ..layer([1, 5, 4, 6], 9, 3, 2, 1) },
        Layer { window: window([3, 2], [2, 3], [2, 1], [1, 0, 2, 1]), ..layer([2, 7, 5, 4], 6, 1, 1, 0) },
        Layer { window: window([4, 3], [4, 6], [2, 4], [0, 2, 1, 0]), ..layer([1, 20, 3, 4], 8, 1, 1, 0) },
        Layer { window: window([1, 5], [1, 2], [1, 1], [0, 2, 0, 1]), ..layer([1, 4, 1, 9], 3, 1, 1, 0) },
        Layer { window: auto(AutoPad::SameUpper, 3, 2), ..layer([1, 8, 4, 5], 4, 1, 1, 0) },
        Layer { window: auto(AutoPad::SameLower, 4, 3), ..layer([2, 8, 4, 5], 4, 1, 1, 0) },
        Layer { window: auto(AutoPad::Valid, 2, 3), output_shape: Some([9, 13]), ..layer([1, 8, 3, 5], 4, 1, 1, 0) },
    ]
}

fn case(l: &Layer, input: Input, bias: bool) -> Case {
    let [kh, kw] = l.window.kernel;
    let mut operands = vec![(input.tensor(&l.x, 1), true), (Input::Noise.tensor(&[l.x[1], l.o / l.groups, kh, kw], 2), false)];
    operands.extend(bias.then(|| (Input::Noise.tensor(&[l.o], 3), false)));
    let conv =
        ConvTranspose { window: l.window.clone(), groups: l.groups, bias, output_padding: l.output_padding, output_shape: l.output_shape };
    let Window { stride, dilation, pads, auto, .. } = &l.window;
    let name = format!(
        "{:?} -> {} k{kh}x{kw} s{stride:?} d{dilation:?} p{pads:?} {auto:?} g{} +{:?} {:?} {}",
        l.x,
        l.o,
        l.groups,
        l.output_padding,
        l.output_shape,
        input.label()
    );
    Case::new(name, Op::ConvTranspose(conv), operands, l.x[1] / l.groups * kh * kw + 1)
}

/// Every layer by both ways, groups by the only one they have, and every kind of input.
pub(crate) fn transpose(_caps: &Caps) -> Vec<Case> {
    let grouped = [
        Layer { groups: 2, ..layer([1, 6, 5, 4], 10, 3, 2, 1) },
        Layer { groups: 5, ..layer([2, 5, 4, 4], 5, 4, 2, 1) },
        Layer { groups: 3, ..layer([1, 9, 3, 5], 6, 2, 2, 0) },
        Layer { groups: 4, ..layer([1, 32, 3, 3], 32, 3, 2, 0) },
    ];
    let mut out: Vec<Case> = grouped.iter().map(|l| case(l, Input::Noise, true)).collect();
    for form in ["columns", "direct"] {
        let layers = layers();
        let noise = layers.iter().enumerate().map(|(i, l)| case(l, Input::Noise, !i.is_multiple_of(3)));
        let kinds = Input::ALL.iter().zip(&layers).map(|(&input, l)| case(l, input, false));
        let force = Force { form: Some(form), ..Force::default() };
        out.extend(noise.chain(kinds).map(|c| Case { force: force.clone(), ..c }));
    }
    out
}
