// Local response normalisation across channels (Krizhevsky et al. 2012, as ONNX LRN):
//
//   y[c] = x[c] / (bias + alpha / size * sum over j in [c - (size-1)/2, c + size/2]:  x[j]^2) ^ beta
//
// Layouts   x, y: packed NHWC, read as scalars   Threads   64 in a row over all scalars, lanes beyond the channel count included (they stay 0)
// Workgroup memory: none.
#import shared/index

struct Params {
    pixels: u32,      // N * H * W
    c: u32,           // channels
    c4: u32,          // vec4s per pixel
    size: u32,
    alpha: f32,       // already divided by size
    beta: f32,
    bias: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    let stride = p.c4 * 4u;
    if (i >= p.pixels * stride) {
        return;
    }
    let c = i % stride;
    let row = i - c;
    let before = (p.size - 1u) / 2u;
    let first = max(c, before) - before;
    let end = min(c + p.size / 2u + 1u, p.c);
    var sum = 0.0;
    for (var j = first; j < end; j++) {
        let v = x[row + j];
        sum += v * v;
    }
    y[i] = select(0.0, x[i] * pow(p.bias + p.alpha * sum, -p.beta), c < p.c);
}
