// Convolution with any number of groups.
//
//   y[p][o] = epilogue( sum over taps t, channels c of the group of o:  x[p*stride + t - pad][c] * w[o][t][c] )
//
// An output vec4 may straddle groups and a group may straddle input vec4s, so each output vec4 has its own dense 4 x 4 blocks of weights over
// the group_c4 input vec4s that any of its four channels reads, with zeros where a channel does not.
//
// Layouts   x, y, residual: packed NHWC   bias: [o4] then slope [o4]   w: [o4][tap][group_c4][4 k] vec4 of 4 outputs
// Threads   64 in a row over (pixel, o4), o4 fastest; one output vec4 a thread. Workgroup memory: none.
#import shared/conv
#import shared/epilogue
#import shared/index

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.pixels * p.out_c4) {
        return;
    }
    let block = i % p.out_c4;
    let o = pixel_of(i / p.out_c4, p.out_h, p.out_w);
    // The first input vec4 of the first channel's group, moved down where group_c4 vec4s from there would pass the end.
    let c0 = min((block * 4u / p.group_out) * p.group_in / 4u, p.in_c4 - p.group_c4);
    var wi = block * (p.kernel_h * p.kernel_w * p.group_c4 * 4u);
    var sum = bias[block];
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
            let row = o.y * p.stride_h + ky * p.dilation_h - p.pad_h;
            let col = o.x * p.stride_w + kx * p.dilation_w - p.pad_w;
            if (row < p.in_h && col < p.in_w) {
                let at = ((o.n * p.in_h + row) * p.in_w + col) * p.in_c4 + c0;
                for (var c = 0u; c < p.group_c4; c++) {
                    let v = x[at + c];
                    let k = wi + c * 4u;
                    sum += v.x * w[k] + v.y * w[k + 1u] + v.z * w[k + 2u] + v.w * w[k + 3u];
                }
            }
            wi += p.group_c4 * 4u;
        }
    }
    var v = activate(sum, bias[p.out_c4 + block], p.lo, p.hi);
    if (p.residual != 0u) {
        v += residual[i];
    }
    y[i] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
}
