//! Losses on classes.

use std::f64::consts::PI;

use super::{Boundary, ClassLoss, Derivative, add, dot, row, unit};

/// Operands, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// Embeddings, B x `columns`.
    pub x: &'a [f64],
    /// Class weights, C x `columns`.
    pub w: &'a [f64],
    /// B labels.
    pub labels: &'a [i64],
    /// Biases or margins of the classes; empty: 0.
    pub extra: &'a [f64],
    /// Elements of an embedding.
    pub columns: usize,
    /// Label smoothing ε.
    pub smoothing: f64,
}

/// Value and gradients.
#[derive(Clone, Debug, Default)]
pub struct ClassResult {
    /// The loss.
    pub loss: f64,
    /// B x C.
    pub logits: Vec<f64>,
    /// As `x`.
    pub dx: Vec<f64>,
    /// As `w`.
    pub dw: Vec<f64>,
    /// By biases or margins.
    pub dextra: Vec<f64>,
    /// By α of L2-softmax.
    pub dalpha: f64,
}

/// A logit by the vectors it came from: `dz = by_x · dx + by_w · dw`.
struct Logit {
    z: f64,
    by_x: Vec<f64>,
    by_w: Vec<f64>,
}

/// Evaluates `loss` on `o`.
pub fn run(loss: &ClassLoss, o: &Operands<'_>) -> ClassResult {
    let d = o.columns;
    let (rows, classes) = (o.labels.len(), o.w.len() / d.max(1));
    let extra = |j: usize| o.extra.get(j).copied().unwrap_or(0.0);
    let valid = o.labels.iter().filter(|&&y| y >= 0).count();
    let mut out = ClassResult { dx: vec![0.0; o.x.len()], dw: vec![0.0; o.w.len()], dextra: vec![0.0; classes], ..ClassResult::default() };
    for i in 0..rows {
        let (x, y) = (row(o.x, d, i), o.labels[i]);
        let anchor = if y >= 0 { target_cosine(loss, x, row(o.w, d, y as usize)) } else { 0.0 };
        let logits: Vec<Logit> = (0..classes).map(|j| logit(loss, x, row(o.w, d, j), y == j as i64, extra(j), anchor)).collect();
        let most = logits.iter().map(|l| l.z).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|l| (l.z - most).exp()).sum();
        out.logits.extend(logits.iter().map(|l| l.z));
        if y < 0 {
            continue;
        }
        for (j, l) in logits.iter().enumerate() {
            let is_target = y == j as i64;
            let t = (1.0 - o.smoothing) * f64::from(u8::from(is_target)) + o.smoothing / classes as f64;
            out.loss -= t * (l.z - most - sum.ln()) / valid as f64;
            let g = ((l.z - most).exp() / sum - t) / valid as f64;
            let straight = straight_through(loss, x, row(o.w, d, j), is_target);
            let l = straight.as_ref().unwrap_or(l);
            add(&mut out.dx[i * d..(i + 1) * d], g, caffe_x(loss, x, row(o.w, d, j), is_target).as_deref().unwrap_or(&l.by_x));
            // The Caffe layer leaves margin and norms out of this gradient; a class without direction has none here either.
            let caffe = matches!(loss, ClassLoss::ASoftmax { caffe: true, .. }) && unit(row(o.w, d, j)).0 > 1e-12;
            add(&mut out.dw[j * d..(j + 1) * d], g, if caffe { x } else { &l.by_w });
            match loss {
                ClassLoss::Softmax => out.dextra[j] += g,
                ClassLoss::L2Softmax { .. } => {
                    out.dextra[j] += g;
                    out.dalpha += g * dot(&unit(x).1, row(o.w, d, j));
                }
                ClassLoss::AdaptiveFace { s, .. } if is_target => out.dextra[j] -= s * g,
                _ => {}
            }
        }
    }
    if let ClassLoss::AdaptiveFace { lambda, .. } = loss
        && valid > 0
    {
        out.loss += lambda * (1.0 - o.extra.iter().sum::<f64>() / classes as f64);
        out.dextra.iter_mut().for_each(|g| *g -= lambda / classes as f64);
    }
    out
}

