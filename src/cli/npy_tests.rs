#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.bytes());
    out.extend(data);
    out
}

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    for shape in [vec![], vec![3], vec![2, 3], vec![1, 2, 3, 4], vec![0, 5]] {
        let shape = Shape::from(shape);
        let data = (0..shape.len()).map(|i| i as f32 - 0.5).collect();
        let tensor = Tensor::from_f32(shape.clone(), data).unwrap();
        let path = dir.path().join("x.npy");
        write(&path, &tensor).unwrap();
        assert_eq!(read(&path).unwrap(), tensor);
        for dtype in [DType::Bool, DType::I8, DType::U16, DType::I32, DType::I64] {
            let tensor = Tensor::integers(dtype, shape.clone(), vec![1; shape.len()]).unwrap();
            write(&path, &tensor).unwrap();
            assert_eq!(read(&path).unwrap(), tensor);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
    }
}

#[test]
fn a_matrix_learns_its_rows_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.npy");
    let mut m = MatrixWriter::create(&path).unwrap();
    assert!(!path.exists());
    m.row(&[1.0, 2.0]).unwrap();
    m.row(&[3.0, 4.0]).unwrap();
    m.finish().unwrap();
    assert_eq!(read(&path).unwrap(), Tensor::from_f32([2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap());
}

#[test]
fn an_unfinished_file_disappears() {
    let dir = tempfile::tempdir().unwrap();
    drop(MatrixWriter::create(&dir.path().join("m.npy")).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn fortran_order_is_transposed() {
    // numpy: numpy.asfortranarray([[1, 2, 3], [4, 5, 6]], dtype='u1')
    let t = parse(&file("'|u1'", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]), "x").unwrap();
    assert_eq!(t, Tensor::integers(DType::U8, [2, 3], vec![1, 2, 3, 4, 5, 6]).unwrap());
}

#[test]
fn every_number_type_is_read() {
    let one = |descr: &str, data: &[u8]| parse(&file(descr, "False", "(1,)", data), "x").unwrap().to_f64()[0];
    assert_eq!(one("'<f8'", &1.5f64.to_le_bytes()), 1.5);
    assert_eq!(one("'>f4'", &(-2.5f32).to_be_bytes()), -2.5);
    assert_eq!(one("'<f2'", &f16::from_f32(0.25).to_le_bytes()), 0.25);
    assert_eq!(one("'<i8'", &(-7i64).to_le_bytes()), -7.0);
    assert_eq!(one("'<i4'", &(-7i32).to_le_bytes()), -7.0);
    assert_eq!(one("'|i1'", &[0xFF]), -1.0);
    assert_eq!(one("'|b1'", &[1]), 1.0);
}

#[test]
fn damaged_arrays_are_refused_in_a_sentence() {
    let say = |bytes: &[u8]| parse(bytes, "in.npy").unwrap_err().to_string();
    assert!(say(b"").contains("`in.npy`"));
    assert!(say(b"not an array").contains("not a .npy array"));
    assert!(say(&file("'<f4'", "False", "(2, 2)", &[0; 15])).contains("truncated"));
    assert!(say(&file("'<f4'", "False", "(4611686018427387904, 4, 0)", &[])).contains("`in.npy`"));
    assert!(say(&file("'<U3'", "False", "(1,)", &[0; 12])).contains("not float16"));
    let whole = file("'<f4'", "False", "(2,)", &[0; 8]);
    assert!(say(&file("[('a', '<f4')]", "False", "(1,)", &[0; 4])).contains("header"));
    for cut in 0..whole.len() {
        assert!(parse(&whole[..cut], "x").is_err(), "cut to {cut}");
    }
}
