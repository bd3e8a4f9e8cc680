// Fully connected layer for few pictures: reads every weight once a picture, so it runs at the speed of memory.
//
//   y[n][o] = epilogue( sum over k:  x[n][k] * w[o][k] )
//
// Layouts   x: [n][k4]   w: [block][k4][4 k][lane] vec4 of 4 outputs, as in conv/subgroup_gemm (F16: halves)   bias: [o4] then slope [o4]
// Threads   L lanes (4 outputs each) x SLICES parts of k; the parts are summed in workgroup memory in a fixed order
//
//            lane 0 .. L-1
//   slice 0 [ o0..3 ...  ]   k4 = 0, SLICES, 2*SLICES ...     or, TEX, the first part of k4
//   slice 1 [            ]   k4 = 1, SLICES + 1 ...           the second
//
// All threads of a graphics card run side by side, so together they read what lies side by side. A software adapter runs one subgroup
// after the other to the barrier: each reads a range of its own from its beginning to its end, 1.7 times faster than every sixteenth row.
// TEX: x and w are textures (shared/texel).
// Workgroup memory: 16 * L * SLICES bytes (at most 4 KiB). Grid: (output blocks, pictures, slices of k: conv/slices adds them).
#import shared/conv
#import shared/epilogue
#import shared/residual
#import shared/operands

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
#if TEX
@group(0) @binding(4) var residual: texture_2d<f32>;
#else
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
#endif
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> partial: array<vec4<f32>, {{L * SLICES}}>;

@compute @workgroup_size({{L * SLICES}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let lane = local % {{L}}u;
    let slice = local / {{L}}u;
    let first = group.z * p.slice_c4;
    let in_c4 = min(p.in_c4, p.x_row - first);
    let row = group.y * p.x_row + first;
    let w_block = (group.x * p.x_row + first) * {{4 * L / (1 + F16)}}u + lane;
    var sum = vec4<f32>();
#if TEX
    let part = (in_c4 + {{SLICES - 1}}u) / {{SLICES}}u;
    let begin = slice * part;
    let end = min(begin + part, in_c4);
    let step = 1u;
#else
    let begin = slice;
    let end = in_c4;
    let step = {{SLICES}}u;
#endif
    for (var k = begin; k < end; k += step) {
        let v = load_x(row + k);
        let wi = w_block + k * {{4 * L / (1 + F16)}}u;
#if F16
        let h0 = load_w(wi);
        let h1 = load_w(wi + {{L}}u);
        sum += v.x * halves(h0.x, h0.y);
        sum += v.y * halves(h0.z, h0.w);
        sum += v.z * halves(h1.x, h1.y);
        sum += v.w * halves(h1.z, h1.w);
#else
        sum += v.x * load_w(wi);
        sum += v.y * load_w(wi + {{L}}u);
        sum += v.z * load_w(wi + {{2 * L}}u);
        sum += v.w * load_w(wi + {{3 * L}}u);
#endif
    }
    partial[local] = sum;
    workgroupBarrier();
    let block = (p.block0 + group.x) * {{L}}u + lane;
    if (slice != 0u || block >= p.out_c4) {
        return;
    }
    for (var s = 1u; s < {{SLICES}}u; s++) {
        sum += partial[s * {{L}}u + lane];
    }
    let at = group.y * p.out_c4 + block;
    var v = activate(sum + bias[block], bias[p.out_c4 + block], p.lo, p.hi);
    if (p.residual != 0u) {
        v += load_residual(at);
    }
    y[group.z * p.y_plane + at] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
}