/// The cosine of the target with ArcFace's margin, for ArcNegFace.
fn target_cosine(loss: &ClassLoss, x: &[f64], w: &[f64]) -> f64 {
    let c = dot(&unit(x).1, &unit(w).1).clamp(-1.0, 1.0);
    match *loss {
        ClassLoss::ArcNegFace { m, .. } => arc(c, m, Boundary::Linear).0,
        _ => 0.0,
    }
}

/// Value and derivative by the cosine of ArcFace's target.
fn arc(c: f64, m: f64, boundary: Boundary) -> (f64, f64) {
    let beyond = match boundary {
        Boundary::None => false,
        Boundary::Linear => c <= -m.cos(),
        Boundary::Easy => c <= 0.0,
    };
    match boundary {
        Boundary::Linear if beyond => (c - m * m.sin(), 1.0),
        Boundary::Easy if beyond => (c, 1.0),
        _ => ((c.acos() + m).cos(), (c.acos() + m).sin() / sine(c)),
    }
}

/// The sine that divides, with a floor.
fn sine(c: f64) -> f64 {
    (1.0 - c * c).max(1e-14).sqrt()
}

/// ψ and its derivative by the cosine, from its definition in angles.
fn psi(c: f64, m: u8) -> (f64, f64) {
    let m = f64::from(m);
    let theta = c.acos();
    let k = (m * theta / PI).floor().min(m - 1.0);
    let sign = if k % 2.0 == 0.0 { 1.0 } else { -1.0 };
    let slope = if theta.sin() > 1e-9 {
        m * (m * theta).sin() / theta.sin()
    } else if c > 0.0 {
        m * m
    } else {
        m * m * -(m * PI).cos()
    };
    (sign * (m * theta).cos() - 2.0 * k, sign * slope)
}

fn logit(loss: &ClassLoss, x: &[f64], w: &[f64], is_target: bool, extra: f64, anchor: f64) -> Logit {
    let ((a, u), (b, v)) = (unit(x), unit(w));
    let scaled = |factor: f64, vector: &[f64]| vector.iter().map(|e| factor * e).collect::<Vec<_>>();
    match *loss {
        ClassLoss::Softmax => return Logit { z: dot(x, w) + extra, by_x: w.to_vec(), by_w: x.to_vec() },
        ClassLoss::L2Softmax { alpha } => {
            let by_x = scaled(alpha, &super::through_direction(w, &u, a));
            return Logit { z: alpha * dot(&u, w) + extra, by_x, by_w: scaled(alpha, &u) };
        }
        _ => {}
    }
    let c = dot(&u, &v).clamp(-1.0, 1.0);
    // Value and derivative by the cosine.
    let (z, slope) = match *loss {
        ClassLoss::CosFace { interclass_filter: Some(f), .. }
        | ClassLoss::ArcFace { interclass_filter: Some(f), .. }
        | ClassLoss::Combined { interclass_filter: Some(f), .. }
            if !is_target && c > f =>
        {
            (0.0, 0.0)
        }
        ClassLoss::LiArcFace { s, m } => {
            let moved = c.acos() + if is_target { m } else { 0.0 };
            (s * (PI - 2.0 * moved) / PI, 2.0 * s / (PI * sine(c)))
        }
        ClassLoss::ArcNegFace { s, alpha, sigma, .. } if !is_target => {
            let tau = alpha * (-(c - anchor).powi(2) / sigma).exp();
            (s * (tau * c + tau - 1.0), s * tau)
        }
        ClassLoss::CosFace { s, m, .. } if is_target => (s * (c - m), s),
        ClassLoss::AdaptiveFace { s, .. } if is_target => (s * (c - extra), s),
        ClassLoss::ArcFace { s, m, boundary, .. } if is_target => scale(s, arc(c, m, boundary)),
        ClassLoss::ArcNegFace { s, m, .. } if is_target => scale(s, arc(c, m, Boundary::Linear)),
        ClassLoss::Combined { s, m1, m2, m3, .. } if is_target => {
            let phi = m1 * c.acos() + m2;
            (s * (phi.cos() - m3), s * m1 * phi.sin() / sine(c))
        }
        ClassLoss::LSoftmax { m, lambda } | ClassLoss::ASoftmax { m, lambda, .. } => {
            let (f, g) = if is_target { blend(psi(c, m), c, lambda) } else { (c, 1.0) };
            return with_norms(loss, (a, &u), (b, &v), c, f, g);
        }
        ClassLoss::Nsl { s }
        | ClassLoss::CosFace { s, .. }
        | ClassLoss::ArcFace { s, .. }
        | ClassLoss::Combined { s, .. }
        | ClassLoss::AdaptiveFace { s, .. }
        | ClassLoss::ArcNegFace { s, .. } => (s * c, s),
        ClassLoss::Softmax | ClassLoss::L2Softmax { .. } => (0.0, 0.0),
    };
    Logit { z, by_x: scaled(slope, &super::through_direction(&v, &u, a)), by_w: scaled(slope, &super::through_direction(&u, &v, b)) }
}

