// Convolution the obvious way: one invocation, one output number. The yardstick that the other kernels are measured against; no network uses it.
//
//   y[p][o] = epilogue( sum over taps t, channels c:  x[p*stride + t - pad][c] * w[t][c][o] )
//
// Layouts   x, y, residual: packed NHWC read as scalars   bias: [o4*4] then slope [o4*4]   w: [tap][in_c4*4][out_c4*4]
// Threads   64 in a row over y; workgroup memory: none.
#import shared/conv
#import shared/index

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    let channels = p.out_c4 * 4u;
    if (i >= p.pixels * channels) {
        return;
    }
    let o = i % channels;
    let pixel = pixel_of(i / channels, p.out_h, p.out_w);
    var sum = bias[o];
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
            let row = pixel.y * p.stride_h + ky * p.dilation_h - p.pad_h;
            let col = pixel.x * p.stride_w + kx * p.dilation_w - p.pad_w;
            if (row < p.in_h && col < p.in_w) {
                let at = ((pixel.n * p.in_h + row) * p.in_w + col) * p.in_c4 * 4u;
                let wi = (ky * p.kernel_w + kx) * p.in_c4 * 4u;
                for (var c = 0u; c < p.in_c4 * 4u; c++) {
                    sum += x[at + c] * w[(wi + c) * channels + o];
                }
            }
        }
    }
    var v = clamp(select(sum * bias[channels + o], sum, sum >= 0.0), p.lo, p.hi);
    if (p.residual != 0u) {
        v += residual[i];
    }
    y[i] = clamp(v, p.post_lo, p.post_hi);
}
