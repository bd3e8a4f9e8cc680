//! Programs for the machine, byte by byte.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::error::Error;
use crate::import::Limits;

fn run(program: &[u8]) -> Result<Loaded<'_>> {
    load("a.pt", program, 0, &mut Budget::new(&Limits::default()))
}

fn message(program: &[u8]) -> String {
    run(program).err().unwrap().to_string()
}

#[test]
fn whole_numbers_of_every_length() {
    let number = |program: &[u8]| match run(program).unwrap().root {
        Value::Int(n) => n,
        other => panic!("{other:?}"),
    };
    assert_eq!(number(b"K\xff."), 255);
    assert_eq!(number(b"M\xff\xff."), 65_535);
    assert_eq!(number(b"J\xfe\xff\xff\xff."), -2);
    assert_eq!(number(b"\x8a\x00."), 0);
    assert_eq!(number(b"\x8a\x01\x80."), -128);
    assert_eq!(number(b"\x8a\x02\x80\x00."), 128);
    assert_eq!(number(b"\x8b\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80."), i64::MIN);
    assert!(matches!(run(b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.").unwrap().root, Value::Long(_)));
}

#[test]
fn containers_are_shared_and_filled_later() {
    // {"a": [], "b": the same list}, which gets a number afterwards.
    let loaded = run(b"}(X\x01\x00\x00\x00a]q\x00X\x01\x00\x00\x00bh\x00uh\x00K\x07a0.").unwrap();
    let items = loaded.heap.dict(loaded.root).unwrap();
    for &(_, list) in items {
        assert!(matches!(loaded.heap.sequence(list), Some([Value::Int(7)])));
    }
    assert_eq!(items.len(), 2);
}

#[test]
fn ordered_mappings_of_either_python() {
    for program in [&b"ccollections\nOrderedDict\n)RU\x01aK\x01s."[..], b"ccollections\nOrderedDict\n]]U\x01aaK\x01aa\x85R."] {
        let loaded = run(program).unwrap();
        assert!(matches!(loaded.heap.dict(loaded.root), Some([(Value::Text("a"), Value::Int(1))])));
    }
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    for program in [
        &b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R."[..],
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
        b"(X\x02\x00\x00\x00lsios\nsystem\n.",
        b"\x80\x02}cos\nsystem\nb.",
    ] {
        let error = run(program).err().unwrap();
        assert!(matches!(error, Error::Unsupported(_)), "{error}");
        assert!(error.to_string().contains("`os.system`") && error.to_string().contains("Nothing was executed."), "{error}");
    }
    // The inner call is reached first, the outer never.
    assert!(message(b"cbuiltins\neval\ncos\nsystem\n)R\x85R.").contains("`builtins.eval`"));
    assert!(message(b"ctorch\nsave\n.").contains("`torch.save`"));
    assert!(message(b"ctorch.storage\n_load_from_bytes\n.").contains("`torch.storage._load_from_bytes`"));
    assert!(message(b"ctorch\nFloatStorage\n)R.").contains("in a way that state dicts do not"));
    assert!(message(b"K\x01)R.").contains("no function"));
    assert!(message(b"K\x01}b.").contains("sets the state"));
    assert!(message(b"X\x01\x00\x00\x00aQ.").contains("no storage"));
    assert!(message(b"I01\n.").contains("0x49"));
    assert!(message(b"\x80\x06N.").contains("protocol 6"));
}

#[test]
fn contradictions_are_sentences() {
    for program in [
        &b""[..],
        b".",
        b"N",
        b"0.",
        b"(0N",
        b"t.",
        b"(\x85.",
        b"N(a.",
        b"Na.",
        b"}(Nu.",
        b"}((Nu.",
        b"h\x00.",
        b"j\xff\xff\xff\xff.",
        b"X\xff\xff\xff\xffabc.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x8e\x00\x00\x00\x00\x00\x00\x00\x80.",
        b"\x8b\xff\xff\xff\xff.",
        b"X\x01\x00\x00\x00\xff.",
        b"cos",
        b"cos\nsystem",
        b"\x93.",
        b"NN\x93.",
        b"ccollections\nOrderedDict\nK\x01R.",
        b"ccollections\nOrderedDict\nK\x01\x85R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
    ] {
        let text = message(program);
        assert!(text.starts_with("The checkpoint `a.pt` ") && text.ends_with('.'), "{text}");
    }
}

#[test]
fn every_instruction_is_booked() {
    let deep = [vec![b']'; 100_000], vec![b'a'; 99_999], vec![b'.']].concat();
    let limits = Limits { max_model_bytes: 200_001 * COST, ..Limits::default() };
    assert!(load("a.pt", &deep, 0, &mut Budget::new(&limits)).is_ok());
    let limits = Limits { max_model_bytes: 100_000 * COST, ..limits };
    assert!(matches!(load("a.pt", &deep, 0, &mut Budget::new(&limits)), Err(Error::Limits(_))));
}

#[test]
fn a_list_that_is_copied_again_and_again_is_booked_every_time() {
    // A list of a thousand pairs, then mappings of it.
    let mut program = b"ccollections\nOrderedDict\nq\x00](".to_vec();
    program.extend(b"U\x01aN\x86".repeat(1000));
    program.extend(b"eq\x01");
    let once = program.len() as u64 / 2 * COST;
    program.extend(b"h\x00h\x01\x85R0".repeat(100_000));
    program.extend(b".");
    let limits = Limits { max_model_bytes: once + 100_000 * 6 * COST, ..Limits::default() };
    assert!(matches!(load("a.pt", &program, 0, &mut Budget::new(&limits)), Err(Error::Limits(_))));
}
