//! The layers that are measured: shapes of the networks people run (IResNet, MobileFaceNet, VGGFace, DeepFace, MTCNN, YuNet).

use crate::graph::{Conv, Epilogue, Linear, LocallyConnected, Op, Pool, PoolKind, Unary, Window};
use crate::recording::{ConvAlgorithm, Force};
use crate::selftest::{Case, Input};

struct Layer {
    channels: usize,
    size: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
}

const fn layer(channels: usize, size: usize, outputs: usize, kernel: usize, stride: usize) -> Layer {
    Layer { channels, size, outputs, kernel, stride, groups: 1 }
}

fn conv(l: &Layer, algorithm: Option<ConvAlgorithm>) -> Case {
    let window = Window::square(l.kernel, l.stride, l.kernel / 2);
    let operands = vec![
        (Input::Noise.tensor(&[1, l.channels, l.size, l.size], 1), true),
        (Input::Noise.tensor(&[l.outputs, l.channels / l.groups, l.kernel, l.kernel], 2), false),
        (Input::Noise.tensor(&[l.outputs], 3), false),
        (Input::Noise.tensor(&[l.outputs], 4), false),
    ];
    let epilogue = Epilogue { slope: true, ..Epilogue::default() };
    let stride = if l.stride == 1 { String::new() } else { format!(" s{}", l.stride) };
    let kind = if l.groups > 1 { "depthwise" } else { "conv" };
    let suffix = match algorithm {
        Some(ConvAlgorithm::Naive) => " (naive)",
        Some(ConvAlgorithm::Gemm) => " (direct)",
        Some(ConvAlgorithm::Winograd(2)) => " (winograd f2)",
        Some(ConvAlgorithm::Winograd(_)) => " (winograd f4)",
        _ => "",
    };
    let name = format!("{kind} {0}x{0} {1}->{2}{stride} @{3}{suffix}", l.kernel, l.channels, l.outputs, l.size / l.stride);
    let op = Op::Conv(Conv { window, groups: l.groups, bias: true, pre_affine: false, epilogue });
    Case { force: Force { conv: algorithm, ..Force::default() }, ..Case::new(name, op, operands, 1) }
}

fn linear(k: usize, o: usize, n: usize) -> Case {
    let operands = vec![(Input::Noise.tensor(&[n, k], 1), true), (Input::Noise.tensor(&[o, k], 2), false)];
    let op = Op::Linear(Linear { bias: false, flatten_order: Vec::new(), epilogue: Epilogue::default() });
    Case::new(format!("linear {k}->{o} batch {n}"), op, operands, 1)
}

/// A locally connected layer of 16 channels on both sides.
fn local(channels: usize, size: usize, kernel: usize, stride: usize) -> Case {
    let side = (size - kernel) / stride + 1;
    let op = LocallyConnected { window: Window::square(kernel, stride, 0), tile: [1, 1], bias: true, epilogue: Epilogue::default() };
    let operands = vec![
        (Input::Noise.tensor(&[1, channels, size, size], 1), true),
        (Input::Noise.tensor(&[side, side, channels, channels, kernel, kernel], 2), false),
        (Input::Noise.tensor(&[side, side, channels], 3), false),
    ];
    let stride = if stride == 1 { String::new() } else { format!(" s{stride}") };
    let name = format!("locally connected {kernel}x{kernel} {channels}->{channels}{stride} @{side}");
    Case::new(name, Op::LocallyConnected(op), operands, 1)
}

/// Layers whose weights many devices cannot bind as a whole.
pub(super) fn large() -> Vec<Case> {
    vec![local(16, 63, 9, 1), linear(25_088, 4096, 1)]
}

/// Every measured layer.
pub(super) fn all() -> Vec<Case> {
    let mut out = Vec::new();
    for l in [layer(64, 56, 64, 3, 1), layer(128, 28, 128, 3, 1), layer(256, 14, 256, 3, 1), layer(512, 7, 512, 3, 1)] {
        out.push(conv(&l, None));
        out.push(conv(&l, Some(ConvAlgorithm::Gemm)));
        if l.size == 56 {
            out.push(conv(&l, Some(ConvAlgorithm::Naive)));
        }
    }
    for l in [
        layer(3, 112, 64, 3, 1),
        layer(64, 112, 64, 3, 2),
        layer(128, 14, 256, 1, 1),
        layer(256, 14, 128, 1, 1),
        layer(64, 56, 128, 1, 2),
        // The first layer and a head of detectors.
        layer(3, 240, 10, 3, 1),
        layer(64, 80, 4, 1, 1),
    ] {
        out.push(conv(&l, None));
    }
    for (channels, size, kernel, stride) in [(128, 28, 3, 1), (256, 14, 3, 1), (128, 56, 3, 2)] {
        out.push(conv(&Layer { groups: channels, ..layer(channels, size, channels, kernel, stride) }, None));
    }
    out.push(linear(25_088, 512, 1));
    out.push(linear(25_088, 512, 8));
    out.push(local(16, 55, 7, 2));
    let map = |c: usize, s: usize| vec![(Input::Noise.tensor(&[1, c, s, s], 1), true)];
    let pool = Pool { kind: PoolKind::Max, window: Window::square(3, 2, 1), ceil: false, count_include_pad: false };
    out.push(Case::new("max pool 3x3 s2 64 @56", Op::Pool(pool), map(64, 112), 1));
    out.push(Case::new("global average pool 512 @7", Op::GlobalPool(PoolKind::Average), map(512, 7), 1));
    out.push(Case::new("sigmoid 64 @56", Op::Unary(Unary::Sigmoid), map(64, 56), 1));
    out.push(Case::new("lrn 64 @56", Op::Lrn { size: 5, alpha: 1e-4, beta: 0.75, bias: 1.0 }, map(64, 56), 1));
    out
}
