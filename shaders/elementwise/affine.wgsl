// Per-channel scale, shift and rectifier of a packed map: batch norm, PReLU, ReLU, LeakyReLU, Clip, and any of them after a batch norm.
//
//   y = clamp(v >= 0 ? v : slope * v, lo, hi),   v = x * scale + shift
//
// Layouts   x, y: [pixels][c4]   table: scale [c4], shift [c4], slope [c4]
// Threads   64 in a row over vec4s; lanes beyond the channel count stay 0. Workgroup memory: none.
#import shared/index
#import shared/epilogue
#import shared/lanes

struct Params {
    total: u32,       // pixels * c4
    c4: u32,
    c: u32,
    lo: f32,
    hi: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> table: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let c = i % p.c4;
    let v = x[i] * table[c] + table[p.c4 + c];
    // What a clamp makes of NaN is not defined.
    let missing = (bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    y[i] = keep_channels(select(activate(v, table[2u * p.c4 + c], p.lo, p.hi), v, missing), c, p.c);
}
