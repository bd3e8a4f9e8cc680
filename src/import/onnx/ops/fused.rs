//! FusedConv, which ONNX Runtime's optimiser writes: a convolution, an addition and an activation.

use crate::graph::{Binary, Op, Unary};
use crate::import::onnx::convert::Importer;
use crate::import::onnx::ops::reuse::Reuse;
use crate::import::onnx::source::{Done, Source, unsupported};

pub(super) fn conv(importer: &mut Importer<'_>, source: &Source<'_>) -> Done {
    source.at_most(4)?;
    let activation = activation(source)?;
    let reuse = Reuse::new("Conv", source).drop("activation").drop("activation_params");
    let mut y = reuse.import(importer, &[source.input(0), source.input(1), source.input(2)])?;
    if let Some(z) = source.input(3) {
        y = importer.step(source, "sum", Op::Binary(Binary::Add), &[y, z])?;
    }
    match activation {
        Some(function) => importer.emit(source, Op::Unary(function), &[y]).map(drop),
        None => importer.emit(source, Op::Identity, &[y]).map(drop),
    }
}

fn activation(source: &Source<'_>) -> Done<Option<Unary>> {
    let name = source.text("activation", "")?;
    let numbers = source.floats("activation_params")?.unwrap_or_default();
    Ok(Some(match (name, numbers) {
        ("", []) => return Ok(None),
        ("Relu", []) => Unary::Relu,
        ("Sigmoid", []) => Unary::Sigmoid,
        ("Tanh", []) => Unary::Tanh,
        ("LeakyRelu", &[alpha]) => Unary::LeakyRelu { alpha },
        ("HardSigmoid", &[alpha, beta]) => Unary::HardSigmoid { alpha, beta },
        ("Clip", &[lo, hi]) => Unary::Clip { lo: Some(lo), hi: Some(hi) },
        _ => return unsupported(format!("its activation is {name} with {} parameters", numbers.len())),
    }))
}
