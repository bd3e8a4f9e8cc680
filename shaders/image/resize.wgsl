// Resamples packed maps, nearest or bilinear. Which cells an output row or column reads, and with which weight, is a table made on the
// host in f64, so every coordinate rule and rounding of ONNX Resize is exact.
//
//   y = wr0 * (wc0 * x[r0][c0] + wc1 * x[r0][c1]) + wr1 * (wc0 * x[r1][c0] + wc1 * x[r1][c1])
//
// Layouts   x, y: packed NHWC   table: out_h rows then out_w columns of (first cell, second cell, bits of their weights)
// Threads   64 in a row over (pixel, c4), c4 fastest. Workgroup memory: none.
#import shared/index

struct Params {
    in_h: u32,
    in_w: u32,
    out_h: u32,
    out_w: u32,
    c4: u32,
    pixels: u32,      // N * out_h * out_w
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> table: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

// A cell that does not count must not turn an infinite one into NaN.
fn blend(a: vec4<f32>, b: vec4<f32>, weights: vec2<f32>) -> vec4<f32> {
    return select(weights.x * a + weights.y * b, a, weights.y == 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.pixels * p.c4) {
        return;
    }
    let c = i % p.c4;
    let pixel = i / p.c4;
    let column = table[p.out_h + pixel % p.out_w];
    let row = table[pixel / p.out_w % p.out_h];
    let base = pixel / (p.out_w * p.out_h) * p.in_h;
    let wc = bitcast<vec2<f32>>(column.zw);
    let wr = bitcast<vec2<f32>>(row.zw);
    let upper = (base + row.x) * p.in_w;
    let lower = (base + row.y) * p.in_w;
    let a = x[(upper + column.x) * p.c4 + c];
    let b = x[(upper + column.y) * p.c4 + c];
    let d = x[(lower + column.x) * p.c4 + c];
    let e = x[(lower + column.y) * p.c4 + c];
    y[i] = blend(blend(a, b, wc), blend(d, e, wc), wr);
}
