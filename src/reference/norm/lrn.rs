//! `y_c = x_c / (bias + alpha / size · Σ_j x_j²)^beta` over the channels `c - (size-1)/2 ..= c + size/2` that exist
//! (for an even size the longer half lies above, as in ONNX).

use super::for_each_line;
use crate::reference::Array;

/// Local response normalisation across axis 1.
pub(in crate::reference) fn lrn(x: &Array, size: usize, [alpha, beta, bias]: [f64; 3]) -> Vec<f64> {
    let mut y = x.data.clone();
    let (below, above) = ((size - 1) / 2, size / 2);
    for_each_line(&x.shape, 1, |line| {
        let channels: Vec<_> = line.indices().collect();
        for (c, &at) in channels.iter().enumerate() {
            let window = c.saturating_sub(below)..c.saturating_add(above).saturating_add(1).min(channels.len());
            let sum: f64 = channels[window].iter().map(|&j| x.data[j] * x.data[j]).sum();
            y[at] /= (bias + alpha / size as f64 * sum).powf(beta);
        }
    });
    y
}
