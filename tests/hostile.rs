//! Files that are damaged, contradictory or hostile: each gives an error that says what is wrong, and none a panic or a large allocation.
//!
//! The corpus is generated here, from the wire messages of a small network.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "hostile/build.rs"]
mod build;

use build::{bytes, float, indices, int, ints, model, network, node, tensor, text, value};
use lookalike::error::Error;
use lookalike::import::Limits;
use lookalike::import::onnx::wire::*;
use lookalike::model::{Model, Precision};

fn load(model: &ModelProto) -> Result<Model, Error> {
    Model::from_onnx(&bytes(model), "m.onnx", &Limits::default())
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

/// The error's text: one or more full sentences.
fn sentence(e: &Error) -> String {
    let text = e.to_string();
    assert!(text.ends_with('.') && text.starts_with(char::is_uppercase) && !text.contains("  "), "{text}");
    text
}

fn refused(result: Result<Model, Error>, phrases: &[&str]) -> Error {
    let e = result.err().unwrap_or_else(|| panic!("imported, but should say {phrases:?}"));
    let said = sentence(&e);
    for p in phrases {
        assert!(said.contains(p), "no {p:?} in: {said}");
    }
    e
}

fn broken(change: impl FnOnce(&mut GraphProto), phrases: &[&str]) -> Error {
    let mut m = network();
    change(graph(&mut m));
    refused(load(&m), phrases)
}

#[test]
fn the_network_that_the_others_break_is_fine() {
    load(&network()).unwrap();
}

#[test]
fn truncation_at_every_byte_is_refused() {
    let file = bytes(&network());
    let mut named = 0;
    for n in 0..file.len() {
        let said = sentence(&Model::from_onnx(&file[..n], "m.onnx", &Limits::default()).unwrap_err());
        named += usize::from(said.contains("in the middle of") && said.contains("truncated") && said.contains(&format!("byte {n}")));
    }
    // All but the cuts between two parts of the outermost message.
    assert!(named > file.len() - 12, "{named} of {}", file.len());
    refused(Model::from_onnx(&file[..400], "m.onnx", &Limits::default()), &["`w`"]);
}

#[test]
fn random_damage_never_panics() {
    let file = bytes(&network());
    let mut random = build::Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2000 {
        let mut damaged = file.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(damaged.len());
            damaged[at] = random.below(256) as u8;
        }
        if let Err(e) = Model::from_onnx(&damaged, "m.onnx", &Limits::default()) {
            assert!(!e.to_string().is_empty());
        }
    }
}

#[test]
fn damage_to_the_model_file_never_panics() {
    let file = load(&network()).unwrap().to_bytes(Precision::F32).unwrap();
    for n in 0..file.len() {
        sentence(&Model::from_safetensors(&file[..n], "m.safetensors", &Limits::default()).unwrap_err());
    }
    let header = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let mut random = build::Random(42);
    for _ in 0..2000 {
        let mut damaged = file.clone();
        for _ in 0..=random.below(3) {
            // Mostly the header: that is where the structure is.
            let at = if random.below(8) == 0 { random.below(file.len()) } else { random.below(header) };
            damaged[at] = random.below(256) as u8;
        }
        if let Err(e) = Model::from_safetensors(&damaged, "m.safetensors", &Limits::default()) {
            assert!(!e.to_string().is_empty());
        }
    }
}

