//! Heads by the plain f64 reference, on the CPU.

use super::ground::tensor;
use super::inputs::{Inputs, Rows};
use super::{ClassLoss, Head, Mining, PairLoss, Step, TripletLoss};
use crate::error::Result;
use crate::reference::margin::{classes, pairs, regular, triplets};
use crate::tensor::Tensor;

fn wide(data: &[f32]) -> Vec<f64> {
    data.iter().map(|&v| f64::from(v)).collect()
}

/// A result of the shape of an input.
fn like(rows: &Rows<'_>, data: &[f64]) -> Result<Tensor> {
    narrow(&[rows.rows, rows.columns], data)
}

fn narrow(shape: &[usize], data: &[f64]) -> Result<Tensor> {
    tensor(shape, data.iter().map(|&v| v as f32).collect())
}

impl Head {
    /// What [`Head::run`] computes, by slow f64 arithmetic on the CPU: to check a device, or a formula. It needs no device; gradients and
    /// logits are always computed, and rounded to f32 at the end.
    ///
    /// # Errors
    /// An input that is missing, unknown, or does not fit.
    pub fn reference(&self, inputs: &[(&str, &Tensor)]) -> Result<Step> {
        let inputs = Inputs::new(self, inputs)?;
        match *self {
            Self::Classes { loss, label_smoothing, bias } => of_classes(&loss, label_smoothing, bias, &inputs),
            Self::Pairs(loss) => of_pairs(&loss, &inputs),
            Self::Distill(kind) => {
                let x = inputs.rows("x")?;
                let teacher = inputs.rows_like("teacher", ("x", &x), true)?;
                let (loss, dx) = pairs::distill(kind, &wide(&x.data), &wide(&teacher.data), x.columns);
                Ok(Step { loss, gradients: vec![("x", like(&x, &dx)?)], ..Step::default() })
            }
            Self::Center { alpha, mean } => {
                let x = inputs.rows("x")?;
                let centers = inputs.rows_like("centers", ("x", &x), false)?;
                let labels = inputs.labels("y", x.rows, Some(centers.rows))?;
                let r = pairs::center(&wide(&x.data), &wide(&centers.data), &labels, x.columns, mean, alpha);
                let results = vec![("delta_centers", like(&centers, &r.delta)?), ("new_centers", like(&centers, &r.centers)?)];
                Ok(Step { loss: r.loss, gradients: vec![("x", like(&x, &r.dx)?)], results, ..Step::default() })
            }
            Self::Regular => {
                let w = inputs.rows("w")?;
                let (loss, dw, nearest) = regular::run(&wide(&w.data), w.columns);
                let results = vec![("nearest", Tensor::indices(nearest))];
                Ok(Step { loss, gradients: vec![("w", like(&w, &dw)?)], results, ..Step::default() })
            }
            Self::Triplets { loss, normalize, nonzero } => of_triplets(loss, normalize, nonzero, &inputs),
            Self::Mined { mining, loss, normalize } => of_mined(mining, loss, normalize, &inputs),
        }
    }
}

fn of_classes(loss: &ClassLoss, smoothing: f64, bias: bool, inputs: &Inputs<'_>) -> Result<Step> {
    let x = inputs.rows("x")?;
    let w = inputs.rows_like("w", ("x", &x), false)?;
    let labels = inputs.labels("y", x.rows, Some(w.rows))?;
    let margin = matches!(loss, ClassLoss::AdaptiveFace { .. });
    let extra = inputs.vector(if margin { "margin" } else { "bias" }, w.rows)?.map(|v| wide(&v)).unwrap_or_default();
    let operands =
        classes::Operands { x: &wide(&x.data), w: &wide(&w.data), labels: &labels, extra: &extra, columns: x.columns, smoothing };
    let r = classes::run(loss, &operands);
    let mut gradients = vec![("x", like(&x, &r.dx)?), ("w", like(&w, &r.dw)?)];
    if matches!(loss, ClassLoss::L2Softmax { .. }) {
        gradients.push(("alpha", narrow(&[], &[r.dalpha])?));
    }
    if margin {
        gradients.push(("margin", narrow(&[w.rows], &r.dextra)?));
    } else if bias && !extra.is_empty() {
        gradients.push(("bias", narrow(&[w.rows], &r.dextra)?));
    }
    Ok(Step { loss: r.loss, logits: Some(narrow(&[x.rows, w.rows], &r.logits)?), gradients, ..Step::default() })
}

