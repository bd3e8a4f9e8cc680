//! The constant weights and bias of a convolution or linear layer, and per-channel factors worked into them.
//!
//! All three layer kinds are rows of numbers: row r belongs to output channel `r % outputs` (only locally connected layers have more
//! than one bank of rows). Arithmetic is f64, rounded to f32 once. Nothing is changed in place, because constants may be shared.

use std::sync::Arc;

use super::rewriter::{add_constant, label, operands};
use crate::error::Result;
use crate::graph::{Graph, Node, Op};
use crate::tensor::{Shape, Tensor};

/// Weights below which a thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 18;

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
        let weight = self.scaled(scale, |r, row| times(row, scale[r % self.outputs]))?;
        let bias = self.bias(|r, b| b * scale[r % self.outputs] + shift[r % self.outputs])?;
        Some(Folded { weight, bias })
    }

    /// The layer preceded by `x * scale + shift` per input channel, where every tap of the layer sees a real x. `None` when it does not fit or overflows.
    pub(super) fn after_affine(&self, scale: &[f64], shift: &[f64]) -> Option<Folded> {
        if !self.takes_channels(scale.len()) {
            return None;
        }
        let weights = self.weight.to_f32();
        let (width, channels) = (self.width(scale.len()), scale.len());
        let weight = self.scaled(scale, |r, row| {
            let of_row = &scale[self.first_channel(r, channels)..];
            row.chunks_exact_mut(width).zip(of_row).for_each(|(part, &s)| times(part, s));
        })?;
        let sum = |part: &[f32]| part.iter().map(|&w| f64::from(w)).sum::<f64>();
        let added = |(r, row): (usize, &[f32])| -> f64 {
            let of_row = &shift[self.first_channel(r, channels)..];
            row.chunks_exact(width).zip(of_row).map(|(part, &t)| sum(part) * t).sum()
        };
        let added: Vec<f64> = weights.chunks_exact(self.inner).enumerate().map(added).collect();
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

    /// Numbers side by side in a row that belong to one input channel.
    fn width(&self, channels: usize) -> usize {
        match self.channel {
            ChannelOf::Conv { taps, .. } => taps,
            ChannelOf::Flattened => self.inner / channels,
        }
        .max(1)
    }

    /// The input channel that a row begins with.
    fn first_channel(&self, row: usize, channels: usize) -> usize {
        match self.channel {
            ChannelOf::Conv { channels_per_group, rows_per_group, .. } => {
                ((row % self.outputs) / rows_per_group * channels_per_group).min(channels)
            }
            ChannelOf::Flattened => 0,
        }
    }

    /// New weights, row by row; inside, `None` when every factor is 1. `None` when a number overflows.
    fn scaled(&self, scale: &[f64], row: impl Fn(usize, &mut [f32]) + Sync) -> Option<Option<Vec<f32>>> {
        if scale.iter().all(|&s| s == 1.0) {
            return Some(None);
        }
        let old = self.weight.to_f32();
        let mut new = vec![0.0; old.len()];
        let part = |first: usize, from: &[f32], to: &mut [f32]| {
            // Row by row, so that a row is in the cache for all of it.
            let rows = from.chunks(self.inner).zip(to.chunks_mut(self.inner)).enumerate();
            rows.fold(true, |finite, (r, (from, to))| {
                to.copy_from_slice(from);
                row(first + r, to);
                to.iter().fold(finite, |finite, w| finite & w.is_finite())
            })
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(old.len() / WORTH_A_THREAD + 1);
        let rows = (old.len() / self.inner.max(1)).div_ceil(threads).max(1);
        let len = rows * self.inner.max(1);
        let finite = std::thread::scope(|scope| {
            let mut parts = old.chunks(len).zip(new.chunks_mut(len)).enumerate().map(|(i, (from, to))| (i * rows, from, to));
            let own = parts.next();
            let others: Vec<_> = parts.map(|(first, from, to)| scope.spawn(move || part(first, from, to))).collect();
            let own = own.is_none_or(|(first, from, to)| part(first, from, to));
            others.into_iter().fold(own, |all, other| other.join().unwrap_or(false) && all)
        });
        finite.then_some(Some(new))
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

/// Every number times `s`, rounded once.
fn times(numbers: &mut [f32], s: f64) {
    numbers.iter_mut().for_each(|w| *w = (f64::from(*w) * s) as f32);
}

fn round(value: f64) -> Option<f32> {
    Some(value as f32).filter(|v| v.is_finite())
}
