// Local response normalisation across channels (Krizhevsky et al. 2012, as ONNX LRN):
//
//   y[c] = x[c] / (bias + alpha / size * sum over j in [c - (size-1)/2, c + size/2]:  x[j]^2) ^ beta
//
// Layouts   x, y: packed NHWC   Threads   64 in a row over (pixel, c4), c4 fastest; a thread computes 4 channels from the vec4s that hold their
//           neighbours. Workgroup memory: none.   TEX: x is a texture (shared/texel)
#import shared/index
#import shared/input
#import shared/lanes

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
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

// The sum of those squares whose channels lie within the window of `channel`; the first square is of channel `first`. Wraps below 0.
fn within(squares: vec4<f32>, first: u32, channel: u32) -> f32 {
    let place = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u) + (p.size - 1u) / 2u - channel;
    return dot(select(vec4<f32>(), squares, place < vec4<u32>(p.size)), vec4<f32>(1.0));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.pixels * p.c4) {
        return;
    }
    let c = i % p.c4;
    let row = i - c;
    let channel = 4u * c;
    let before = (p.size - 1u) / 2u;
    let last = min((channel + 3u + p.size / 2u) / 4u, p.c4 - 1u);
    var sum = vec4<f32>();
    var j = (max(channel, before) - before) / 4u;
    loop {
        // Spare lanes are 0, so they add nothing.
        let v = load_x(row + j);
        let squares = v * v;
        sum += vec4<f32>(
            within(squares, 4u * j, channel),
            within(squares, 4u * j, channel + 1u),
            within(squares, 4u * j, channel + 2u),
            within(squares, 4u * j, channel + 3u),
        );
        continuing {
            j++;
            break if j > last;
        }
    }
    y[i] = keep_channels(load_x(i) * pow(vec4<f32>(p.bias) + p.alpha * sum, vec4<f32>(-p.beta)), c, p.c);
}
