//! Losses on classes, of arrays: brings them to the device, runs [`super::blocks`], and reads the results.

use std::time::Instant;

use super::blocks::{self, Batch, Gradients, MOST_CLASSES, MOST_ROWS, Run, Scratch};
use super::ground::{Ground, Padded, gradient, padded, scalar, tensor, unpadded, vec4s};
use super::inputs::{Inputs, Rows};
use super::{ClassLoss, Step, Want};
use crate::error::{Error, Result};
use crate::gpu::numbers;

/// See [`super::Head::Classes`].
pub(super) fn step(ground: &Ground<'_>, loss: &ClassLoss, smoothing: f64, bias: bool, inputs: &Inputs<'_>, want: Want) -> Result<Step> {
    let x = inputs.rows("x")?;
    let w = inputs.rows_like("w", ("x", &x), false)?;
    if w.rows == 0 || w.rows > MOST_CLASSES {
        return Err(Error::Caller(format!("The input `w` has {} rows, but 1 to {MOST_CLASSES} classes are possible.", w.rows)));
    }
    if x.rows > MOST_ROWS {
        return Err(Error::Limits(format!("The input `x` has {} rows, but a batch has at most {MOST_ROWS}. Use a smaller one.", x.rows)));
    }
    let labels = inputs.labels("y", x.rows, Some(w.rows))?;
    let margin = matches!(loss, ClassLoss::AdaptiveFace { .. });
    let slot = if margin { "margin" } else { "bias" };
    let extra = inputs.vector(slot, w.rows)?;
    let valid = labels.iter().filter(|&&y| y >= 0).count();

    let start = Instant::now();
    let mut out = Step::default();
    let batch = upload_batch(ground, &x, &labels)?;
    let extras = extra.as_deref().unwrap_or(&[]);
    let blocks = blocks::upload(ground, &w.data, w.columns, extras, batch.stride, |rows| ground.matrix("classes", rows))?;
    let bytes = (x.data.len() * 2 + w.data.len()) as u64 * 4;
    out.stage("upload", start.elapsed().as_secs_f64(), 0, bytes);

    let run = Run::new(ground, loss, smoothing, valid, w.rows, &batch, &blocks);
    let scratch = Scratch::new(ground, &blocks, batch.stride)?;
    let stats = run.forward(&scratch, w.rows, x.rows, want.logits, &mut out)?;
    out.loss = blocks::mean_loss(vec4s(&stats)?, &labels, smoothing, w.rows, valid);
    let lambda = match loss {
        ClassLoss::AdaptiveFace { lambda, .. } if valid > 0 => *lambda,
        _ => 0.0,
    };
    if let Some(margins) = extra.as_deref().filter(|_| margin) {
        out.loss += lambda * (1.0 - margins.iter().map(|&m| f64::from(m)).sum::<f64>() / w.rows as f64);
    }
    if !want.gradients {
        return Ok(out);
    }
    let caffe = matches!(loss, ClassLoss::ASoftmax { caffe: true, .. });
    let sums = backward(&run, &scratch, caffe, &x, &w, &mut out)?;
    if margin {
        let shared = lambda / w.rows as f64;
        let dm = sums.iter().map(|s| (-f64::from(run.params.scale) * f64::from(s[2]) - shared) as f32).collect();
        out.gradients.push(("margin", tensor(&[w.rows], dm)?));
    } else if bias && extra.is_some() {
        out.gradients.push(("bias", tensor(&[w.rows], sums.iter().map(|s| s[1]).collect())?));
    }
    if !matches!(loss, ClassLoss::L2Softmax { .. }) {
        out.gradients.retain(|(slot, _)| *slot != "alpha");
    }
    Ok(out)
}

/// Adds dx, dw and dalpha to the step and returns the sums over rows of each class.
fn backward(run: &Run<'_>, scratch: &Scratch, caffe: bool, x: &Rows<'_>, w: &Rows<'_>, out: &mut Step) -> Result<Vec<[f32; 4]>> {
    let (ground, stride, depth) = (run.ground, run.batch.stride, run.batch.depth);
    let gradients = Gradients::new(ground, run.blocks, stride, depth, false)?;
    let (mut dw, mut of_classes) = (Vec::with_capacity(w.rows * w.columns), Vec::with_capacity(w.rows));
    let last = run.backward(scratch, &gradients, caffe, out, |b, work, dw_block, sums| {
        let done = work.run(&[(dw_block, (b.count * depth * 16) as u64), (sums, b.count as u64 * 16)])?;
        unpadded(numbers(done.part(0))?, w.columns, b.count, &mut dw);
        of_classes.extend_from_slice(vec4s(done.part(1))?);
        Ok(done)
    })?;
    let done = last.work.run(&[(&last.dx, (stride * depth * 16) as u64), (&last.row_sums, stride as u64 * 16)])?;
    out.add(ground, "backward", &done);
    out.gradients.push(("x", gradient(done.part(0), x)?));
    out.gradients.push(("alpha", scalar(vec4s(done.part(1))?.iter().map(|s| f64::from(s[1])).sum())?));
    out.gradients.push(("w", tensor(&[w.rows, w.columns], dw)?));
    Ok(of_classes)
}

fn upload_batch(ground: &Ground<'_>, x: &Rows<'_>, labels: &[i64]) -> Result<Batch> {
    let stride = x.rows.next_multiple_of(4).max(4);
    let Padded { data, depth } = padded(&x.data, x.columns, stride);
    let mut columns = vec![0.0; data.len()];
    for (i, row) in data.chunks_exact(depth * 4).enumerate() {
        row.iter().enumerate().for_each(|(k, v)| columns[k * stride + i] = *v);
    }
    let mut of_rows: Vec<f32> = labels.iter().map(|&y| y as f32).collect();
    of_rows.resize(stride, -1.0);
    Ok(Batch {
        stride,
        depth,
        x: ground.matrix("embeddings", &data)?,
        transposed: ground.matrix("embeddings", &columns)?,
        labels: ground.gpu.filled("labels", &of_rows)?,
        xs: ground.vec4s("norms", stride)?,
    })
}
