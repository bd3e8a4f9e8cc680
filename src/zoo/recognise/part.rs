//! What a part of a network does, without its numbers, and how parts are told apart.

use std::collections::HashMap;
use std::fmt;

use crate::graph::{AutoPad, PoolKind, Window};

/// A part of a network. Two parts are equal when training could make the one from the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Pictures.
    Input { index: usize },
    /// A layer over windows, with the shape of its weights.
    Windowed { kind: &'static str, weights: Vec<usize>, groups: usize, reach: Reach },
    /// Every input with every output.
    Dense { outputs: usize, inputs: usize },
    /// Pooling of windows.
    Pool { kind: Pooled, with_padding: bool, reach: Reach },
    /// Pooling of all places.
    Global(Pooled),
    /// An element-wise function of two parts, in any order.
    Join(&'static str),
    /// Parts behind each other, in this order.
    Concat,
    /// Some cells of an axis, by the first and the one past the last.
    Cut { from: usize, to: usize, of: usize },
    /// Zeros around each axis after the batch, before and after.
    Pad(Vec<[i64; 2]>),
    /// Another number of places.
    Resize { kind: &'static str, to: Vec<usize> },
    /// Anything else, by what it computes and the shape that it makes of one picture.
    Other { kind: &'static str, to: Vec<usize> },
}

/// What pooling takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pooled {
    Max,
    Average,
    Lp(u32),
}

impl From<PoolKind> for Pooled {
    fn from(kind: PoolKind) -> Self {
        match kind {
            PoolKind::Max => Self::Max,
            PoolKind::Average => Self::Average,
            PoolKind::L2 => Self::Lp(2),
            PoolKind::Lp(p) => Self::Lp(p),
        }
    }
}

/// Where windows lie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reach {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Top and left.
    before: [usize; 2],
    end: End,
}

/// Where windows end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum End {
    /// For pictures of one size: height and width of the result. Padding that no window reaches does not matter.
    Fixed([usize; 2]),
    /// For pictures of any size: by the rule.
    Rule { after: [usize; 2], same: Option<bool>, ceil: bool },
}

impl Reach {
    /// The reach of `window` over maps of `size`, where `any` size may be fed or this one only.
    pub(super) fn new(window: &Window, size: [usize; 2], ceil: bool, any: bool) -> Self {
        let padding = [0, 1].map(|axis| window.padding(axis, size[axis]));
        let (before, mut stride) = (padding.map(|p| p.0), window.stride);
        let end = if any {
            let same = match window.auto {
                AutoPad::SameUpper => Some(true),
                AutoPad::SameLower => Some(false),
                AutoPad::Explicit | AutoPad::Valid => None,
            };
            End::Rule { after: padding.map(|p| p.1), same, ceil }
        } else {
            let made = [0, 1].map(|axis| window.output(axis, size[axis], ceil).unwrap_or(0));
            for axis in 0..2 {
                if made[axis] == 1 {
                    stride[axis] = 1;
                }
            }
            End::Fixed(made)
        };
        Self { kernel: window.kernel, stride, dilation: window.dilation, before, end }
    }

    /// Whether there is one window, and it is the whole map.
    pub(super) fn is_whole(&self, size: [usize; 2]) -> bool {
        self.kernel == size && self.dilation == [1; 2] && self.before == [0; 2] && self.end == End::Fixed([1, 1])
    }

    /// Whether each window is one cell, and each cell has one.
    pub(super) fn is_nothing(&self) -> bool {
        let inside = match self.end {
            End::Fixed(_) => true,
            End::Rule { after, .. } => after == [0; 2],
        };
        self.kernel == [1; 2] && self.stride == [1; 2] && self.before == [0; 2] && inside
    }
}

impl Part {
    /// Whether it has weights.
    pub(super) fn is_layer(&self) -> bool {
        matches!(self, Self::Windowed { .. } | Self::Dense { .. })
    }

    /// Whether both are the same layer, though perhaps over maps of different sizes.
    pub(super) fn is_same_layer(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Windowed { weights: a, reach: x, .. }, Self::Windowed { weights: b, reach: y, .. }) => a == b && x.stride == y.stride,
            (Self::Pool { kind: a, reach: x, .. }, Self::Pool { kind: b, reach: y, .. }) => {
                a == b && (x.kernel, x.stride) == (y.kernel, y.stride)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { index } => write!(f, "input {}", index + 1),
            Self::Windowed { kind, weights, groups, reach } => {
                write!(f, "{kind} {}, {reach}", times(weights))?;
                if *groups == 1 { Ok(()) } else { write!(f, ", {groups} groups") }
            }
            Self::Dense { outputs, inputs } => write!(f, "Linear {outputs}x{inputs}"),
            Self::Pool { kind, reach, .. } => write!(f, "{kind}Pool {}, {reach}", times(&reach.kernel)),
            Self::Global(kind) => write!(f, "Global{kind}Pool"),
            Self::Join(kind) => f.write_str(kind),
            Self::Concat => f.write_str("Concat"),
            Self::Cut { from, to, of } => write!(f, "cells {from} to {to} of {of}"),
            Self::Pad(pads) => write!(f, "Pad {pads:?}"),
            Self::Resize { kind, to } | Self::Other { kind, to } => write!(f, "{kind} to {}", times(to)),
        }
    }
}

impl fmt::Display for Pooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("Max"),
            Self::Average => f.write_str("Average"),
            Self::Lp(p) => write!(f, "L{p}"),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stride {}, padding {}", pair(self.stride), pair(self.before))?;
        match &self.end {
            End::Fixed(made) => write!(f, ", to {}", times(made)),
            End::Rule { ceil: true, .. } => f.write_str(", rounded up"),
            End::Rule { .. } => Ok(()),
        }
    }
}

fn pair([a, b]: [usize; 2]) -> String {
    if a == b { a.to_string() } else { format!("{a}x{b}") }
}

fn times(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// A part and all that comes before it, as a number: two networks have the same numbers where they are the same.
pub(super) type Structure = usize;

/// Gives numbers to structures.
#[derive(Debug, Default)]
pub(super) struct Structures {
    numbers: HashMap<(Part, Vec<Structure>), Structure>,
    /// By number, what each is read from.
    from: Vec<Vec<Structure>>,
}

impl Structures {
    /// The number of `part` over `from`.
    pub(super) fn number(&mut self, part: Part, from: Vec<Structure>) -> Structure {
        let next = self.from.len();
        let number = *self.numbers.entry((part, from.clone())).or_insert(next);
        if number == next {
            self.from.push(from);
        }
        number
    }

    /// The structures that `structure` is read from.
    pub(super) fn from(&self, structure: Structure) -> &[Structure] {
        self.from.get(structure).map_or(&[], Vec::as_slice)
    }

    /// Whether each structure is among `ends` or before them.
    pub(super) fn up_to(&self, ends: &[Structure]) -> Vec<bool> {
        let mut reached = vec![false; self.from.len()];
        let mut open = ends.to_vec();
        while let Some(s) = open.pop() {
            if !std::mem::replace(&mut reached[s], true) {
                open.extend(self.from(s));
            }
        }
        reached
    }
}
