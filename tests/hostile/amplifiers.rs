//! Files of some megabytes in which a few bytes stand for much more in memory; too large to be kept, so they are made here.

/// A length-delimited protobuf field.
fn field(number: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(u64::from(number << 3 | 2), &mut out);
    prost::encoding::encode_varint(payload.len() as u64, &mut out);
    out.extend_from_slice(payload);
    out
}

fn number(number: u32, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(u64::from(number << 3), &mut out);
    prost::encoding::encode_varint(value, &mut out);
    out
}

/// A value of two dimensions.
fn info(name: &str) -> Vec<u8> {
    let dim = |n| field(1, &number(1, n));
    let shape = field(2, &[dim(1), dim(4)].concat());
    let tensor = field(1, &[number(1, 1), shape].concat());
    [field(1, name.as_bytes()), field(2, &tensor)].concat()
}

fn model(graph: &[Vec<u8>]) -> Vec<u8> {
    let ends = [field(11, &info("x")), field(12, &info("y"))].concat();
    [number(1, 8), field(7, &[graph.concat(), ends].concat()), field(8, &number(2, 13))].concat()
}

fn node(op: &str, inputs: &[&str], outputs: &[&str], more: &[Vec<u8>]) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|i| field(1, i.as_bytes()));
    let outputs = outputs.iter().flat_map(|o| field(2, o.as_bytes()));
    field(1, &[inputs.collect(), outputs.collect(), field(4, op.as_bytes()), more.concat()].concat())
}

fn weight(name: &str, dims: &[u64], kind: u64, payload: Vec<u8>) -> Vec<u8> {
    let dims = dims.iter().flat_map(|&d| number(1, d));
    field(5, &[dims.collect(), number(2, kind), field(8, name.as_bytes()), payload].concat())
}

fn ints(name: &str, values: &[u64]) -> Vec<u8> {
    weight(name, &[values.len() as u64], 7, values.iter().flat_map(|&v| number(7, v)).collect())
}

/// A chain of nodes from `x` to `y`.
fn chain(n: usize, link: impl Fn(&str, &str) -> Vec<u8>) -> Vec<u8> {
    let name = |i: usize| {
        if i == 0 {
            "x".to_owned()
        } else if i == n {
            "y".to_owned()
        } else {
            format!("{i:x}")
        }
    };
    (0..n).flat_map(|i| link(&name(i), &name(i + 1))).collect()
}

