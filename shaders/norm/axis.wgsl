// What rewrites a plain tensor along one axis, seen as [outer][axis][inner].
//
//   softmax       y = exp(x - max) / sum exp(x - max)
//   log softmax   y = x - max - log(sum exp(x - max))
//   L2            y = x / max(sqrt(sum x^2), epsilon)
//
// Layouts   x, y: [outer][axis][inner]   Threads   see shared/line; sums over lanes are joined in a fixed order
// Workgroup memory: none (ROW = 0) or 1 KiB.
#import shared/line

struct Params {
    outer: u32,
    axis: u32,
    inner: u32,
    kind: u32,        // 0 softmax, 1 L2, 2 log softmax
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const LARGEST = 3.4028234663852886e38;

#if ROW
alias Number = f32;

fn join(a: f32, b: f32, how: u32) -> f32 {
    return select(a + b, max(a, b), how == 1u);
}

#import shared/join
#endif

#if ROW
@compute @workgroup_size(256)
#else
@compute @workgroup_size(64)
#endif
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = line_of(group, groups, local);
    if (line.number >= p.outer * p.inner) {
        return;
    }
    let base = line.number / p.inner * p.axis * p.inner + line.number % p.inner;
    let soft = p.kind != 1u;
    // The largest, or the sum of the squares.
    var extent = select(0.0, -LARGEST, soft);
    for (var block = line.lane; block < p.axis; block += BLOCK) {
        for (var k = block; k < min(block + BLOCK, p.axis); k += LANES) {
            let v = x[base + k * p.inner];
            extent = select(extent + v * v, max(extent, v), soft);
        }
    }
#if ROW
    extent = join_lanes(line.lane, extent, u32(soft));
#endif
    var total = 0.0;
    if (soft) {
        for (var block = line.lane; block < p.axis; block += BLOCK) {
            for (var k = block; k < min(block + BLOCK, p.axis); k += LANES) {
                total += exp(x[base + k * p.inner] - extent);
            }
        }
    }
#if ROW
    total = join_lanes(line.lane, total, 0u);
#endif
    let scale = 1.0 / select(max(sqrt(extent), p.epsilon), total, soft);
    let logarithm = log(total);
    for (var block = line.lane; block < p.axis; block += BLOCK) {
        for (var k = block; k < min(block + BLOCK, p.axis); k += LANES) {
            let at = base + k * p.inner;
            let v = x[at];
            if (p.kind == 2u) {
                y[at] = v - extent - logarithm;
            } else {
                y[at] = scale * select(v, exp(v - extent), soft);
            }
        }
    }
}
