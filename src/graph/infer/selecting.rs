//! Extremes and running sums along an axis.

use super::Context;
use crate::error::Result;
use crate::tensor::Shape;

pub(super) fn arg_reduce(ctx: &Context, axis: i64, keep_dims: bool) -> Result<Shape> {
    let axis = ctx.axis(axis)?;
    let mut dims = ctx.shapes[0].to_vec();
    if dims[axis] == 0 {
        return Err(ctx.fail("looks for the extreme of an empty axis"));
    }
    if keep_dims {
        dims[axis] = 1;
    } else {
        dims.remove(axis);
    }
    Ok(dims.into())
}

pub(super) fn top_k(ctx: &Context, axis: i64) -> Result<Shape> {
    let axis = ctx.axis(axis)?;
    let &[k] = ctx.ints(1)? else {
        return Err(ctx.fail(format_args!("needs one number of elements to pick (k), but k has the shape {}", ctx.shapes[1])));
    };
    let mut dims = ctx.shapes[0].to_vec();
    let n = dims[axis];
    dims[axis] =
        usize::try_from(k).ok().filter(|&k| k <= n).ok_or_else(|| ctx.fail(format_args!("picks {k} elements (k) along an axis of {n}")))?;
    Ok(dims.into())
}

pub(super) fn cum_sum(ctx: &Context) -> Result<Shape> {
    let &[axis] = ctx.ints(1)? else {
        return Err(ctx.fail(format_args!("sums along one axis, but its axis has the shape {}", ctx.shapes[1])));
    };
    ctx.axis(axis)?;
    Ok(ctx.shapes[0].clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use crate::error::{Error, Result};
    use crate::graph::{Op, Reduction, infer_node};
    use crate::tensor::{Shape, Tensor};

    /// Infers a node with a float operand and one of whole numbers.
    fn infer(op: &Op, x: &[usize], numbers: &[i64]) -> Result<Shape> {
        let numbers = Arc::new(Tensor::indices(numbers.to_vec()));
        let shapes = [Shape::from(x), numbers.shape().clone()];
        infer_node("tested", op, &shapes, &[None, Some(numbers)]).map(|mut s| s.remove(0))
    }

    #[test]
    fn picking_stays_within_the_axis() {
        let op = Op::TopK { axis: -1, largest: true };
        assert_eq!(infer(&op, &[2, 5], &[5]).unwrap(), Shape::from([2, 5]));
        assert_eq!(infer(&op, &[2, 5], &[0]).unwrap(), Shape::from([2, 0]));
        for k in [&[6][..], &[-1], &[i64::MIN], &[1, 2], &[]] {
            assert!(matches!(infer(&op, &[2, 5], k), Err(Error::Model(_))), "{k:?}");
        }
        assert!(matches!(infer(&Op::TopK { axis: 2, largest: true }, &[2, 5], &[1]), Err(Error::Model(_))));
        let unknown = infer_node("tested", &op, &[Shape::from([2, 5]), Shape::from([1])], &[None, None]);
        assert!(matches!(unknown, Err(Error::Unsupported(_))));
    }

    #[test]
    fn axes_of_sums_and_extremes_are_checked() {
        let sums = Op::CumSum { exclusive: false, reverse: false };
        assert_eq!(infer(&sums, &[2, 5], &[-2]).unwrap(), Shape::from([2, 5]));
        assert!(infer(&sums, &[2, 5], &[2]).is_err() && infer(&sums, &[2, 5], &[0, 1]).is_err());
        let arg = |axis, keep_dims, x: &[usize]| {
            let op = Op::ArgReduce { axis, keep_dims, largest: true, last: false };
            infer_node("tested", &op, &[Shape::from(x)], &[None]).map(|mut s| s.remove(0))
        };
        assert_eq!(arg(-1, false, &[2, 5]).unwrap(), Shape::from([2]));
        assert_eq!(arg(0, true, &[2, 5]).unwrap(), Shape::from([1, 5]));
        assert!(arg(0, true, &[0, 5]).is_err() && arg(0, true, &[]).is_err());
    }

    #[test]
    fn reductions_take_their_axes_from_an_operand() {
        let op = |none_if_empty| Op::Reduce { kind: Reduction::Sum, axes: vec![], keep_dims: false, none_if_empty };
        assert_eq!(infer(&op(false), &[2, 3, 4], &[-1, 0]).unwrap(), Shape::from([3]));
        assert_eq!(infer(&op(false), &[2, 3], &[]).unwrap(), Shape::default());
        assert_eq!(infer(&op(true), &[2, 3], &[]).unwrap(), Shape::from([2, 3]));
        assert!(infer(&op(false), &[2, 3], &[1, -1]).is_err() && infer(&op(false), &[2, 3], &[2]).is_err());
    }
}
