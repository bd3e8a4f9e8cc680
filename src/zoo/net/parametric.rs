//! Layers that own tensors of the state dict.

use super::{Kernel, Map, Net, Role};
use crate::graph::{Binary, Conv, Epilogue, Linear, LocallyConnected, Op, ValueId};
use crate::tensor::{DType, Tensor};

impl Net<'_> {
    fn weights(&mut self, name: &str, role: Role, shape: &[usize]) -> ValueId {
        self.parameter(format!("{name}.weight"), role, shape)
    }

    fn bias(&mut self, name: &str, present: bool, shape: &[usize]) -> Option<ValueId> {
        present.then(|| self.parameter(format!("{name}.bias"), Role::Bias, shape))
    }

    /// Convolution to `out` channels: `.weight` `[out, c / groups, kh, kw]`, `.bias` if the kernel asks for one.
    pub(crate) fn conv(&mut self, name: &str, x: Map, out: usize, kernel: Kernel) -> Map {
        let [y] = self.shared_conv(name, [x], out, kernel);
        y
    }

    /// The same convolution, with the same parameters, of each of `xs`.
    pub(crate) fn shared_conv<const N: usize>(&mut self, name: &str, xs: [Map; N], out: usize, kernel: Kernel) -> [Map; N] {
        let [kh, kw] = kernel.window().kernel;
        let channels = xs.first().map_or(0, |x| x.c);
        let w = self.weights(name, Role::Weight, &[out, channels / kernel.groups.max(1), kh, kw]);
        let b = self.bias(name, kernel.bias, &[out]);
        let conv =
            Conv { window: kernel.window(), groups: kernel.groups, bias: kernel.bias, pre_affine: false, epilogue: Epilogue::default() };
        xs.map(|x| {
            let operands: Vec<_> = [x.id, w].into_iter().chain(b).collect();
            self.node(name, Op::Conv(conv.clone()), &operands)
        })
    }

    /// Locally connected layer with biases: `.weight` `[ty, tx, out, c, kh, kw]`, `.bias` `[ty, tx, out]`.
    pub(crate) fn local(&mut self, name: &str, x: Map, out: usize, kernel: Kernel) -> Map {
        let window = kernel.window();
        let [kh, kw] = window.kernel;
        // A window that does not fit gives no tiles, and shape inference says why.
        let tiles = |axis: usize, n: usize| window.output(axis, n, false).unwrap_or(0).div_ceil(kernel.tile.max(1));
        let [ty, tx] = [tiles(0, x.h), tiles(1, x.w)];
        let w = self.weights(name, Role::LocalWeight, &[ty, tx, out, x.c, kh, kw]);
        let b = self.parameter(format!("{name}.bias"), Role::Bias, &[ty, tx, out]);
        let local = LocallyConnected { window, tile: [kernel.tile; 2], bias: true, epilogue: Epilogue::default() };
        self.node(name, Op::LocallyConnected(local), &[x.id, w, b])
    }

    /// Fully connected layer over `x` flattened as C, H, W: `.weight` `[out, c * h * w]`, `.bias` when `bias`.
    pub(crate) fn fc(&mut self, name: &str, x: Map, out: usize, bias: bool) -> Map {
        self.fc_of(name, x, out, bias, Vec::new())
    }

    /// The same over `x` flattened as W, H, C.
    pub(crate) fn fc_whc(&mut self, name: &str, x: Map, out: usize, bias: bool) -> Map {
        self.fc_of(name, x, out, bias, vec![2, 1, 0])
    }

    fn fc_of(&mut self, name: &str, x: Map, out: usize, bias: bool, flatten_order: Vec<usize>) -> Map {
        let rows = [out, x.c * x.h * x.w];
        let w = if flatten_order.is_empty() && x.h * x.w > 1 {
            // Some programs store rows in another order, which only the shape of the map tells.
            self.parameter_as(format!("{name}.weight"), Role::Weight, &[out, x.c, x.h, x.w], &rows)
        } else {
            self.weights(name, Role::Weight, &rows)
        };
        let b = self.bias(name, bias, &[out]);
        let operands: Vec<_> = [x.id, w].into_iter().chain(b).collect();
        self.node(name, Op::Linear(Linear { bias, flatten_order, epilogue: Epilogue::default() }), &operands)
    }

    /// Batch normalisation: `.weight`, `.bias`, `.running_mean`, `.running_var`.
    pub(crate) fn bn(&mut self, name: &str, x: Map) -> Map {
        let scale = self.weights(name, Role::Scale, &[x.c]);
        self.bn_scaled(name, x, scale)
    }

    /// Batch normalisation whose factor was fixed at 1 in training: `.bias`, `.running_mean`, `.running_var`.
    pub(crate) fn bn_fixed(&mut self, name: &str, x: Map) -> Map {
        let count = self.constant(&format!("{name}.count"), Tensor::indices(vec![x.c as i64]));
        let ones = self.node(&format!("{name}.ones"), Op::ConstantOfShape { value: 1.0, dtype: DType::F32 }, &[count]);
        self.bn_scaled(name, x, ones.id)
    }

    fn bn_scaled(&mut self, name: &str, x: Map, scale: ValueId) -> Map {
        let c = [x.c];
        let shift = self.parameter(format!("{name}.bias"), Role::Shift, &c);
        let mean = self.parameter(format!("{name}.running_mean"), Role::Mean, &c);
        let variance = self.parameter(format!("{name}.running_var"), Role::Variance, &c);
        self.node(name, Op::BatchNorm { epsilon: self.epsilon }, &[x.id, scale, shift, mean, variance])
    }

    /// `y = x * weight + bias` per channel.
    pub(crate) fn affine(&mut self, name: &str, x: Map) -> Map {
        let scale = self.weights(name, Role::Scale, &[x.c]);
        let shift = self.parameter(format!("{name}.bias"), Role::Shift, &[x.c]);
        self.node(name, Op::Affine, &[x.id, scale, shift])
    }

    /// One learned factor for all of `x`: `.weight` `[1]`.
    pub(crate) fn scale(&mut self, name: &str, x: Map) -> Map {
        let factor = self.weights(name, Role::Scale, &[1]);
        self.node(name, Op::Binary(Binary::Mul), &[x.id, factor])
    }

    /// PReLU with a slope a channel: `.weight`.
    pub(crate) fn prelu(&mut self, name: &str, x: Map) -> Map {
        let slope = self.weights(name, Role::Slope, &[x.c]);
        self.node(name, Op::PRelu, &[x.id, slope])
    }
}
