//! `lookalike margin` as a user meets it: files by name, sentences, exit codes.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Output};

fn lookalike(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lookalike")).args(args).output().unwrap()
}

fn write(path: &Path, shape: [usize; 2], data: &[f32]) {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}\n", shape[0], shape[1]);
    write_array(path, &header, data);
}

fn write_array(path: &Path, header: &str, data: &[f32]) {
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out.extend(data.iter().flat_map(|x| x.to_le_bytes()));
    std::fs::write(path, out).unwrap();
}

fn read(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let file = npyz::NpyFile::new(BufReader::new(std::fs::File::open(path).unwrap())).unwrap();
    (file.shape().to_vec(), file.into_vec::<f32>().unwrap())
}

#[test]
fn arrays_go_in_and_the_loss_and_its_gradients_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // tinyA of the vectors: two embeddings, three classes.
    write(&at("x.npy"), [2, 3], &[1.0, 0.5, -0.25, -0.5, 0.75, 1.0]);
    write(&at("w.npy"), [3, 3], &[0.75, 0.25, 0.5, -0.5, 1.0, 0.25, 0.25, -0.75, 1.0]);
    write_array(&at("y.npy"), "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", &[0.0, 2.0]);
    write_array(&at("b.npy"), "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", &[-0.5, 0.0, 0.5]);
    let path = |name: &str| at(name).display().to_string();
    let (x, w, y, out) = (path("x.npy"), path("w.npy"), path("y.npy"), path("out"));
    let base = ["margin", "--x", &x, "--w", &w, "--y", &y, "--out", &out];
    for extra in [&[][..], &["--reference"]] {
        let bias = format!("bias={}", path("b.npy"));
        let output = lookalike(&[&base[..], &["--head", "l2_softmax", "--set", "alpha=4", "--input", &bias], extra].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (shape, loss) = read(&at("out/loss.npy"));
        assert!(shape.is_empty() && (loss[0] - 1.277_801).abs() < 1e-5, "{loss:?}");
        assert_eq!(read(&at("out/logits.npy")).0, [2, 3]);
        assert_eq!((read(&at("out/dx.npy")).0, read(&at("out/dw.npy")).0), (vec![2, 3], vec![3, 3]));
        assert!((read(&at("out/dalpha.npy")).1[0] - 0.253_011).abs() < 1e-5);
        assert!((read(&at("out/dbias.npy")).1[1] - 0.480_931).abs() < 1e-5);
        std::fs::remove_dir_all(&out).unwrap();
    }
    for (arguments, sentence) in [
        (&["--head", "arcfase"][..], "There is no head named `arcfase`"),
        (&["--head", "arcface", "--set", "margin=1"], "Its parameters are s, m, boundary"),
        (&["--head", "arcface", "--set", "m"], "has no `=`"),
        (&["--head", "contrastive"], "no input `x`"),
    ] {
        let output = lookalike(&[&base[..], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(sentence), "{told}");
    }
}
