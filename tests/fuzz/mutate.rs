//! Changes to ONNX models that keep the wire format intact, so that they reach what lies behind the parser.

#![allow(dead_code, reason = "each target uses a part")]

use lookalike::import::onnx::supported_operators;
use lookalike::import::onnx::wire::*;
use prost::Message;

/// A small generator of repeatable pseudo-random numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() { None } else { list.get(self.below(list.len())) }
    }

    fn pick_mut<'a, T>(&mut self, list: &'a mut [T]) -> Option<&'a mut T> {
        if list.is_empty() {
            None
        } else {
            let i = self.below(list.len());
            list.get_mut(i)
        }
    }

    /// A number that is at an edge of something, or small.
    fn integer(&mut self) -> i64 {
        const EDGES: [i64; 19] =
            [0, 1, -1, 2, -2, 3, 4, 5, 7, 8, 16, 64, 255, 1 << 15, (1 << 15) + 1, i32::MAX as i64, 1 << 31, i64::MAX, i64::MIN];
        match self.below(3) {
            0 => *self.pick(&EDGES).unwrap_or(&0),
            1 => self.below(9) as i64 - 4,
            _ => 1 << self.below(40),
        }
    }

    fn float(&mut self) -> f32 {
        const EDGES: [f32; 10] = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, f32::NAN, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE];
        *self.pick(&EDGES).unwrap_or(&0.0)
    }
}

/// Bytes changed at random: flipped, inserted, removed, repeated, overwritten with edges, cut off.
pub(crate) fn bytes(data: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        if data.is_empty() {
            data.push(random.below(256) as u8);
        }
        let at = random.below(data.len());
        let run = at..(at + 1 + random.below(8)).min(data.len());
        match random.below(7) {
            0 => data[at] ^= 1 << random.below(8),
            1 => data[at] = random.below(256) as u8,
            2 => data.insert(at, random.below(256) as u8),
            3 => drop(data.drain(run)),
            4 => {
                let copy = data[run].to_vec();
                let to = random.below(data.len());
                data.splice(to..to, copy);
            }
            5 => data[run].fill(*random.pick(&[0, 0x7f, 0x80, 0xff]).unwrap_or(&0)),
            _ if random.below(8) == 0 => data.truncate(at),
            _ => data[at] = data[at].wrapping_add(1),
        }
    }
}

/// A model changed at random within the wire format; `None` when the bytes are no model.
pub(crate) fn model(data: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut model = ModelProto::decode(data).ok()?;
    for _ in 0..=random.below(3) {
        change(&mut model, random)?;
    }
    Some(model.encode_to_vec())
}

fn change(model: &mut ModelProto, random: &mut Random) -> Option<()> {
    if random.below(20) == 0 {
        let set = random.pick_mut(&mut model.opset_import)?;
        set.version = 7 + random.below(17) as i64;
        return Some(());
    }
    let graph = model.graph.as_mut()?;
    let values = names(graph);
    match random.below(12) {
        0 => {
            let operators: Vec<_> = supported_operators().collect();
            random.pick_mut(&mut graph.node)?.op_type = (*random.pick(&operators)?).to_owned();
        }
        1 => {
            let name = random.pick(&values)?.clone();
            let node = random.pick_mut(&mut graph.node)?;
            match random.below(3) {
                0 => *random.pick_mut(&mut node.input)? = name,
                1 => node.input.push(name),
                _ => drop(node.input.pop()),
            }
        }
        2 => append(graph, &values, random)?,
        3..=5 => attribute(random.pick_mut(&mut graph.node)?, random)?,
        6 => drop(graph.node.remove(random.below(graph.node.len().max(1)).min(graph.node.len().checked_sub(1)?))),
        7 => dims(&mut random.pick_mut(&mut graph.initializer)?.dims, random),
        8 => numbers(random.pick_mut(&mut graph.initializer)?, random),
        9 => input(random.pick_mut(&mut graph.input)?, random)?,
        10 => {
            let name = random.pick(&values)?.clone();
            random.pick_mut(&mut graph.output)?.name = name;
        }
        _ => random.pick_mut(&mut graph.initializer)?.data_type = random.below(18) as i32,
    }
    Some(())
}

fn names(graph: &GraphProto) -> Vec<String> {
    let made = graph.node.iter().flat_map(|n| n.output.iter().cloned());
    made.chain(graph.initializer.iter().map(|t| t.name.clone())).chain(graph.input.iter().map(|i| i.name.clone())).collect()
}

