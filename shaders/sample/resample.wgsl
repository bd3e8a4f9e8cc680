// Resamples one axis of a tensor seen as [outer][axis][inner]. Which cells an output place reads, and with which weights, is a table made
// on the host, so every coordinate rule, rounding and interpolation of ONNX Resize is exact. Several axes take several passes.
//
//   y[outer][o][inner] = outside(o) ? fill : sum over k of weight[o][k] * x[outer][first(o) + k][inner]
//
// Layouts   x, y: row-major or packed, with axis and inner as memory has them; numbers, or vec4s where VEC4 = 1 (inner counts those)
//           places: (first cell, number of cells, first weight, outside)   weights: f32
// Threads   64 in a row over y, inner fastest. Workgroup memory: none.
// CELLS = 1: one cell a place, moved bit by bit, whatever its type; there are no weights.
// Loops are nested so that none exceeds 65535 rounds (a driver of 2022 stops there silently).
#import shared/index

struct Params {
    input: u32,       // cells of the axis
    output: u32,
    inner: u32,
    total: u32,
    fill: u32,        // bits
}

@group(0) @binding(0) var<uniform> p: Params;
#if CELLS
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> places: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
#else
#if VEC4
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read> x: array<f32>;
#endif
@group(0) @binding(2) var<storage, read> places: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
#if VEC4
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
#endif
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let row = i / p.inner;
    let place = places[row % p.output];
    let base = (row / p.output * p.input + place.x) * p.inner + i % p.inner;
#if CELLS
    y[i] = select(x[base], p.fill, place.w != 0u);
#else
#if VEC4
    var sum = vec4<f32>();
#else
    var sum = 0.0;
#endif
    for (var block = 0u; block < place.y; block += 32768u) {
        for (var k = block; k < min(block + 32768u, place.y); k++) {
            sum += weights[place.z + k] * x[base + k * p.inner];
        }
    }
    y[i] = sum;
    if (place.w != 0u) {
#if VEC4
        y[i] = vec4<f32>(bitcast<f32>(p.fill));
#else
        y[i] = bitcast<f32>(p.fill);
#endif
    }
#endif
}
