//! How large the terms are that a result is summed from: what rounding errors, and so tolerances, are proportional to.

use super::norm::standardize::{Rows, group_norm, layer_norm};
use super::{Array, image, output_shapes, run_node, sample, strided};
use crate::error::{Error, Result};
use crate::graph::{Binary, Epilogue, Op, Operands, PoolKind, Reduction, Unary};

/// What messages call the node.
const NAME: &str = "magnitude";

/// For every element of the first output, the sum of the absolute products it is made of.
///
/// Convolutions, locally connected and linear layers: the operation on `|x|`, `|w|`, `|bias|` without clamps, times `max(1, |slope|)`,
/// plus `|residual|`. Affine maps, averages, sums and resampling likewise. Functions that lose digits of their own near a zero
/// of the result (`tanh`, `log`, ...) have at least 1; everything else has the absolute result.
///
/// # Errors
/// As [`run_node`].
pub fn magnitude(op: &Op, inputs: &[&Array]) -> Result<Array> {
    // The operations run below are simpler than `op` and would not notice everything that is wrong with its operands.
    output_shapes(NAME, op, inputs)?;
    let absolute: Vec<_> = inputs.iter().map(|a| if a.dtype.is_float() { abs(a) } else { (*a).clone() }).collect();
    let absolute: Vec<_> = absolute.iter().collect();
    let run = |op: &Op, operands: &[&Array]| first(run_node(NAME, op, operands)?);
    match op {
        Op::Conv(conv) => {
            let mut plain = conv.clone();
            plain.epilogue = Epilogue::default();
            layer(&Op::Conv(plain), &absolute, &conv.operands(), &conv.epilogue)
        }
        Op::LocallyConnected(local) => {
            let mut plain = local.clone();
            plain.epilogue = Epilogue::default();
            layer(&Op::LocallyConnected(plain), &absolute, &local.operands(), &local.epilogue)
        }
        Op::Linear(linear) => {
            let mut plain = linear.clone();
            plain.epilogue = Epilogue::default();
            layer(&Op::Linear(plain), &absolute, &linear.operands(), &linear.epilogue)
        }
        Op::BatchNorm { .. } => {
            // |x - mean| <= |x| + |mean|, as the sum of two normalisations that share the divisor.
            let result = run(op, inputs)?;
            let mut x = absolute[0].clone();
            let centre = absolute[3].data.clone();
            let plane: usize = x.shape[2..].iter().product();
            let channels = centre.len();
            x.data.iter_mut().enumerate().for_each(|(i, v)| *v += centre[i / plane % channels]);
            let zero = Array { data: vec![0.0; channels], ..absolute[3].clone() };
            let sum = run(op, &[&x, absolute[1], absolute[2], &zero, inputs[4]])?;
            Ok(zip(&result, &sum, |r, s| r.abs().max(s)))
        }
        Op::Binary(Binary::Add | Binary::Sub) => run(&Op::Binary(Binary::Add), &absolute),
        Op::ConvTranspose(_) | Op::MatMul | Op::Affine | Op::GlobalPool(_) => run(op, &absolute),
        Op::Resize(resize) if inputs[0].dtype.is_float() => {
            let result = run(op, inputs)?;
            let data = image::resize::magnitude(resize, &[&[absolute[0]], &inputs[1..]].concat())?;
            Ok(abs(&Array { data, ..result }))
        }
        Op::GridSample(grid) => {
            let result = run(op, inputs)?;
            Ok(Array { data: sample::grid::magnitude(grid, absolute[0], inputs[1]), ..result })
        }
        Op::Pool(pool) if pool.kind != PoolKind::Max => run(op, &absolute),
        Op::Reduce { kind: kind @ (Reduction::LogSum | Reduction::LogSumExp), axes, keep_dims, none_if_empty } => {
            // An error of the sum is divided by the sum; one of the logarithm is absolute.
            let of = |kind| Op::Reduce { kind, axes: axes.clone(), keep_dims: *keep_dims, none_if_empty: *none_if_empty };
            let result = run(op, inputs)?;
            if *kind == Reduction::LogSumExp {
                let largest = run(&of(Reduction::Max), &absolute)?;
                return Ok(zip(&result, &largest, |r, l| r.abs().max(l).max(1.0)));
            }
            let (sum, terms) = (run(&of(Reduction::Sum), inputs)?, run(&of(Reduction::Sum), &absolute)?);
            let lost = zip(&terms, &sum, |t, s| t / s.abs());
            Ok(zip(&result, &lost, |r, l| r.abs().max(1.0).max(l)))
        }
        Op::Reduce { kind, axes, keep_dims, none_if_empty } => {
            let kind = if *kind == Reduction::Min { Reduction::Max } else { *kind };
            run(&Op::Reduce { kind, axes: axes.clone(), keep_dims: *keep_dims, none_if_empty: *none_if_empty }, &absolute)
        }
        Op::CumSum { .. } => run(op, &absolute),
        Op::GroupNorm { groups, epsilon } => {
            let rows = Rows { epsilon: *epsilon, rms: false, absolute: true };
            Ok(Array { data: group_norm(rows, *groups, inputs), ..inputs[0].clone() })
        }
        Op::LayerNorm { axis, epsilon, rms } => {
            let rows = Rows { epsilon: *epsilon, rms: *rms, absolute: true };
            Ok(Array { data: layer_norm(rows, *axis, inputs), ..inputs[0].clone() })
        }
        // x - max is rounded, and the logarithm of the sum has an absolute error.
        Op::LogSoftmax { .. } => {
            let result = run(op, inputs)?;
            Ok(zip(&result, inputs[0], |r, x| r.abs().max(x.abs()).max(1.0)))
        }
        Op::Unary(unary) => {
            let result = run(op, inputs)?;
            Ok(zip(&result, inputs[0], |r, x| r.abs().max(unary_scale(*unary, x))))
        }
        _ => run(op, inputs).map(|a| abs(&a)),
    }
}

