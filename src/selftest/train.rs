//! The kernels of training: optimisers, sums of squares, weights of single numbers, the transpose. They run outside of plans, so they have their own runner.

use std::time::Instant as Clock;

use super::{CaseResult, Comparison, Input};
use crate::error::Result;
use crate::gpu::{Gpu, Memory, Work, numbers};
use crate::kernels::train::{Params, adam, scale, scale_gradient, sgd, squares, transpose};
use crate::recording::Launch;
use crate::reference::train as reference;

/// Half a unit in the last place of f32, relative.
const HALF: f64 = 1.0 / (1u64 << 24) as f64;

/// vec4s: one, a workgroup and one more or less, many.
const SIZES: [usize; 5] = [1, 63, 64, 65, 1031];

/// Runs the cases of all kernels that are wanted.
pub(crate) fn run(gpu: &Gpu, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<CaseResult>> {
    let mut out = Vec::new();
    let inputs = [Input::Noise, Input::OneHot, Input::Scaled(1e4), Input::Scaled(1e-4)];
    for (size, input) in SIZES.iter().flat_map(|&s| inputs.map(|i| (s, i))) {
        for (decayed, nesterov) in [(0, false), (size / 2, true), (size, false)] {
            if wanted("train/sgd") {
                out.push(of_sgd(gpu, size, input, decayed, nesterov)?);
            }
        }
        for (decayed, t) in [(0, 1), (size / 2, 7), (size, 100_000)] {
            if wanted("train/adam") {
                out.push(of_adam(gpu, size, input, decayed, t)?);
            }
        }
    }
    for (count, input) in [1, 127, 128, 129, 40_000].into_iter().flat_map(|c| [Input::Noise, Input::Scaled(1e4)].map(|i| (c, i))) {
        if wanted("train/squares") {
            out.push(of_squares(gpu, count, input)?);
        }
    }
    let sizes = [(1, 1), (4, 63), (12, 64), (68, 65), (260, 3)];
    for ((rows, depth), input) in sizes.into_iter().flat_map(|s| [Input::Noise, Input::Ramp, Input::OneHot].map(|i| (s, i))) {
        if wanted("train/scale") {
            out.push(of_scale(gpu, rows, depth, input)?);
        }
        if wanted("train/scale_gradient") {
            out.push(of_scale_gradient(gpu, rows, depth, input)?);
        }
    }
    for (rows, columns) in [(4, 4), (4, 260), (68, 12), (132, 516)] {
        if wanted("train/transpose") {
            out.push(of_transpose(gpu, rows, columns)?);
        }
    }
    Ok(out)
}

fn noise(input: Input, vec4s: usize, seed: u32) -> Vec<f32> {
    input.tensor(&[vec4s * 4], seed).to_f32().into_owned()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Runs a launch and reads what it wrote.
fn execute(gpu: &Gpu, launch: &Launch, bindings: &[&Memory], reads: &[(&Memory, usize)]) -> Result<(Vec<Vec<f32>>, f64)> {
    let start = Clock::now();
    let mut work = Work::new(gpu, "the self-test");
    work.launch(launch, bindings)?;
    let sizes: Vec<_> = reads.iter().map(|(memory, n)| (*memory, *n as u64 * 4)).collect();
    let done = work.run(&sizes)?;
    let micros = start.elapsed().as_secs_f64() * 1e6;
    let results = (0..reads.len()).map(|i| Ok(numbers(done.part(i))?.to_vec())).collect::<Result<_>>()?;
    Ok((results, micros))
}

fn result(launch: &Launch, case: String, worst: &Comparison, micros: f64) -> CaseResult {
    CaseResult {
        kernel: launch.shader.name.split('.').next().unwrap_or_default().to_owned(),
        permutation: launch.shader.name.to_owned(),
        case,
        max_error: worst.error,
        bound: worst.bound,
        passed: worst.ratio <= 1.0,
        micros,
    }
}

/// Compares element by element; `magnitude` is what an element's bound is a share of.
fn compare(worst: &mut Comparison, got: &[f32], want: &[f64], magnitude: impl Fn(usize) -> f64, roundings: f64) {
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        worst.add((f64::from(g) - w).abs(), roundings * HALF * magnitude(i) + f64::from(f32::MIN_POSITIVE));
    }
    if got.len() != want.len() {
        worst.add(f64::INFINITY, 0.0);
    }
}

fn of_sgd(gpu: &Gpu, size: usize, input: Input, decayed: usize, nesterov: bool) -> Result<CaseResult> {
    let [g, w, v] = [1, 2, 3].map(|seed| noise(input, size, seed));
    let params = Params {
        count: size as u32,
        decayed: decayed as u32,
        nesterov: u32::from(nesterov),
        rate: 0.125,
        decay: 0.0625,
        scale: 0.5,
        first: 0.9,
        ..Params::default()
    };
    let [gm, wm, vm] = [("gradients", &g), ("weights", &w), ("velocity", &v)].map(|(what, data)| gpu.filled(what, data));
    let (gm, wm, vm) = (gm?, wm?, vm?);
    let launch = sgd::launch(gpu.caps(), &params);
    let (got, micros) = execute(gpu, &launch, &[&gm, &wm, &vm], &[(&wm, size * 4), (&vm, size * 4)])?;
    let scaled: Vec<f64> = wide(&g).iter().map(|g| g * 0.5).collect();
    let (old, oldv, mut want, mut wantv) = (wide(&w), wide(&v), wide(&w), wide(&v));
    let momentum = f64::from(0.9f32);
    let at = decayed * 4;
    for (range, decay) in [(0..at, 0.0625), (at..size * 4, 0.0)] {
        let o = reference::sgd::Sgd { rate: 0.125, momentum, nesterov, decay };
        reference::sgd::step(&o, &scaled[range.clone()], &mut want[range.clone()], &mut wantv[range]);
    }
    let mut worst = Comparison::default();
    let velocity = |i: usize| (momentum * oldv[i]).abs() + scaled[i].abs();
    compare(&mut worst, &got[1], &wantv, velocity, 4.0);
    compare(&mut worst, &got[0], &want, |i| 1.1 * old[i].abs() + 0.125 * 2.0 * velocity(i), 8.0);
    Ok(result(&launch, format!("{size} vec4s {} decay of {decayed} nesterov {nesterov}", input.label()), &worst, micros))
}

fn of_adam(gpu: &Gpu, size: usize, input: Input, decayed: usize, t: u64) -> Result<CaseResult> {
    let [g, w, m] = [1, 2, 3].map(|seed| noise(input, size, seed));
    let s: Vec<f32> = noise(input, size, 4).iter().map(|v| v * v).collect();
    let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8);
    let unbiased = |beta: f64| (1.0 / (1.0 - beta.powf(t as f64))) as f32;
    let params = Params {
        count: size as u32,
        decayed: decayed as u32,
        rate: 0.125,
        decay: 0.0625,
        scale: 0.5,
        first: beta1 as f32,
        first_rest: (1.0 - beta1) as f32,
        second: beta2 as f32,
        second_rest: (1.0 - beta2) as f32,
        first_unbiased: unbiased(beta1),
        second_unbiased: unbiased(beta2),
        epsilon: epsilon as f32,
        ..Params::default()
    };
    let filled = [("gradients", &g), ("weights", &w), ("means", &m), ("squares", &s)].map(|(what, data)| gpu.filled(what, data));
    let [gm, wm, mm, sm] = filled;
    let (gm, wm, mm, sm) = (gm?, wm?, mm?, sm?);
    let launch = adam::launch(gpu.caps(), &params);
    let (got, micros) = execute(gpu, &launch, &[&gm, &wm, &mm, &sm], &[(&wm, size * 4), (&mm, size * 4), (&sm, size * 4)])?;
    let scaled: Vec<f64> = wide(&g).iter().map(|g| g * 0.5).collect();
    let (old, oldm) = (wide(&w), wide(&m));
    let (mut want, mut wantm, mut wants) = (wide(&w), wide(&m), wide(&s));
    let at = decayed * 4;
    for (range, decay) in [(0..at, 0.0625), (at..size * 4, 0.0)] {
        let o = reference::adam::Adam { rate: 0.125, beta1, beta2, epsilon, decay };
        let (w, m, s) = (&mut want[range.clone()], &mut wantm[range.clone()], &mut wants[range.clone()]);
        reference::adam::step(&o, t, &scaled[range], w, m, s);
    }
    let mut worst = Comparison::default();
    let mean = |i: usize| (beta1 * oldm[i]).abs() + ((1.0 - beta1) * scaled[i]).abs();
    compare(&mut worst, &got[1], &wantm, mean, 6.0);
    compare(&mut worst, &got[2], &wants, |i| wants[i], 8.0);
    let along = |i: usize| mean(i) * f64::from(unbiased(beta1)) / ((wants[i] * f64::from(unbiased(beta2))).sqrt() + epsilon);
    compare(&mut worst, &got[0], &want, |i| 1.1 * old[i].abs() + 0.125 * along(i), 24.0);
    Ok(result(&launch, format!("{size} vec4s {} decay of {decayed} step {t}", input.label()), &worst, micros))
}