/// A node at the end that reads what is there, and becomes the output.
fn append(graph: &mut GraphProto, values: &[String], random: &mut Random) -> Option<()> {
    let operators: Vec<_> = supported_operators().collect();
    let output = format!("new{}", random.below(1 << 20));
    let input = (0..=random.below(3)).filter_map(|_| random.pick(values).cloned()).collect();
    let op_type = (*random.pick(&operators)?).to_owned();
    graph.node.push(NodeProto { op_type, input, output: vec![output.clone()], ..Default::default() });
    random.pick_mut(&mut graph.output)?.name = output;
    Some(())
}

const ATTRIBUTES: [&str; 22] = [
    "alpha",
    "auto_pad",
    "axes",
    "axis",
    "beta",
    "ceil_mode",
    "count_include_pad",
    "dilations",
    "end",
    "epsilon",
    "group",
    "keepdims",
    "kernel_shape",
    "mode",
    "pads",
    "perm",
    "scales",
    "size",
    "split",
    "start",
    "strides",
    "to",
];

fn attribute(node: &mut NodeProto, random: &mut Random) -> Option<()> {
    if node.attribute.is_empty() || random.below(4) == 0 {
        let name = (*random.pick(&ATTRIBUTES)?).to_owned();
        let (mut ints, mut floats) = (vec![], vec![]);
        ints.resize_with(random.below(5), || random.integer());
        floats.resize_with(random.below(5), || random.float());
        let r#type = *random.pick(&[attribute_type::INT, attribute_type::INTS, attribute_type::FLOAT, attribute_type::FLOATS])?;
        node.attribute.retain(|a| a.name != name);
        node.attribute.push(AttributeProto { name, r#type, i: random.integer(), f: random.float(), ints, floats, ..Default::default() });
        return Some(());
    }
    let a = random.pick_mut(&mut node.attribute)?;
    match a.r#type {
        attribute_type::INT => a.i = random.integer(),
        attribute_type::FLOAT => a.f = random.float(),
        attribute_type::INTS => list(&mut a.ints, random),
        attribute_type::FLOATS => *random.pick_mut(&mut a.floats)? = random.float(),
        attribute_type::TENSOR => numbers(a.t.as_mut()?, random),
        _ => drop(node.attribute.pop()),
    }
    Some(())
}

fn list(ints: &mut Vec<i64>, random: &mut Random) {
    match random.below(4) {
        0 => ints.push(random.integer()),
        1 => drop(ints.pop()),
        _ => {
            let new = random.integer();
            if let Some(n) = random.pick_mut(ints) {
                *n = new;
            }
        }
    }
}

fn dims(dims: &mut Vec<i64>, random: &mut Random) {
    match random.below(3) {
        // Another shape of the same size.
        0 => {
            let (i, j) = (random.below(dims.len().max(1)), random.below(dims.len().max(1)));
            if i < dims.len() && j < dims.len() {
                dims.swap(i, j);
            }
        }
        1 => dims.insert(random.below(dims.len() + 1), 1),
        _ => list(dims, random),
    }
}

/// Changes elements, and their number together with the dimensions.
fn numbers(tensor: &mut TensorProto, random: &mut Random) {
    if !tensor.int64_data.is_empty() {
        list(&mut tensor.int64_data, random);
        tensor.dims = vec![tensor.int64_data.len() as i64];
    } else if tensor.data_type == data_type::INT64 {
        let mut values: Vec<i64> = tensor.raw_data.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect();
        list(&mut values, random);
        tensor.dims = vec![values.len() as i64];
        tensor.raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>().into();
    } else if tensor.data_type == data_type::FLOAT {
        let mut values: Vec<[u8; 4]> = tensor.raw_data.as_chunks().0.to_vec();
        let new = random.float().to_le_bytes();
        if let Some(v) = random.pick_mut(&mut values) {
            *v = new;
        }
        tensor.raw_data = values.concat().into();
    }
}

fn input(input: &mut ValueInfoProto, random: &mut Random) -> Option<()> {
    let shape = input.r#type.as_mut()?.tensor_type.as_mut()?.shape.as_mut()?;
    match random.below(4) {
        0 => shape.dim.push(DimensionProto { dim_value: Some(1 + random.below(4) as i64), dim_param: None }),
        1 => drop(shape.dim.pop()),
        2 => *random.pick_mut(&mut shape.dim)? = DimensionProto { dim_value: None, dim_param: Some("free".into()) },
        _ => random.pick_mut(&mut shape.dim)?.dim_value = Some(random.integer()),
    }
    Some(())
}
