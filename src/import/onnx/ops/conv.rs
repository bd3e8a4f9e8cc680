//! Conv, with constant weights.

use super::window;
use crate::graph::{Conv, Epilogue, Op};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::source::{Done, Source, unsupported};
use crate::tensor::Tensor;

pub(super) fn conv(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(3)?;
    let (x, mut w) = (source.required(0)?, source.required(1)?);
    let weight = importer.constant_operand(w, "weight")?;
    let dims = weight.shape().dims();
    let (outputs, inputs, kernel) = match *dims {
        [o, i, ref kernel @ ..] if (1..=2).contains(&kernel.len()) => (o, i, kernel),
        [_, _, ref kernel @ ..] if kernel.len() > 2 => {
            return unsupported(format!("it has {} spatial axes; one and two are supported", kernel.len()));
        }
        _ => return source.broken(&format!("has a weight of the shape {}", weight.shape())),
    };
    let geometry = window::geometry(source, Some(kernel))?;
    let groups = source.size("group", 1)?;
    let bias = source.input(2);
    if let Some(bias) = bias {
        let b = importer.constant_operand(bias, "bias")?;
        if b.shape().dims() != [outputs] {
            return source.broken(&format!("has a bias of the shape {} for {outputs} output channels", b.shape()));
        }
    }
    if geometry.one_axis {
        let [kh, kw] = geometry.window.kernel;
        w = match Tensor::clone(&weight).reshaped([outputs, inputs, kh, kw]) {
            Some(t) => importer.new_constant(source, "weight", t)?,
            None => return source.broken("has a weight that does not fit its kernel"),
        };
    }
    let op = Op::Conv(Conv { window: geometry.window, groups, bias: bias.is_some(), pre_affine: false, epilogue: Epilogue::default() });
    let mut operands = vec![x, w];
    operands.extend(bias);
    window::emit(importer, source, op, &operands, geometry.one_axis)
}
