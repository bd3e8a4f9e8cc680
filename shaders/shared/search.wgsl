// What the scans of a gallery share. Mirrored by kernels::search::{Params, Part}.
//
//   score = factor * (probe factor * dot(probe, row)) + bias      factor and bias of the row; LOWEST where its bit is 0
//   maxima[probe][block] = the largest score of the 32 rows of the block
//
// Layouts   rows: [block of 32 rows][16-byte step][32 rows] of 4 f32, 8 halves or 16 int8
//           probes: [probe][vec4] of 4 f32, or of 16 int8 where rows are int8   factors: [row] (factor, bias)
//           bits: [block], bit i = row i counts   maxima: [probe of the part][row_stride], blocks of this shard from first_out on
//
// A dispatch has up to 128 parts, each some probes and some blocks of the shard: (probe tiles, block tiles, parts). Tiles are those of the
// largest part; where a smaller one has none, a workgroup does nothing.
struct Part {
    probes: u32,
    probe_vec4s: u32,     // of one probe
    steps: u32,           // of 16 bytes in a row
    first_block: u32,
    end_block: u32,
    row_stride: u32,      // of maxima
    first_out: u32,       // where block 0 of this shard is in a row of maxima, modulo 2^32
    first_probe: u32,
}

struct Params {
    parts: array<Part, 128>,
}

@group(0) @binding(0) var<uniform> all: Params;
@group(0) @binding(3) var<storage, read> factors: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> bits: array<u32>;
@group(0) @binding(5) var<storage, read> probe_factors: array<f32>;
@group(0) @binding(6) var<storage, read_write> maxima: array<f32>;

// Below every score: the host keeps rows that could get near it away from the device.
const LOWEST = -3.0e38;

fn halves(a: u32, b: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(a), unpack2x16float(b));
}

// Sum of 16 products of int8.
fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
    return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}