fn layer(plain: &Op, absolute: &[&Array], at: &Operands, epilogue: &Epilogue) -> Result<Array> {
    let kept = absolute.len() - usize::from(epilogue.slope) - usize::from(epilogue.residual);
    let operands = absolute.get(..kept).unwrap_or(absolute);
    let mut sum = first(run_node(NAME, plain, operands)?)?;
    let operand = |p: Option<usize>| p.and_then(|p| absolute.get(p));
    if let Some(slope) = operand(at.slope) {
        let dims: Vec<_> = sum.shape.iter().enumerate().map(|(i, &d)| if i == 1 { d } else { 1 }).collect();
        let slope = strided::broadcast(&slope.data, &dims, &sum.shape);
        sum.data.iter_mut().zip(slope).for_each(|(v, s)| *v *= s.max(1.0));
    }
    if let Some(residual) = operand(at.residual) {
        sum.data.iter_mut().zip(&residual.data).for_each(|(v, r)| *v += r);
    }
    Ok(sum)
}

/// What the rounding errors of a function are proportional to besides its result.
fn unary_scale(unary: Unary, x: f64) -> f64 {
    match unary {
        Unary::HardSigmoid { alpha, beta } => (f64::from(alpha) * x).abs() + f64::from(beta).abs(),
        Unary::HardSwish => x.abs(),
        Unary::Elu { alpha } if x < 0.0 => f64::from(alpha).abs(),
        Unary::Tanh | Unary::Log | Unary::Softplus => 1.0,
        _ => 0.0,
    }
}

fn abs(a: &Array) -> Array {
    Array { data: a.data.iter().map(|v| v.abs()).collect(), ..a.clone() }
}

fn zip(a: &Array, b: &Array, f: impl Fn(f64, f64) -> f64) -> Array {
    Array { data: a.data.iter().zip(&b.data).map(|(&a, &b)| f(a, b)).collect(), ..a.clone() }
}

fn first(arrays: Vec<Array>) -> Result<Array> {
    let none = || Error::Caller("The operation has no output. Give it operands.".to_owned());
    arrays.into_iter().next().ok_or_else(none)
}
