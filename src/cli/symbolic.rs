//! Shapes of outputs in terms of the free dimensions of the inputs.

use lookalike::Result;
use lookalike::graph::{Dim, Graph, infer_shapes};
use lookalike::tensor::Shape;
use serde_json::{Value, json};

/// A dimension as JSON: a number, or the name of a free one.
pub(crate) fn dim(d: &Dim) -> Value {
    match d {
        Dim::Fixed(n) => json!(n),
        Dim::Free(name) => json!(name),
    }
}

/// The dimensions of every output: numbers, names of free dimensions, or quotients and multiples of them ("height/8"); null where a
/// dimension depends on several or in another way. `None` when the model takes none of the sizes that are tried.
pub(crate) fn outputs(graph: &Graph, given: &[(String, Shape)]) -> Option<Vec<Vec<Value>>> {
    let mut names: Vec<&str> = Vec::new();
    for d in graph.inputs.iter().flat_map(|i| &i.dims) {
        if let Dim::Free(name) = d
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    // Multiples of every usual stride. Where whole shapes are given, only the batch varies.
    const SIZES: [usize; 3] = [320, 640, 224];
    let batch = graph.inputs.iter().filter_map(|i| i.dims.first()).find_map(|d| if let Dim::Free(n) = d { Some(n.as_str()) } else { None });
    let size = |name: &str, base: usize, doubled: Option<&str>| {
        let plain = if Some(name) == batch { 1 } else { base };
        if doubled == Some(name) { plain * 2 } else { plain }
    };
    for base in SIZES {
        let attempt = |doubled: Option<&str>| -> Result<Vec<Shape>> {
            let inputs: Vec<Shape> = graph
                .inputs
                .iter()
                .map(|input| {
                    let whole = given.iter().find(|(n, _)| n == graph.name(input.value)).map(|(_, s)| s);
                    let dims = input.dims.iter().enumerate().map(|(i, d)| match (d, whole) {
                        (Dim::Fixed(n), _) => *n,
                        (Dim::Free(name), Some(shape)) if i > 0 || Some(name.as_str()) != batch => shape.get(i).copied().unwrap_or(1),
                        (Dim::Free(name), _) => size(name, base, doubled),
                    });
                    Shape::from(dims.collect::<Vec<_>>())
                })
                .collect();
            let all = infer_shapes(graph, &inputs)?;
            Ok(graph.outputs.iter().map(|o| all[o.0 as usize].clone()).collect())
        };
        let Ok(nominal) = attempt(None) else { continue };
        let varied: Vec<_> = names.iter().map(|n| (*n, size(n, base, None), attempt(Some(n)).ok())).collect();
        return Some(nominal.iter().enumerate().map(|(o, shape)| describe(o, shape, &varied)).collect());
    }
    None
}

fn describe(output: usize, nominal: &Shape, varied: &[(&str, usize, Option<Vec<Shape>>)]) -> Vec<Value> {
    let along = |(axis, &n): (usize, &usize)| {
        let other = |shapes: &Option<Vec<Shape>>| shapes.as_ref().and_then(|s| s.get(output)?.get(axis).copied());
        let mut movers = varied.iter().filter(|(_, _, shapes)| other(shapes).is_some_and(|m| m != n));
        let Some((name, size, shapes)) = movers.next() else { return json!(n) };
        let proportional = movers.next().is_none() && other(shapes) == Some(n * 2);
        match (proportional, n, *size) {
            (true, n, size) if n == size => json!(name),
            (true, n, size) if n % size == 0 => json!(format!("{}*{name}", n / size)),
            (true, n, size) if size % n == 0 => json!(format!("{name}/{}", size / n)),
            _ => Value::Null,
        }
    };
    nominal.iter().enumerate().map(along).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use lookalike::graph::{Op, Pool, PoolKind, Window};
    use lookalike::tensor::Tensor;

    #[test]
    fn free_dimensions_keep_their_names() {
        let mut g = Graph::default();
        let free = |n: &str| Dim::Free(n.to_owned());
        let x = g.add_input("x", vec![free("n"), Dim::Fixed(3), free("h"), Dim::Fixed(8)]);
        let pool = Pool { kind: PoolKind::Max, window: Window::square(2, 2, 0), ceil: false, count_include_pad: false };
        let half = g.add_node("half", Op::Pool(pool), &[x]);
        let target = g.add_constant("target", Tensor::indices(vec![0, -1]));
        let flat = g.add_node("flat", Op::Reshape { allow_zero: false }, &[half, target]);
        g.outputs = vec![half, flat];
        let shapes = outputs(&g, &[]).unwrap();
        assert_eq!(shapes[0], [json!("n"), json!(3), json!("h/2"), json!(4)]);
        assert_eq!(shapes[1], [json!("n"), json!("6*h")]);
    }
}