fn scale(s: f64, (z, slope): (f64, f64)) -> (f64, f64) {
    (s * z, s * slope)
}

fn blend((psi, slope): (f64, f64), c: f64, lambda: f64) -> (f64, f64) {
    ((lambda * c + psi) / (1.0 + lambda), (lambda + slope) / (1.0 + lambda))
}

/// `z = |x| f` (A-softmax) or `|x| |w| f` (L-softmax), f a function of the cosine with derivative g.
fn with_norms(loss: &ClassLoss, (a, u): (f64, &[f64]), (b, v): (f64, &[f64]), c: f64, f: f64, g: f64) -> Logit {
    let live = a > 1e-12 && b > 1e-12;
    let own_w = matches!(loss, ClassLoss::LSoftmax { .. });
    let factor = if own_w { b } else { 1.0 };
    let mut by_x = super::through_direction(v, u, 1.0);
    let mut by_w = super::through_direction(u, v, 1.0);
    by_x.iter_mut().zip(u).for_each(|(e, u)| *e = factor * (g * *e + f * u));
    by_w.iter_mut().zip(v).for_each(|(e, v)| *e = if own_w { a * (g * *e + f * v) } else { a * g * *e / b.max(1e-300) });
    if !live {
        by_x.fill(0.0);
        by_w.fill(0.0);
    }
    debug_assert!(c.abs() <= 1.0, "a cosine");
    Logit { z: a * factor * f, by_x, by_w }
}

/// What stands in for the derivatives of a logit whose margin counts as a constant.
fn straight_through(loss: &ClassLoss, x: &[f64], w: &[f64], is_target: bool) -> Option<Logit> {
    match *loss {
        ClassLoss::ArcFace { s, grad: Derivative::StraightThrough, interclass_filter, .. } => {
            Some(logit(&ClassLoss::CosFace { s, m: 0.0, interclass_filter }, x, w, is_target, 0.0, 0.0))
        }
        _ => None,
    }
}

/// The factor of G in dx as the authors of SphereFace computed it, where that differs: the target's two coefficients, of the unit class
/// row and of x, are brought to length 1.
fn caffe_x(loss: &ClassLoss, x: &[f64], w: &[f64], is_target: bool) -> Option<Vec<f64>> {
    let ClassLoss::ASoftmax { m, lambda, caffe: true } = *loss else { return None };
    let ((a, u), (b, v)) = (unit(x), unit(w));
    if a <= 1e-12 || b <= 1e-12 {
        return Some(vec![0.0; x.len()]);
    }
    if !is_target {
        return Some(v);
    }
    let c = dot(&u, &v).clamp(-1.0, 1.0);
    let (value, slope) = psi(c, m);
    let (of_w, of_x) = (slope, (value - slope * c) / a);
    let length = of_w.hypot(of_x).max(1e-30);
    Some(x.iter().zip(&v).map(|(x, v)| ((lambda + of_w / length) * v + of_x / length * x) / (1.0 + lambda)).collect())
}
