//! What the weights of Keras' layers are called and how they are laid out.
//!
//! | layer | Keras | here |
//! |---|---|---|
//! | Conv1D, Conv2D, Conv3D | `kernel` `[kh, kw, I, O]` | `weight` `[O, I, kh, kw]` |
//! | Conv2DTranspose | `kernel` `[kh, kw, O, I]` | `weight` `[I, O, kh, kw]` |
//! | DepthwiseConv2D | `depthwise_kernel` `[kh, kw, C, M]` | `weight` `[C * M, 1, kh, kw]` |
//! | SeparableConv2D | that, `pointwise_kernel`, `bias` | `depthwise.weight`, `pointwise.weight`, `pointwise.bias` |
//! | Dense | `kernel` `[K, O]` | `weight` `[O, K]` |
//! | LocallyConnected2D | `kernel` `[ty * tx, kh * kw * I, O]`, `bias` `[ty, tx, O]` | `weight` `[ty, tx, O, kh * kw * I]`, `bias` |
//! | BatchNormalization | `gamma`, `beta`, `moving_mean`, `moving_variance` | `weight`, `bias`, `running_mean`, `running_var` |
//! | PReLU | `alpha` `[1, 1, C]` or `[H, W, C]` | `weight` `[C]` or `[C, H, W]` |
//!
//! Anything else keeps its name and layout.

use super::hdf5::{Dataset, File};
use crate::error::{Error, Result};
use crate::import::checkpoint::StateDict;
use crate::import::checkpoint::elements::damaged;
use crate::import::checkpoint::layout::permuted;

/// A tensor of a layer.
pub(super) struct Part<'a> {
    /// The name of the layer here.
    pub(super) prefix: String,
    /// The name of the tensor in its layer there.
    pub(super) own: &'a str,
    /// All of its name, for messages.
    pub(super) full: String,
    pub(super) dataset: Dataset<'a>,
}

/// A name, an order of axes, and dimensions.
struct Layout {
    name: String,
    /// Axes of the dimensions that the tensor is read with, in the order in which they come out.
    order: Vec<usize>,
    /// The dimensions that it is read with.
    read: Vec<i64>,
    /// Those that it has in the end.
    dims: Vec<i64>,
}

/// Adds the tensors of a layer.
///
/// # Errors
/// [`Error::Model`], [`Error::Limits`], [`Error::Unsupported`].
pub(super) fn add<'a>(file: &mut File<'a, '_>, dict: &mut StateDict, parts: &[Part<'a>]) -> Result<()> {
    for part in parts {
        let layout = layout(file.name, part, parts)?;
        let name = &layout.name;
        let elements = part.dataset.elements;
        let stored = file.read(&part.dataset, &part.full)?;
        let read = elements.tensor(file.name, name, &layout.read, &stored, &mut file.budget)?;
        let turned = if layout.order.is_sorted() { read } else { permuted(file.name, name, &read, &layout.order, &mut file.budget)? };
        // No dimension is negative: they come from those that it was read with.
        let dims: Vec<usize> = layout.dims.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect();
        let misfit = || damaged(file.name, &format!("has dimensions of `{}` that do not fit its elements", part.full));
        let tensor = turned.reshaped(dims).ok_or_else(misfit)?;
        file.done(stored);
        dict.insert(file.name, name, tensor)?;
    }
    Ok(())
}

fn layout(file: &str, part: &Part<'_>, layer: &[Part<'_>]) -> Result<Layout> {
    let Part { prefix, own, full, dataset } = part;
    let read = dataset.dims.clone();
    let other = |name: &str| layer.iter().find(|p| p.own == name && p.prefix == *prefix).map(|p| p.dataset.dims.as_slice());
    let separable = other("pointwise_kernel").is_some();
    let as_it_is =
        |name: &str| Layout { name: format!("{prefix}.{name}"), order: (0..read.len()).collect(), dims: read.clone(), read: read.clone() };
    let in_order = |name: &str, order: Vec<usize>| {
        let dims = order.iter().filter_map(|&axis| read.get(axis).copied()).collect();
        Layout { name: format!("{prefix}.{name}"), order, dims, read: read.clone() }
    };
    if let ("kernel", &[places, row, out], Some(&[ty, tx, channels])) = (*own, read.as_slice(), other("bias")) {
        if ty.checked_mul(tx) != Some(places) || channels != out {
            return Err(damaged(
                file,
                &format!("has {places} windows to {out} channels in `{full}` and biases for {ty}x{tx} to {channels}"),
            ));
        }
        return Ok(Layout { dims: vec![ty, tx, out, row], ..in_order("weight", vec![0, 2, 1]) });
    }
    Ok(match (*own, read.as_slice()) {
        ("kernel" | "pointwise_kernel", dims @ [_, _, ..]) if dims.len() <= 5 => {
            let spatial = dims.len() - 2;
            let order = [spatial + 1, spatial].into_iter().chain(0..spatial).collect();
            in_order(if separable { "pointwise.weight" } else { "weight" }, order)
        }
        ("kernel" | "pointwise_kernel", dims) => {
            return Err(Error::Unsupported(format!(
                "The checkpoint `{file}` has weights `{full}` of {} axes, which no supported layer of Keras has. Load the network in Keras, \
                 rebuild the layer in its default implementation and save the weights again.",
                dims.len()
            )));
        }
        ("depthwise_kernel", &[kh, kw, c, m]) => {
            let channels = c.checked_mul(m).ok_or_else(|| damaged(file, &format!("has {c} times {m} channels in `{full}`")))?;
            let name = if separable { "depthwise.weight" } else { "weight" };
            Layout { dims: vec![channels, 1, kh, kw], ..in_order(name, vec![2, 3, 0, 1]) }
        }
        ("alpha", &[1, 1, c]) => Layout { dims: vec![c], ..as_it_is("weight") },
        ("alpha", &[_, _, _]) => in_order("weight", vec![2, 0, 1]),
        ("alpha" | "gamma", _) => as_it_is("weight"),
        ("bias", _) if separable => as_it_is("pointwise.bias"),
        ("beta", _) => as_it_is("bias"),
        ("moving_mean", _) => as_it_is("running_mean"),
        ("moving_variance", _) => as_it_is("running_var"),
        (own, _) => as_it_is(own),
    })
}