fn of_pairs(loss: &PairLoss, inputs: &Inputs<'_>) -> Result<Step> {
    let a = inputs.rows("x1")?;
    let b = inputs.rows_like("x2", ("x1", &a), true)?;
    let same = inputs.labels("same", a.rows, Some(2))?;
    let r = pairs::run(loss, &wide(&a.data), &wide(&b.data), &same, a.columns);
    let mut gradients = vec![("x1", like(&a, &r.da)?), ("x2", like(&b, &r.db)?)];
    if matches!(loss, PairLoss::Cosine { .. }) {
        gradients.push(("w", narrow(&[], &r.scalars[..1])?));
    }
    if matches!(loss, PairLoss::Cosine { .. } | PairLoss::LogisticL1 { .. }) {
        gradients.push(("b", narrow(&[], &r.scalars[1..])?));
    }
    Ok(Step { loss: r.loss, gradients, ..Step::default() })
}

fn of_triplets(loss: TripletLoss, normalize: bool, nonzero: bool, inputs: &Inputs<'_>) -> Result<Step> {
    let a = inputs.rows("a")?;
    let p = inputs.rows_like("p", ("a", &a), true)?;
    let n = inputs.rows_like("n", ("a", &a), true)?;
    let slots = [("a", &a), ("p", &p), ("n", &n)];
    let all: Vec<f64> = slots.iter().flat_map(|(_, r)| wide(&r.data)).collect();
    let chosen: Vec<[u32; 3]> = (0..a.rows as u32).map(|t| [t, t + a.rows as u32, t + 2 * a.rows as u32]).collect();
    let (mean, dm) = mean_of(loss, &all, a.columns, normalize, &chosen, nonzero);
    let mut gradients = Vec::new();
    for (i, (slot, rows)) in slots.into_iter().enumerate() {
        gradients.push((slot, like(rows, &dm[i * rows.data.len()..(i + 1) * rows.data.len()])?));
    }
    Ok(Step { loss: mean, gradients, ..Step::default() })
}

/// The mean over all triplets, or those whose loss is not 0.
fn mean_of(loss: TripletLoss, m: &[f64], columns: usize, normalize: bool, chosen: &[[u32; 3]], nonzero: bool) -> (f64, Vec<f64>) {
    let (losses, _) = triplets::run(loss, m, columns, normalize, chosen, &vec![0.0; chosen.len()]);
    let counted = if nonzero { losses.iter().filter(|&&l| l > 0.0).count() } else { losses.len() };
    let weight = 1.0 / counted.max(1) as f64;
    let (_, dm) = triplets::run(loss, m, columns, normalize, chosen, &vec![weight; chosen.len()]);
    (losses.iter().sum::<f64>() * weight, dm)
}

fn of_mined(mining: Mining, loss: TripletLoss, normalize: bool, inputs: &Inputs<'_>) -> Result<Step> {
    let x = inputs.rows("x")?;
    let labels = inputs.labels("y", x.rows, None)?;
    let angular = matches!(mining, Mining::SemiHard { angular: true, .. }) || matches!(loss, TripletLoss::Angular { .. });
    let normalize = normalize || angular;
    let m = wide(&x.data);
    let squared = triplets::distances(&m, x.columns, normalize);
    let chosen = triplets::mine(mining, &squared, &labels);
    let (mean, dx) = mean_of(loss, &m, x.columns, normalize, &chosen, false);
    let indices = chosen.iter().flatten().map(|&i| i64::from(i)).collect();
    let mut results = vec![("sq_dist", narrow(&[x.rows, x.rows], &squared)?)];
    results.extend(Tensor::from_i64([chosen.len(), 3], indices).map(|t| ("triplets", t)));
    Ok(Step { loss: mean, gradients: vec![("x", like(&x, &dx)?)], results, ..Step::default() })
}
