#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::graph::*;

fn infer(op: &Op, shapes: &[&[usize]]) -> Result<Vec<Shape>> {
    let shapes: Vec<_> = shapes.iter().map(|&s| Shape::from(s)).collect();
    infer_node("tested", op, &shapes, &vec![None; shapes.len()])
}

/// Infers a node with one f32 operand and index operands.
fn infer_with(op: &Op, x: &[usize], indices: &[&[i64]]) -> Result<Shape> {
    let tensors: Vec<_> = indices.iter().map(|v| Arc::new(Tensor::indices(v.to_vec()))).collect();
    let shapes: Vec<_> = [Shape::from(x)].into_iter().chain(tensors.iter().map(|t| t.shape().clone())).collect();
    let constants: Vec<_> = [None].into_iter().chain(tensors.into_iter().map(Some)).collect();
    infer_node("tested", op, &shapes, &constants).map(|mut s| s.remove(0))
}

fn conv(window: Window, groups: usize) -> Op {
    Op::Conv(Conv { window, groups, bias: false, pre_affine: false, epilogue: Epilogue::default() })
}

#[test]
fn convolutions_check_groups_kernels_and_room() {
    let same = conv(Window::square(3, 2, 1), 2);
    assert_eq!(infer(&same, &[&[2, 4, 112, 96], &[6, 2, 3, 3]]).unwrap(), [Shape::from([2, 6, 56, 48])]);
    assert!(matches!(infer(&same, &[&[2, 4, 8, 8], &[6, 4, 3, 3]]), Err(Error::Model(_))));
    assert!(matches!(infer(&same, &[&[2, 4, 8, 8], &[6, 2, 3, 2]]), Err(Error::Model(_))));
    assert!(matches!(infer(&conv(Window::square(0, 1, 0), 1), &[&[1, 1, 8, 8], &[1, 1, 0, 0]]), Err(Error::Model(_))));
    assert!(matches!(infer(&conv(Window::square(1, 0, 0), 1), &[&[1, 1, 8, 8], &[1, 1, 1, 1]]), Err(Error::Model(_))));
    let Err(Error::Caller(text)) = infer(&conv(Window::square(5, 1, 0), 1), &[&[1, 1, 4, 4], &[1, 1, 5, 5]]) else { unreachable!() };
    assert_eq!(
        text,
        "The Conv node `tested` has a 5x5 window that does not fit its input of 4x4 cells even with its padding \
         (operands: 1x1x4x4, 1x1x5x5). Give a larger picture."
    );
}

#[test]
fn every_optional_operand_of_a_convolution_is_checked() {
    let epilogue = Epilogue { slope: true, residual: true, ..Epilogue::default() };
    let op = Op::Conv(Conv { window: Window::square(1, 1, 0), groups: 1, bias: true, pre_affine: true, epilogue });
    let good: [&[usize]; 7] = [&[2, 3, 4, 5], &[6, 3, 1, 1], &[6], &[3], &[3], &[6], &[2, 6, 4, 5]];
    assert!(infer(&op, &good).is_ok());
    for i in 2..good.len() {
        let mut bad = good;
        bad[i] = &[1];
        assert!(matches!(infer(&op, &bad), Err(Error::Model(_))), "operand {i}");
        assert!(matches!(infer(&op, &good[..i]), Err(Error::Model(_))), "{i} operands");
    }
}

#[test]
fn rounded_up_pooling_drops_windows_that_start_beyond_the_picture() {
    let pool = |window, ceil| Op::Pool(Pool { kind: PoolKind::Max, window, ceil, count_include_pad: false });
    assert_eq!(infer(&pool(Window::square(3, 2, 0), true), &[&[1, 32, 142, 142]]).unwrap(), [Shape::from([1, 32, 71, 71])]);
    assert_eq!(infer(&pool(Window::square(2, 2, 1), true), &[&[1, 1, 4, 4]]).unwrap(), [Shape::from([1, 1, 3, 3])]);
    assert!(matches!(infer(&pool(Window::square(2, 2, 2), true), &[&[1, 1, 4, 4]]), Err(Error::Model(_))));
}

