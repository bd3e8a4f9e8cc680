//! The constant weights and bias of a convolution or linear layer, and per-channel factors worked into them.
//!
//! All three layer kinds are rows of numbers: row r belongs to output channel `r % outputs` (only locally connected layers have more
//! than one bank of rows). Arithmetic is f64, rounded to f32 once. Nothing is changed in place, because constants may be shared.

use std::sync::Arc;

use super::rewriter::{add_constant, label, operands};
use crate::error::Result;
use crate::graph::{Graph, Node, Op};
use crate::tensor::{Shape, Tensor};

/// Weights and bias of a layer.
pub(super) struct Filters {
    weight: Arc<Tensor>,
    bias: Option<Arc<Tensor>>,
    bias_shape: Shape,
    outputs: usize,
    /// Numbers in a row.
    inner: usize,
    channel: ChannelOf,
}

/// Which input channel a weight is multiplied with.
enum ChannelOf {
    /// Convolution: taps of a channel are contiguous, rows are split evenly among groups.
    Conv { taps: usize, channels_per_group: usize, rows_per_group: usize },
    /// Linear: the places of a channel are contiguous, as many as the row has room for.
    Flattened,
}

/// New weights and bias; `None` = as they were.
#[derive(Default)]
pub(super) struct Folded {
    weight: Option<Vec<f32>>,
    bias: Option<Vec<f32>>,
}

