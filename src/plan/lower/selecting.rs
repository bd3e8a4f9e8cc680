//! Lowering of extremes, order and running sums along an axis.

use super::{Lower, resolve};
use crate::error::{Error, Result};
use crate::graph::{Node, Op, ValueId};
use crate::kernels::select::arg::{self, Search};
use crate::kernels::select::scan::{self, Sums};
use crate::kernels::select::sort;
use crate::tensor::DType;

impl Lower<'_, '_, '_> {
    /// Where extremes lie, and whatever else selects along an axis.
    pub(super) fn select(&mut self, node: &Node, x: ValueId, y: ValueId) -> Result<()> {
        let real = self.dtype(x).is_float();
        match &node.op {
            Op::ArgReduce { axis, largest, last, .. } => {
                self.search(node, *axis, false, Search { largest: *largest, last: *last, mark: false, real }, x, y)
            }
            Op::Hardmax { axis, flatten } => {
                self.search(node, *axis, *flatten, Search { largest: true, last: false, mark: true, real }, x, y)
            }
            Op::TopK { axis, largest } => {
                let k = self.shape(y)[resolve(*axis, self.shape(y).rank())];
                let (source, lines) = (self.plain(x)?, self.lines(x, *axis, false));
                let out = sort::record(self.rec, &node.name, (*largest, real), source, lines, k)?;
                self.put_plain(y, out);
                Ok(())
            }
            Op::CumSum { exclusive, reverse } => self.cum_sum(node, Sums { exclusive: *exclusive, reverse: *reverse, real }, x, y),
            op => Err(Error::Unsupported(format!("The {} `{}` selects nothing.", op.kind(), node.name))),
        }
    }

    fn search(&mut self, node: &Node, axis: i64, flatten: bool, search: Search, x: ValueId, y: ValueId) -> Result<()> {
        let (source, lines) = (self.plain(x)?, self.lines(x, axis, flatten));
        let out = arg::record(self.rec, &node.name, search, source, lines)?;
        self.put_plain(y, out);
        Ok(())
    }

    fn cum_sum(&mut self, node: &Node, sums: Sums, x: ValueId, y: ValueId) -> Result<()> {
        let dtype = self.dtype(x);
        if !dtype.is_float() && dtype.bytes() < DType::I32.bytes() {
            return Err(Error::Unsupported(format!(
                "The CumSum `{}` sums {dtype} numbers, which ONNX defines for 32 bits and more. Cast its operand to int32.",
                node.name
            )));
        }
        let axis = self.constant(node, node.inputs[1], "axis")?;
        let axis = axis.as_i64().and_then(|v| v.first().copied()).unwrap_or_default();
        let (source, lines) = (self.plain(x)?, self.lines(x, axis, false));
        let out = scan::record(self.rec, &node.name, sums, source, lines)?;
        self.put_plain(y, out);
        Ok(())
    }
}
