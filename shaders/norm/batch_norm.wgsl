// Batch normalisation with parameters that are only known when it runs (constant ones become an affine map):
//
//   y = (x - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c]
//
// Layouts   x, y: packed NHWC, read as scalars   scale, bias, mean, variance: [c]
// Threads   64 in a row over all scalars, lanes beyond the channel count included (they stay 0)   Workgroup memory: none.
#import shared/index

struct Params {
    pixels: u32,      // N * H * W
    c: u32,           // channels
    c4: u32,          // vec4s per pixel
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> mean: array<f32>;
@group(0) @binding(5) var<storage, read> variance: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    let stride = p.c4 * 4u;
    if (i >= p.pixels * stride) {
        return;
    }
    let c = i % stride;
    let j = min(c, p.c - 1u);
    let v = (x[i] - mean[j]) / sqrt(variance[j] + p.epsilon) * scale[j] + bias[j];
    y[i] = select(0.0, v, c < p.c);
}