impl Filters {
    /// The filters of a node; `None` when it is no such layer, or they are no constants of the shapes they should have.
    pub(super) fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let places = operands(&node.op)?;
        let weight = graph.constant(*node.inputs.get(1)?)?.clone();
        let bias = match places.bias {
            Some(place) => Some(graph.constant(*node.inputs.get(place)?)?.clone()),
            None => None,
        };
        let (bias_shape, inner, channel) = match (&node.op, weight.shape().dims()) {
            (Op::Conv(conv), &[o, i, kh, kw]) => {
                (vec![o], i * kh * kw, conv_channels(kh * kw, i, o.checked_div(conv.groups).filter(|&n| n > 0)?))
            }
            (Op::LocallyConnected(_), &[ty, tx, o, i, kh, kw]) => (vec![ty, tx, o], i * kh * kw, conv_channels(kh * kw, i, usize::MAX)),
            (Op::Linear(linear), &[o, k]) if linear.flatten_order.is_empty() => (vec![o], k, ChannelOf::Flattened),
            _ => return None,
        };
        let outputs = *bias_shape.last()?;
        let rows: usize = bias_shape.iter().product();
        let sound = !weight.is_empty() && bias.as_ref().is_none_or(|b| b.len() == rows) && weight.as_i64().is_none();
        sound.then(|| Self { weight, bias, bias_shape: bias_shape.into(), outputs, inner, channel })
    }

    /// The layer followed by `y * scale + shift` per output channel. `None` when it does not fit or overflows.
    pub(super) fn then_affine(&self, scale: &[f64], shift: &[f64]) -> Option<Folded> {
        if scale.len() != self.outputs {
            return None;
        }
        let weights = self.weight.to_f32();
        let weight = if scale.iter().all(|&s| s == 1.0) {
            None
        } else {
            let rows = weights.chunks_exact(self.inner).enumerate();
            Some(
                rows.flat_map(|(r, row)| row.iter().map(move |&w| f64::from(w) * scale[r % self.outputs]))
                    .map(round)
                    .collect::<Option<_>>()?,
            )
        };
        let bias = self.bias(|r, b| b * scale[r % self.outputs] + shift[r % self.outputs])?;
        Some(Folded { weight, bias })
    }

    /// The layer preceded by `x * scale + shift` per input channel, where every tap of the layer sees a real x. `None` when it does not fit or overflows.
    pub(super) fn after_affine(&self, scale: &[f64], shift: &[f64]) -> Option<Folded> {
        if !self.takes_channels(scale.len()) {
            return None;
        }
        let weights = self.weight.to_f32();
        let rows = || weights.chunks_exact(self.inner).enumerate();
        let channel = |r: usize, j: usize| self.channel(r, j, scale.len());
        let weight = if scale.iter().all(|&s| s == 1.0) {
            None
        } else {
            let row = |(r, row)| -> Vec<f64> { each(row, |j, w| w * scale[channel(r, j)]).collect() };
            Some(rows().flat_map(row).map(round).collect::<Option<_>>()?)
        };
        let added: Vec<f64> = rows().map(|(r, row)| each(row, |j, w| w * shift[channel(r, j)]).sum()).collect();
        let bias = self.bias(|r, b| b + added[r])?;
        Some(Folded { weight, bias })
    }

    fn takes_channels(&self, channels: usize) -> bool {
        channels > 0
            && match self.channel {
                ChannelOf::Conv { channels_per_group, rows_per_group, .. } => {
                    let groups = self.outputs.div_ceil(rows_per_group.max(1));
                    channels == groups * channels_per_group
                }
                ChannelOf::Flattened => self.inner.is_multiple_of(channels),
            }
    }

    fn channel(&self, row: usize, j: usize, channels: usize) -> usize {
        match self.channel {
            ChannelOf::Conv { taps, channels_per_group, rows_per_group } => {
                (row % self.outputs) / rows_per_group * channels_per_group + j / taps
            }
            ChannelOf::Flattened => j / (self.inner / channels),
        }
    }

    /// A new bias made row by row; inside, `None` when a layer without one does not need one.
    fn bias(&self, make: impl Fn(usize, f64) -> f64) -> Option<Option<Vec<f32>>> {
        let rows: usize = self.bias_shape.iter().product();
        let old = self.bias.as_ref().map_or_else(|| vec![0.0; rows], |b| b.to_f64());
        let new: Vec<f32> = old.iter().enumerate().map(|(r, &b)| round(make(r, b))).collect::<Option<_>>()?;
        let needed = self.bias.is_some() || new.iter().any(|&b| b != 0.0);
        Some(needed.then_some(new))
    }

    /// Gives a node its new filters as new constants; `tag` goes into their names.
    pub(super) fn store(&self, graph: &mut Graph, i: usize, folded: Folded, tag: &str) -> Result<()> {
        let weight_name = graph.name(graph.nodes[i].inputs[1]).to_owned();
        if let Some(weight) = folded.weight {
            let id = add_constant(graph, &format!("{weight_name}+{tag}"), self.weight.shape().clone(), weight)?;
            graph.nodes[i].inputs[1] = id;
        }
        let Some(bias) = folded.bias else { return Ok(()) };
        let place = operands(&graph.nodes[i].op).and_then(|o| o.bias);
        let bias_name = match place {
            Some(place) => format!("{}+{tag}", graph.name(graph.nodes[i].inputs[place])),
            None => format!("{}.bias+{tag}", label(graph, i)),
        };
        let id = add_constant(graph, &bias_name, self.bias_shape.clone(), bias)?;
        let node = &mut graph.nodes[i];
        match place {
            Some(place) => node.inputs[place] = id,
            None => {
                match &mut node.op {
                    Op::Conv(c) => c.bias = true,
                    Op::Linear(l) => l.bias = true,
                    Op::LocallyConnected(l) => l.bias = true,
                    _ => return Ok(()),
                }
                // The bias comes right after x and the weights.
                node.inputs.insert(2, id);
            }
        }
        Ok(())
    }
}

fn conv_channels(taps: usize, channels_per_group: usize, rows_per_group: usize) -> ChannelOf {
    ChannelOf::Conv { taps, channels_per_group, rows_per_group }
}

fn each<'a>(row: &'a [f32], f: impl Fn(usize, f64) -> f64 + 'a) -> impl Iterator<Item = f64> + 'a {
    row.iter().enumerate().map(move |(j, &w)| f(j, f64::from(w)))
}

fn round(value: f64) -> Option<f32> {
    Some(value as f32).filter(|v| v.is_finite())
}