fn of_squares(gpu: &Gpu, count: usize, input: Input) -> Result<CaseResult> {
    let x = noise(input, count, 1);
    let n = squares::sums(count);
    let (xm, ym) = (gpu.filled("numbers", &x)?, gpu.blank("sums", n as u64 * 4)?);
    let launch = squares::launch(gpu.caps(), count);
    let (got, micros) = execute(gpu, &launch, &[&xm, &ym], &[(&ym, n)])?;
    let sum: f64 = got[0].iter().map(|&v| f64::from(v)).sum();
    let want = reference::squares::sum(&wide(&x));
    let mut worst = Comparison::default();
    // Sums of up to 128 squares, none of which cancel.
    worst.add((sum - want).abs(), 4.0 * 128f64.sqrt() * HALF * want);
    Ok(result(&launch, format!("{count} vec4s {}", input.label()), &worst, micros))
}

fn of_scale(gpu: &Gpu, rows: usize, depth: usize, input: Input) -> Result<CaseResult> {
    let (x, w) = (noise(input, rows * depth, 1), noise(Input::Noise, depth, 2));
    let (xm, wm, ym) = (gpu.filled("numbers", &x)?, gpu.filled("weights", &w)?, gpu.blank("numbers", (rows * depth) as u64 * 16)?);
    let launch = scale::launch(gpu.caps(), rows, depth);
    let (got, micros) = execute(gpu, &launch, &[&xm, &wm, &ym], &[(&ym, rows * depth * 4)])?;
    let want = reference::scale::rows(&wide(&x), &wide(&w));
    let mut worst = Comparison::default();
    compare(&mut worst, &got[0], &want, |i| want[i].abs(), 1.0);
    Ok(result(&launch, format!("{rows} rows of {depth} vec4s {}", input.label()), &worst, micros))
}

