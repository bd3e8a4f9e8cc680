//! A few bytes of a file that stand for much more in memory.

use lookalike::import::Limits;
use peak_alloc::PeakAlloc;

use crate::hostile::variant;
use crate::manifest::{SLACK, measured};

/// A length-delimited field.
fn part(number: u64, content: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    for mut n in [number << 3 | 2, content.len() as u64] {
        while n > 127 {
            field.push((n & 127 | 128) as u8);
            n >>= 7;
        }
        field.push(n as u8);
    }
    field.extend_from_slice(content);
    field
}

/// Layers, blobs, pieces of blobs and names in great numbers.
pub(crate) fn caffe(allocator: &PeakAlloc) {
    const MANY: usize = 1 << 20;
    let layer = |fields: &[Vec<u8>]| part(100, &fields.concat());
    let blob = |content: &[u8]| layer(&[part(2, b"PReLU"), part(7, content)]);
    // A shape of one axis of length 1, and its number.
    let one = [part(7, b"\x08\x01"), part(5, &[0; 4])].concat();
    let norm = |name: &[u8]| layer(&[part(1, name), part(2, b"BatchNorm"), part(4, name), part(7, &one), part(7, &one), part(7, &one)]);
    let slopes = |name: String| layer(&[part(1, name.as_bytes()), part(2, b"PReLU"), part(7, &one)]);
    let cases = [
        ("layers", layer(&[]).repeat(MANY)),
        ("old layers", part(2, &[]).repeat(MANY)),
        ("blobs", layer(&[part(7, &[]).repeat(MANY)])),
        ("names", layer(&[part(3, &[]).repeat(MANY)])),
        ("pieces", blob(&part(5, &[]).repeat(MANY))),
        ("numbers", blob(&[5 << 3 | 5, 0, 0, 0, 0].repeat(MANY))),
        ("tensors", (0..MANY / 32).flat_map(|i| slopes(i.to_string())).collect()),
        ("normalisations", (0..MANY / 64).flat_map(|i| norm(i.to_string().as_bytes())).collect()),
        ("a long name", norm(&b"n".repeat(2 * MANY))),
    ];
    for (name, bytes) in &cases {
        for budget in [4u64 << 20, 32 << 20, 512 << 20] {
            let limits = Limits { max_nodes: usize::MAX, max_initializers: usize::MAX, max_model_bytes: budget, ..Limits::default() };
            let (outcome, peak) = measured(bytes, name, &limits, allocator);
            let variant = outcome.as_ref().map_or_else(variant, |_| "works");
            println!("{name:<16} {:>9} bytes, budget {:>3} MiB: {variant}, {peak} bytes", bytes.len(), budget >> 20);
            assert!(peak <= budget + SLACK, "{name}: {peak} bytes");
            let want = if *name == "a long name" { "Model" } else { "Limits" };
            assert!(budget > 4 << 20 || variant == want, "{name}: {variant}");
        }
    }
}

/// Programs of some megabytes of which every byte makes something.
pub(crate) fn pickles(allocator: &PeakAlloc) {
    let head = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.\x80\x02";
    for (name, part) in
        [("lists", &b"]"[..]), ("mappings", b"}"), ("memo", b"N\x94"), ("marks", b"("), ("tuples", b"\x85"), ("pairs", b"]]s")]
    {
        for budget in [32u64 << 20, 1 << 30] {
            let start: &[u8] = if name == "pairs" { b"}" } else { b"N" };
            let file = [head, start, &part.repeat((4 << 20) / part.len()), b"."].concat();
            let limits = Limits { max_model_bytes: budget, ..Limits::default() };
            let (_, peak) = measured(&file, name, &limits, allocator);
            println!("{name:<10} budget {:>4} MiB: {:>4} MiB", budget >> 20, peak >> 20);
            assert!(peak <= budget + SLACK, "{name}: {peak} bytes with a budget of {budget}");
        }
    }
}