#[test]
fn reshapes_infer_one_dimension_and_copy_zeros() {
    let reshape = |target: &[i64]| infer_with(&Op::Reshape { allow_zero: false }, &[2, 3, 4], &[target]);
    assert_eq!(reshape(&[0, -1]).unwrap(), Shape::from([2, 12]));
    assert_eq!(reshape(&[4, 6]).unwrap(), Shape::from([4, 6]));
    for bad in [&[-1, -1][..], &[5, -1], &[2, 3], &[2, 3, -4], &[0, 0, 0, 0], &[i64::MAX, i64::MAX, 2], &[0, i64::MIN]] {
        assert!(matches!(reshape(bad), Err(Error::Model(_))), "{bad:?}");
    }
    assert!(infer_with(&Op::Reshape { allow_zero: true }, &[2, 3], &[&[0, -1]]).is_err());
}

#[test]
fn shapes_that_only_exist_at_run_time_are_not_supported() {
    assert!(matches!(infer(&Op::Reshape { allow_zero: false }, &[&[2, 3], &[2]]), Err(Error::Unsupported(_))));
}

#[test]
fn tensors_beyond_32_bit_indices_hit_a_limit() {
    let expand = |target: &[i64]| infer_with(&Op::Expand, &[1], &[target]);
    assert_eq!(expand(&[i64::from(i32::MAX)]).unwrap(), Shape::from([i32::MAX as usize]));
    assert!(matches!(expand(&[1 << 16, 1 << 15]), Err(Error::Limits(_))));
    assert!(matches!(expand(&[1 << 30, 1 << 30, 1 << 30]), Err(Error::Limits(_))));
    assert!(expand(&[i64::MAX]).is_err() && expand(&[-1]).is_err());
}

#[test]
fn any_axis_can_be_resampled() {
    let op = Op::Resize(Resize::new(ResizeMode::Nearest, Coordinates::HalfPixel, NearestRounding::Floor, ResizeTarget::Sizes));
    assert_eq!(infer_with(&op, &[1, 2, 3, 4], &[&[1, 2, 6, 3]]).unwrap(), Shape::from([1, 2, 6, 3]));
    assert_eq!(infer_with(&op, &[1, 2, 4], &[&[1, 2, 3]]).unwrap(), Shape::from([1, 2, 3]));
    assert_eq!(infer_with(&op, &[1, 2, 3, 4], &[&[1, 4, 3, 4]]).unwrap(), Shape::from([1, 4, 3, 4]));
    assert!(matches!(infer_with(&op, &[1, 2, 3, 4], &[&[1, 2, 0, 4]]), Err(Error::Model(_))));
    assert!(matches!(infer_with(&op, &[1, 1, 1, 4], &[&[1, 1, 1, 1 << 21]]), Err(Error::Limits(_))));
}

#[test]
fn a_ratio_is_kept_below_or_above_the_sizes() {
    let stretch = Resize::new(ResizeMode::Nearest, Coordinates::HalfPixel, NearestRounding::Floor, ResizeTarget::Sizes);
    let resize = |aspect| Op::Resize(Resize { axes: vec![-1, 2], aspect, ..stretch.clone() });
    let run = |aspect, sizes: &[i64]| infer_with(&resize(aspect), &[1, 3, 20, 40], &[sizes]);
    assert_eq!(run(AspectRatio::Stretch, &[8, 8]).unwrap(), Shape::from([1, 3, 8, 8]));
    assert_eq!(run(AspectRatio::NotLarger, &[7, 8]).unwrap(), Shape::from([1, 3, 4, 7]));
    assert_eq!(run(AspectRatio::NotSmaller, &[7, 8]).unwrap(), Shape::from([1, 3, 8, 16]));
    assert!(matches!(run(AspectRatio::NotLarger, &[8]), Err(Error::Model(_))));
}

