// Adds the slices that a matrix product was cut into along its sums, and finishes them.
//
//   y[p][o] = epilogue( sum over slices s, in their order:  parts[s][p][o] )
//
// Layouts   parts: [slice][pixel][o4]   y, residual: packed NHWC   bias: [o4] then slope [o4]
// Threads   64 in a row over (pixel, o4), o4 fastest; each adds one vec4. Workgroup memory: none.
// TEX: parts and residual are textures (shared/texel).
#import shared/epilogue
#import shared/residual
#import shared/index

// Mirrored by kernels::conv::slices::Params.
struct Params {
    vec4s: u32,   // of a slice: pixels * out_c4
    out_c4: u32,
    y_row: u32,   // as in shared/conv
    y_first: u32,
    slices: u32,
    residual: u32,
    lo: f32,
    hi: f32,
    post_lo: f32,
    post_hi: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
#if TEX
@group(0) @binding(1) var parts: texture_2d<f32>;
#else
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>;
#endif
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
#if TEX
@group(0) @binding(3) var residual: texture_2d<f32>;
#else
@group(0) @binding(3) var<storage, read> residual: array<vec4<f32>>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

fn load_part(i: u32) -> vec4<f32> {
#if TEX
    return textureLoad(parts, texel(i), 0);
#else
    return parts[i];
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.vec4s) {
        return;
    }
    let block = i % p.out_c4;
    var sum = load_part(i);
    for (var s = 1u; s < p.slices; s++) {
        sum += load_part(s * p.vec4s + i);
    }
    var v = activate(sum + bias[block], bias[p.out_c4 + block], p.lo, p.hi);
    if (p.residual != 0u) {
        v += load_residual(i);
    }
    y[i / p.out_c4 * p.y_row + p.y_first + block] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
}