fn of_scale_gradient(gpu: &Gpu, rows: usize, depth: usize, input: Input) -> Result<CaseResult> {
    let (x, dy) = (noise(input, rows * depth, 1), noise(Input::Noise, rows * depth, 2));
    let (xm, dm, wm) = (gpu.filled("numbers", &x)?, gpu.filled("gradients", &dy)?, gpu.blank("gradients", depth as u64 * 16)?);
    let launch = scale_gradient::launch(gpu.caps(), rows, depth);
    let (got, micros) = execute(gpu, &launch, &[&xm, &dm, &wm], &[(&wm, depth * 4)])?;
    let (x, dy) = (wide(&x), wide(&dy));
    let want = reference::scale_gradient::sums(&x, &dy, depth * 4);
    let magnitudes = |v: &[f64]| v.iter().map(|v| v.abs()).collect::<Vec<_>>();
    // A product and a sum of each row at most, each rounded.
    let magnitude = reference::scale_gradient::sums(&magnitudes(&x), &magnitudes(&dy), depth * 4);
    let mut worst = Comparison::default();
    compare(&mut worst, &got[0], &want, |i| magnitude[i], 1.0 + rows as f64);
    Ok(result(&launch, format!("{rows} rows of {depth} vec4s {}", input.label()), &worst, micros))
}

fn of_transpose(gpu: &Gpu, rows: usize, columns: usize) -> Result<CaseResult> {
    let x = noise(Input::Ramp, rows * columns / 4, 1);
    let (xm, ym) = (gpu.filled("numbers", &x)?, gpu.blank("numbers", (rows * columns) as u64 * 4)?);
    let launch = transpose::launch(gpu.caps(), rows, columns);
    let (got, micros) = execute(gpu, &launch, &[&xm, &ym], &[(&ym, rows * columns)])?;
    let mut worst = Comparison::default();
    compare(&mut worst, &got[0], &reference::transpose::columns_first(&wide(&x), columns), |_| 0.0, 0.0);
    Ok(result(&launch, format!("{rows}x{columns}"), &worst, micros))
}