#[test]
fn gathers_check_the_indices_they_know() {
    let gather = Op::Gather { axis: 1 };
    assert_eq!(infer_with(&gather, &[2, 3, 4], &[&[2, -3]]).unwrap(), Shape::from([2, 2, 4]));
    assert!(matches!(infer_with(&gather, &[2, 3, 4], &[&[3]]), Err(Error::Model(_))));
    assert_eq!(infer(&gather, &[&[2, 3, 4], &[5, 6]]).unwrap(), [Shape::from([2, 5, 6, 4])]);
    assert!(matches!(infer(&gather, &[&[2, 0, 4], &[5]]), Err(Error::Model(_))));
    assert_eq!(infer(&Op::GatherElements { axis: 0 }, &[&[2, 3], &[7, 1]]).unwrap(), [Shape::from([7, 1])]);
    assert!(matches!(infer(&Op::GatherElements { axis: 0 }, &[&[2, 3], &[7, 4]]), Err(Error::Model(_))));
    let tuples = |batch_dims| infer(&Op::GatherNd { batch_dims }, &[&[2, 3, 4, 5], &[2, 7, 2]]);
    assert_eq!(tuples(0).unwrap(), [Shape::from([2, 7, 4, 5])]);
    assert_eq!(tuples(1).unwrap(), [Shape::from([2, 7, 5])]);
    assert!(tuples(2).is_err() && tuples(9).is_err());
}

#[test]
fn ranges_count_as_python_does() {
    let count = |start: &[i64], limit: &[i64], delta: &[i64]| {
        let tensors = [start, limit, delta].map(|v| Some(Arc::new(Tensor::indices(v.to_vec()))));
        infer_node("tested", &Op::Range, &[Shape::from([1]), Shape::from([1]), Shape::from([1])], &tensors).map(|s| s[0].len())
    };
    assert_eq!(count(&[1], &[10], &[3]).unwrap(), 3);
    assert_eq!(count(&[1], &[11], &[3]).unwrap(), 4);
    assert_eq!(count(&[10], &[-3], &[-4]).unwrap(), 4);
    assert_eq!(count(&[3], &[3], &[1]).unwrap(), 0);
    assert!(count(&[0], &[1], &[0]).is_err() && count(&[i64::MIN], &[i64::MAX], &[1]).is_err());
}

#[test]
fn equal_parts_are_rounded_up_and_the_last_is_smaller() {
    assert_eq!(geometry::equal_parts(7, 3), Some(vec![3, 3, 1]));
    assert_eq!(geometry::equal_parts(6, 3), Some(vec![2, 2, 2]));
    assert_eq!(geometry::equal_parts(4, 3), Some(vec![2, 2, 0]));
    assert_eq!(geometry::equal_parts(5, 4), None);
    assert_eq!(geometry::equal_parts(4, 0), None);
}

#[test]
fn chains_from_shapes_to_shapes_are_followed() {
    let mut graph = Graph::default();
    let dims = ["batch", "channels", "height", "width"].map(|name| Dim::Free(name.into()));
    let x = graph.add_input("x", dims.to_vec());
    let moved = graph.add_node("moved", Op::Transpose { perm: vec![0, 2, 3, 1] }, &[x]);
    let shape = graph.add_node("shape", Op::Shape { start: 0, end: Some(1) }, &[x]);
    let rest = graph.add_constant("rest", Tensor::indices(vec![-1, 2]));
    let target = graph.add_node("target", Op::Concat { axis: 0 }, &[shape, rest]);
    let y = graph.add_node("y", Op::Reshape { allow_zero: false }, &[moved, target]);
    graph.outputs = vec![y];
    for (batch, height) in [(1, 3), (5, 7)] {
        let shapes = infer_shapes(&graph, &[Shape::from([batch, 2, height, 4])]).unwrap();
        assert_eq!(shapes[y.0 as usize], Shape::from([batch, height * 4, 2]));
    }
    assert!(matches!(infer_shapes(&graph, &[]), Err(Error::Caller(_))));
}

#[test]
fn references_to_missing_values_are_refused() {
    let mut graph = Graph::default();
    let x = graph.add_input("x", vec![Dim::Free("batch".into())]);
    graph.add_node("y", Op::Identity, &[x]);
    graph.nodes[0].inputs[0] = ValueId(99);
    assert!(matches!(infer_shapes(&graph, &[Shape::from([1])]), Err(Error::Model(_))));
}
