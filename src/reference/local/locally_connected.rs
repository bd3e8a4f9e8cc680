//! As a convolution, with the filter bank of the tile that the output place lies in: `w[y / th, x / tw, o, i, ky, kx]`.

use crate::graph::LocallyConnected;
use crate::reference::Array;
use crate::reference::epilogue::Finish;
use crate::reference::parallel::for_each_plane;

/// Locally connected layer; tiles of one place are unshared filters.
pub(in crate::reference) fn locally_connected(local: &LocallyConnected, inputs: &[&Array], out: &[usize]) -> Vec<f64> {
    let (x, w, at) = (inputs[0], inputs[1], local.operands());
    let finish = Finish::new(&local.epilogue, &at, inputs);
    let &[_, channels, height, width] = x.shape.dims() else { return Vec::new() };
    let window = &local.window;
    let (top, left) = (window.padding(0, height).0, window.padding(1, width).0);
    let [kh, kw] = window.kernel;
    let (outputs, ow) = (out[1], out[3]);
    let plane = out[2] * ow;
    let filter = channels * kh * kw;
    let columns_of_tiles = w.shape[1];

    let sum = |n: usize, o: usize, y: usize, x0: usize| {
        let tile = y / local.tile[0] * columns_of_tiles + x0 / local.tile[1];
        let bank = tile * outputs + o;
        let weights = &w.data[bank * filter..][..filter];
        let mut sum = at.bias.map_or(0.0, |b| inputs[b].data[bank]);
        for (k, weight) in weights.iter().enumerate() {
            let (i, ky, kx) = (k / (kh * kw), k / kw % kh, k % kw);
            let row = (y * window.stride[0] + ky * window.dilation[0]).checked_sub(top).filter(|&r| r < height);
            let column = (x0 * window.stride[1] + kx * window.dilation[1]).checked_sub(left).filter(|&c| c < width);
            if let (Some(r), Some(c)) = (row, column) {
                sum += weight * x.data[((n * channels + i) * height + r) * width + c];
            }
        }
        sum
    };
    let mut y = vec![0.0; out.iter().product()];
    for_each_plane(&mut y, plane, plane * filter, |index, values| {
        let (n, o) = (index / outputs, index % outputs);
        for (k, v) in values.iter_mut().enumerate() {
            *v = finish.apply(sum(n, o, k / ow, k % ow), o, index * plane + k);
        }
    });
    y
}