#[test]
fn other_files_are_recognised() {
    let cases: [(&[u8], &str); 14] = [
        (b"", "is empty (0 bytes)"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture"),
        (b"PK\x03\x04\x14\0\0\0", "a ZIP archive"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"\x80\x02}q\0", "a Python pickle"),
        (b"\x20\0\0\0\0\0\0\0{\"__metadata__\":{}", "a safetensors file"),
        (b"<!DOCTYPE html>\n<html><head>", "an HTML page"),
        (b"\n\n<html lang=\"fr\">\xc3\xa9t\xc3\xa9", "an HTML page"),
        (b"<?xml version=\"1.0\"?><net name=\"a\"/>", "OpenVINO"),
        (b"{\"model\": 1}", "a JSON file"),
        (b"Not found, sorry", "a text file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
    ];
    for (file, phrase) in cases {
        refused(Model::from_onnx(file, "m.onnx", &Limits::default()), &["`m.onnx`", phrase]);
    }
    for file in [&b"\0"[..], b"\x08", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0b\x0c", b"\x08\x08"] {
        sentence(&Model::from_onnx(file, "m.onnx", &Limits::default()).unwrap_err());
    }
}

#[test]
fn broken_wire_structure_is_named() {
    let name = "m.onnx";
    let cases: [(&[u8], &str); 5] = [
        (&[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], "longer than ten bytes"),
        (&[0x08, 0x08, 0x0b], "wire type 3"),
        (&[0x08, 0x08, 0x02, 0x00], "number 0"),
        (&[0x08, 0x08, 0x3a, 0x02, 0x0a, 0x7f], "longer than the part"),
        (&[0x08, 0x08, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0a], "truncated"),
    ];
    for (file, phrase) in cases {
        refused(Model::from_onnx(file, name, &Limits::default()), &[phrase]);
    }
    // Nested subgraphs are skipped, not followed.
    let mut nested = vec![0u8];
    for _ in 0..10_000 {
        let mut outer = vec![0x32];
        prost::encoding::encode_varint(nested.len() as u64, &mut outer);
        outer.append(&mut nested);
        nested = outer;
    }
    let mut m = network();
    let g = AttributeProto { name: "body".into(), g: Some(nested.into()), r#type: 5, ..Default::default() };
    graph(&mut m).node.insert(0, node("Loop", &["x"], "l", vec![g]));
    refused(load(&m), &["Loop (node `l_node`)"]);
}

#[test]
fn limits_hold_before_memory_is_taken() {
    let file = bytes(&network());
    let with = |limits: Limits| refused(Model::from_onnx(&file, "m.onnx", &limits), &["limit"]);
    for limits in [
        Limits { max_file_bytes: 100, ..Limits::default() },
        Limits { max_nodes: 3, ..Limits::default() },
        Limits { max_initializers: 3, ..Limits::default() },
        Limits { max_rank: 3, ..Limits::default() },
        Limits { max_tensor_bytes: 287, ..Limits::default() },
        Limits { max_model_bytes: 1000, ..Limits::default() },
    ] {
        assert!(matches!(with(limits), Error::Limits(_)));
    }
    // Two bytes in the file, hundreds in memory: refused by the walk, not by the allocator.
    let attribute = AttributeProto { name: "a".into(), ..Default::default() };
    let many = node("Relu", &["x"], "y", vec![attribute; 50_000]);
    let limits = Limits { max_model_bytes: 1 << 20, ..Limits::default() };
    let e = refused(Model::from_onnx(&bytes(&model(vec![many], vec![])), "m.onnx", &limits), &["max_model_bytes"]);
    assert!(matches!(e, Error::Limits(_)));
    let nodes = vec![node("Relu", &["x"], "y", vec![]); 100_001];
    refused(load(&model(nodes, vec![])), &["100001 nodes", "max_nodes"]);
}

#[test]
fn huge_dimensions_are_refused() {
    for dims in [&[i64::MAX, i64::MAX][..], &[1 << 40], &[1 << 31, 1 << 31, 0], &[1 << 30]] {
        let e = broken(|g| g.initializer[0].dims = dims.to_vec(), &["`w`"]);
        assert!(matches!(e, Error::Limits(_)), "{e}");
    }
    broken(|g| g.initializer[0].dims = vec![-4, 2, 3, 3], &["negative dimension (-4)"]);
    broken(|g| g.initializer[0].dims = vec![1; 9], &["9 dimensions", "max_rank"]);
    broken(|g| g.input[0] = value("x", &[1, i64::MAX, i64::MAX, 4]), &["impossible dimensions"]);
}

#[test]
fn tensor_payloads_must_fit_exactly() {
    broken(|g| g.initializer[0].raw_data = vec![0; 287].into(), &["287 bytes", "288"]);
    broken(|g| g.initializer[0].raw_data = Default::default(), &["`w` has 0 elements", "72"]);
    broken(|g| g.initializer[0].float_data = vec![0.0; 72], &["both raw_data and typed data"]);
    broken(|g| g.initializer[0].int64_data = vec![0; 72], &["int64_data", "another type"]);
    broken(|g| g.initializer[0].segment = Some(Default::default()), &["segments"]);
    broken(|g| g.initializer[0].data_type = data_type::STRING, &["initializer (tensor `w`", "string"]);
    broken(|g| g.initializer[0].data_type = 0, &["undefined"]);
    broken(|g| g.initializer[0].data_type = 17, &["float8e4m3fn"]);
    let half = |g: &mut GraphProto, bits| {
        g.initializer[1] =
            TensorProto { name: "b".into(), dims: vec![4], data_type: data_type::FLOAT16, int32_data: vec![bits; 4], ..Default::default() };
    };
    broken(|g| half(g, 0x1_0000), &["beyond 16 bits"]);
    let big =
        TensorProto { name: "u".into(), dims: vec![1], data_type: data_type::UINT64, uint64_data: vec![u64::MAX], ..Default::default() };
    broken(|g| g.initializer.push(big), &["64 signed bits"]);
    let mut fine = network();
    half(graph(&mut fine), 0x3c00);
    load(&fine).unwrap();
}

#[test]
fn names_are_checked() {
    broken(|g| g.initializer.push(tensor("w", &[1], &[0.0])), &["makes the value `w` twice"]);
    broken(|g| g.node[1].output[0] = "c".into(), &["makes the value `c` twice"]);
    broken(|g| g.node[0].output[0] = "w".into(), &["makes the value `w` twice"]);
    broken(|g| g.node[0].output[0] = "x".into(), &["makes the value `x` twice"]);
    broken(|g| g.node[1].input[0] = "ghost".into(), &["`p_node`", "reads `ghost`", "nothing makes"]);
    broken(|g| g.output[0].name = "ghost".into(), &["output `ghost`"]);
    broken(|g| g.output.clear(), &["no output"]);
    broken(|g| g.input.clear(), &["`c_node`", "reads `x`", "nothing makes"]);
    broken(|g| g.initializer[3].name.clear(), &["without a name"]);
    broken(|g| g.node.swap(0, 1), &["`p_node`", "later node `c_node`", "in order"]);
    broken(|g| g.node[0].input[0] = "r".into(), &["in a circle", "`c_node` -> `p_node` -> `k_node` -> `r_node` -> `c_node`"]);
    broken(|g| g.node[0].input[0] = "c".into(), &["in a circle: `c_node` -> `c_node`"]);
    broken(|g| g.output.push(value("y", &[])), &["`y` twice"]);
}

#[test]
fn attributes_are_checked() {
    let conv = |attribute: AttributeProto, phrases: &[&str]| {
        broken(
            |g| {
                g.node[0].attribute.retain(|a| a.name != attribute.name);
                g.node[0].attribute.push(attribute);
            },
            phrases,
        );
    };
    conv(ints("kernel_shape", &[3, 0]), &["`c_node`", "kernel_shape"]);
    conv(ints("kernel_shape", &[5, 5]), &["[5, 5]", "[3, 3]"]);
    conv(ints("strides", &[0, 1]), &["`strides` = 0"]);
    conv(ints("strides", &[1]), &["1 entries in `strides`"]);
    conv(ints("dilations", &[1 << 20, 1]), &["`dilations` = 1048576"]);
    conv(ints("pads", &[1, 1, -1, 1]), &["pads are negative"]);
    conv(ints("pads", &[i64::MAX; 4]), &["`pads`"]);
    conv(int("group", 0), &["`group` = 0"]);
    conv(int("group", 3), &["4 output channels in 3 groups"]);
    conv(text("auto_pad", "SAME_UPPER"), &["both pads and auto_pad"]);
    conv(text("auto_pad", "SIDEWAYS"), &["SIDEWAYS"]);
    conv(float("group", 1.0), &["`group` of another type"]);
    conv(int("surprise", 1), &["attribute `surprise` is not known"]);
    broken(|g| g.node[0].attribute.push(int("group", 1)), &["`group` twice"]);
    broken(|g| g.node[0].input.push("b".into()), &["4 operands"]);
    broken(|g| g.node[0].input.truncate(1), &["lacks the operand 1"]);
    broken(|g| g.node[0].input[2] = "fcb".into(), &["bias of the shape 3"]);
    broken(|g| g.node[4].attribute[1] = float("alpha", f32::NAN), &["`alpha` = NaN"]);
    broken(|g| g.initializer[4] = indices("shape", &[-1, -1]), &["`r_node`", "[-1, -1]"]);
    broken(|g| g.initializer[4] = indices("shape", &[1, i64::MIN]), &["reshapes to"]);
    let tail = |op: &str, attribute: Vec<AttributeProto>, phrases: &[&str]| {
        let m = model(vec![node(op, &["x"], "y", attribute)], vec![]);
        refused(load(&m), phrases);
    };
    tail("Transpose", vec![ints("perm", &[0, 0, 1, 2])], &["not a permutation"]);
    tail("Softmax", vec![int("axis", i64::MIN)], &["axis"]);
    tail("MaxPool", vec![], &["no kernel_shape"]);
    tail("MaxPool", vec![ints("kernel_shape", &[2; 4])], &["4 spatial axes"]);
    tail("LRN", vec![int("size", -1)], &["`size` = -1"]);
    tail("ReduceMean", vec![ints("axes", &[i64::MAX])], &["axes"]);
    tail("Concat", vec![], &["no axis"]);
    tail("Constant", vec![], &["operands"]);
}

#[test]
fn everything_unsupported_is_listed_at_once() {
    let domain = NodeProto { domain: "com.microsoft".into(), ..node("Attention", &["c"], "f", vec![]) };
    let e = broken(
        |g| {
            g.node.insert(1, node("DeformConv", &["c", "c"], "align", vec![]));
            g.node.insert(2, node("NonMaxSuppression", &["align"], "a", vec![]));
            g.node.insert(3, node("NonMaxSuppression", &["a"], "b2", vec![]));
            g.node.insert(4, node("QuantizeLinear", &["c", "b"], "m", vec![int("precision", 10)]));
            // Its weight comes from an unsupported node: no second complaint.
            g.node.insert(5, node("MatMul", &["c", "align"], "n", vec![]));
            g.node.insert(6, domain);
        },
        &[
            "4 operators",
            "DeformConv (node `align_node`)",
            "NonMaxSuppression (nodes `a_node`, `b2_node`)",
            "QuantizeLinear (node `m_node`: its precision is float16; float is supported)",
            "com.microsoft.Attention (node `f_node`)",
        ],
    );
    assert!(matches!(e, Error::Unsupported(_)) && !e.to_string().contains("`n_node`"), "{e}");
    let e = broken(
        |g| g.node.insert(1, node("Einsum", &["c"], "e", vec![])),
        &["uses 1 operator that is not supported: Einsum (node `e_node`)."],
    );
    assert!(matches!(e, Error::Unsupported(_)));
}

#[test]
fn operator_sets_out_of_range_are_named() {
    for (version, phrase) in
        [(29, "newest that is supported is 28"), (5, "oldest that is supported is 6"), (-1, "oldest"), (i64::MAX, "newest")]
    {
        let mut m = network();
        m.opset_import[0].version = version;
        assert!(matches!(refused(load(&m), &[phrase, &version.to_string()]), Error::Unsupported(_)));
    }
    let mut m = network();
    m.opset_import[0].domain = "com.example".into();
    refused(load(&m), &["`com.example` only", "standard ONNX domain"]);
    m.opset_import.push(OperatorSetIdProto { domain: "ai.onnx".into(), version: 13 });
    load(&m).unwrap();
}

#[test]
fn inputs_that_are_not_pictures_are_refused() {
    let elem = |t, phrases: &[&str]| broken(|g| g.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = t, phrases);
    // Whole numbers are taken, but a convolution needs floats.
    elem(data_type::INT64, &["`c_node`", "int64", "floats are needed"]);
    elem(data_type::STRING, &["input `x`", "string"]);
    broken(|g| g.input[0].r#type = None, &["not a tensor"]);
    broken(|g| g.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape = None, &["has no shape"]);
    broken(|g| g.sparse_initializer.push(Default::default()), &["sparse"]);
}

mod external {
    use super::*;
    use std::path::Path;

    fn with(entries: &[(&str, &str)]) -> ModelProto {
        let mut m = network();
        let w = &mut graph(&mut m).initializer[0];
        w.raw_data = Default::default();
        w.data_location = 1;
        w.external_data = entries.iter().map(|&(k, v)| StringStringEntryProto { key: k.into(), value: v.into() }).collect();
        m
    }

    fn load_in(folder: &Path, entries: &[(&str, &str)]) -> Result<Model, Error> {
        let path = folder.join("m.onnx");
        std::fs::write(&path, bytes(&with(entries))).unwrap();
        Model::load(&path, &Limits::default())
    }

    #[test]
    fn weights_next_to_the_model_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let inside = load(&network()).unwrap();
        let weights: Vec<u8> = graph(&mut network()).initializer[0].raw_data.to_vec();
        std::fs::write(folder.path().join("w.bin"), [&[0; 16], weights.as_slice(), &[0; 4]].concat()).unwrap();
        for entries in [&[("location", "w.bin"), ("offset", "16")][..], &[("location", "w.bin"), ("offset", "16"), ("length", "288")]] {
            // Same weights, same name: the same model.
            assert_eq!(load_in(folder.path(), entries).unwrap().digest(), {
                let mut m = inside.clone();
                m.describe(lookalike::model::Description { name: "m".into(), ..Default::default() }).unwrap();
                m.digest().to_owned()
            });
        }
    }

    #[test]
    fn nothing_else_is_read() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("model");
        std::fs::create_dir(&folder).unwrap();
        std::fs::create_dir(folder.join("sub")).unwrap();
        for at in [outer.path().join("secret"), folder.join("w.bin"), folder.join("sub/w.bin")] {
            std::fs::write(at, [0; 288]).unwrap();
        }
        let absolute = outer.path().join("secret").display().to_string();
        for location in
            ["../secret", &absolute, "sub/w.bin", "./../secret", "..", ".", "", "C:w.bin", "sub\\w.bin", "w.bin:stream", "/w.bin"]
        {
            refused(load_in(&folder, &[("location", location)]), &["not a plain file name"]);
        }
        refused(load_in(&folder, &[]), &["the location is missing"]);
        refused(load_in(&folder, &[("location", "sub")]), &["not an ordinary file"]);
        refused(load_in(&folder, &[("location", "absent")]), &["absent"]);
        for (offset, length, phrase) in [
            ("1", "288", "but the file has 288 bytes"),
            ("18446744073709551615", "288", "but the file has"),
            ("-1", "288", "not a decimal number"),
            ("0", "287", "its length (287)"),
            ("0", "18446744073709551615", "its length"),
            ("0x0", "288", "not a decimal number"),
        ] {
            refused(load_in(&folder, &[("location", "w.bin"), ("offset", offset), ("length", length)]), &[phrase]);
        }
        refused(load(&with(&[("location", "w.bin")])), &["given as bytes"]);
        let mut both = with(&[("location", "w.bin")]);
        graph(&mut both).initializer[0].raw_data = vec![0; 288].into();
        refused(load(&both), &["external data"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("model");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(outer.path().join("secret"), [0; 288]).unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("w.bin")).unwrap();
        refused(load_in(&folder, &[("location", "w.bin")]), &["symbolic link"]);
    }
}