/// A model file with this graph and these tensors of four bytes.
fn model_file(nodes: &str, inputs: &str, tensors: &str, data: usize) -> Vec<u8> {
    let graph = format!("{{\"inputs\":[{inputs}],\"outputs\":[\"y\"],\"nodes\":[{nodes}]}}");
    let meta = serde_json::json!({ "lookalike.format": "1", "lookalike.graph": graph, "lookalike.description": "{\"name\":\"m\"}" });
    let header = format!("{{\"__metadata__\":{meta}{tensors}}}");
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

/// A model that calls one function, whose body is `body`, `calls` times in a row.
fn calling(name: &str, calls: usize, call: &[Vec<u8>], body: &[Vec<u8>]) -> Vec<u8> {
    let function = [field(1, b"F"), field(4, b"a"), field(5, b"b"), body.concat(), field(10, b"d"), field(9, &number(2, 13))].concat();
    let more = [&[field(3, name.as_bytes()), field(7, b"d")], call].concat();
    [model(&[chain(calls, |i, o| node("F", &[i], &[o], &more))]), field(25, &function)].concat()
}

/// A node of a function's body.
fn inner(op: &str, output: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let node = [field(1, b"a"), field(2, output.as_bytes()), field(4, op.as_bytes()), more.concat()].concat();
    field(7, &node)
}

/// Name and content.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let relu = node("Relu", &["x"], &["y"], &[]);
    let many = |n: usize, part: &[u8]| part.repeat(n);
    let names = |n: usize| (0..n).map(|i| format!("{i:x}")).collect::<Vec<_>>();
    let long = "n".repeat((1 << 18) + 1);
    let split = names(70_000);
    let mut outputs: Vec<_> = split.iter().map(String::as_str).collect();
    outputs.push("y");
    let x = "{\"name\":\"x\",\"dims\":[\"b\",4]}";
    let identity = |i: &str, o: &str| format!("{{\"name\":\"\",\"inputs\":[\"{i}\"],\"outputs\":[\"{o}\"],\"op\":\"identity\"}}");
    let linked: Vec<_> = names(40_000).windows(2).map(|w| identity(&w[0], &w[1])).collect();
    vec![
        ("empty nodes", model(&[many((1 << 18) + 1, &[0x0a, 0])])),
        ("empty weights", model(&[many((1 << 18) + 1, &[0x2a, 0])])),
        ("empty inputs", model(&[many((1 << 18) + 1, &[0x5a, 0]), relu.clone()])),
        ("empty outputs", model(&[many((1 << 18) + 1, &[0x62, 0]), relu.clone()])),
        ("empty operands", model(&[node("Sum", &[], &["y"], &[many((1 << 18) + 1, &[0x0a, 0])])])),
        ("empty results", model(&[node("Split", &["x"], &["y"], &[many((1 << 18) + 1, &[0x12, 0])])])),
        ("empty attributes", model(&[node("Relu", &["x"], &["y"], &[many((1 << 18) + 1, &[0x2a, 0])])])),
        ("same operand", model(&[node("Sum", &[], &["y"], &[many((1 << 18) + 1, &field(1, b"x"))])])),
        ("results", model(&[node("Split", &["x"], &outputs, &[])])),
        ("chain", model(&[chain(30_000, |i, o| node("Relu", &[i], &[o], &[]))])),
        ("chain of factors", model(&[chain(3_000, |i, o| node("Mul", &[i, "w"], &[o], &[])), weight("w", &[4], 1, field(9, &[0; 16]))])),
        ("chain of long names", model(&[chain(6, |i, o| node("Relu", &[i], &[o], &[field(3, long.as_bytes())]))])),
        (
            "chain of layers",
            model(&[chain(10_000, |i, o| node("Gemm", &[i, "w"], &[o], &[])), weight("w", &[4, 4], 1, field(9, &[0; 64]))]),
        ),
        ("long values", model(&[node("Relu", &["x"], &[&long], &[]), node("Relu", &[&long], &["y"], &[])])),
        ("long problems", model(&[chain(6, |i, o| node(&long, &[i], &[o], &[]))])),
        ("packed dims", model(&[weight("w", &[], 1, field(1, &vec![1; (1 << 20) + 1])), relu.clone()])),
        (
            "packed integers",
            model(&[weight("w", &[(1 << 20) + 1], 7, field(7, &vec![1; (1 << 20) + 1])), node("Add", &["x", "w"], &["y"], &[])]),
        ),
        (
            "packed small integers",
            model(&[weight("w", &[(1 << 20) + 1], 3, field(5, &vec![1; (1 << 20) + 1])), node("Add", &["x", "w"], &["y"], &[])]),
        ),
        (
            "bytes as integers",
            model(&[weight("w", &[(1 << 20) + 1], 3, field(9, &vec![1; (1 << 20) + 1])), node("Add", &["x", "w"], &["y"], &[])]),
        ),
        ("bits", model(&[weight("w", &[(1 << 20) + 1], 9, field(9, &vec![1; (1 << 20) + 1])), node("Add", &["x", "w"], &["y"], &[])])),
        (
            "attribute integers",
            model(&[node("Relu", &["x"], &["y"], &[field(5, &[field(1, b"a"), field(8, &vec![1; (1 << 20) + 1])].concat())])]),
        ),
        ("small weights", model(&[names(90_000).iter().flat_map(|n| weight(n, &[1], 1, field(9, &[0; 4]))).collect(), relu.clone()])),
        (
            "constants of shape",
            model(&[
                names(90_000).iter().flat_map(|n| node("ConstantOfShape", &["s"], &[&format!("c{n}")], &[])).collect(),
                ints("s", &[4096]),
                relu.clone(),
            ]),
        ),
        (
            "shapes of many dimensions",
            model(&[chain(5000, |i, o| node("Reshape", &[i, "s"], &[o], &[])), ints("s", &[&[1, 4], &[1; 60][..]].concat())]),
        ),
        ("shapes", model(&[names(90_000).iter().flat_map(|n| node("Shape", &["x"], &[&format!("s{n}")], &[])).collect(), relu])),
        (
            "resizes",
            model(&[
                chain(3_000, |i, o| {
                    let size = format!("s{o}");
                    let rank = node("Reshape", &["x", "four"], &[&format!("f{o}")], &[]);
                    let large = node("Resize", &[&format!("f{o}"), "", "", &size], &[&format!("l{o}")], &[]);
                    [rank, large, node("Relu", &[i], &[o], &[])].concat()
                }),
                (0..3_001u64)
                    .flat_map(|i| ints(&if i == 3_000 { "sy".into() } else { format!("s{i:x}") }, &[1, 1, 300_000 + i, 4]))
                    .collect(),
                (0..3_000usize).flat_map(|i| field(12, &info(&if i == 0 { "ly".into() } else { format!("l{i:x}") }))).collect(),
                ints("four", &[1, 1, 1, 4]),
            ]),
        ),
        ("function calls", calling("", 5_000, &[], &[many(10, &inner("Relu", "c", &[])), inner("Relu", "b", &[])])),
        ("function calls of one name", calling("n", 20_000, &[], &[inner("Relu", "b", &[])])),
        ("long names in functions", calling(&long, 4, &[], &[many(1_000, &inner("Relu", "c", &[])), inner("Relu", "b", &[])])),
        (
            "attributes in functions",
            calling(
                "",
                4,
                &[field(5, &[field(1, b"big"), field(8, &vec![1; 1 << 18]), number(20, 7)].concat())],
                &[inner("Relu", "b", &[many(2_000, &field(5, &[field(1, b"i"), field(21, b"big"), number(20, 7)].concat()))])],
            ),
        ),
        ("nodes.safetensors", model_file(&[identity("x", "0"), linked.join(","), identity("x", "y")].join(","), x, "", 0)),
        (
            "empty names.safetensors",
            model_file(
                &format!(
                    "{{\"name\":\"\",\"inputs\":[{}\"x\"],\"outputs\":[\"y\"],\"op\":\"concat\",\"axis\":0}}",
                    "\"\",".repeat((1 << 18) + 1)
                ),
                x,
                "",
                0,
            ),
        ),
        (
            "sizes.safetensors",
            model_file(
                &format!(
                    "{{\"name\":\"\",\"inputs\":[\"x\"],\"outputs\":[\"y\"],\"op\":\"split\",\"axis\":1,\"sizes\":[{}4]}}",
                    "0,".repeat((1 << 19) + 1)
                ),
                x,
                "",
                0,
            ),
        ),
        (
            "dims.safetensors",
            model_file(&identity("x", "y"), &format!("{{\"name\":\"x\",\"dims\":[{}4]}}", "1,".repeat((1 << 19) + 1)), "", 0),
        ),
        (
            "tensors.safetensors",
            model_file(
                &identity("x", "y"),
                x,
                &names(90_000)
                    .iter()
                    .map(|n| format!(",\"{n}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}"))
                    .collect::<String>(),
                0,
            ),
        ),
        (
            "shapes.safetensors",
            model_file(
                &identity("x", "y"),
                x,
                &format!(",\"t\":{{\"dtype\":\"F32\",\"shape\":[{}1],\"data_offsets\":[0,4]}}", "1,".repeat((1 << 19) + 1)),
                4,
            ),
        ),
        (
            "unknown.safetensors",
            model_file(
                &identity("x", "y"),
                x,
                &format!(",\"t\":{{\"dtype\":\"F32\",\"more\":[{}1],\"shape\":[1],\"data_offsets\":[0,4]}}", "1,".repeat((1 << 19) + 1)),
                4,
            ),
        ),
    ]
}
