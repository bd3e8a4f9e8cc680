// What looks along one axis of a plain tensor seen as [outer][axis][inner]: softmax, L2 normalisation, and the reductions.
//
//   softmax   y = exp(x - max) / sum exp(x - max)          L2   y = x / max(sqrt(sum x^2), epsilon)
//   mean, sum, max, min, L2 norm, L1 norm, sum of squares:  y[outer][inner]
//
// Layouts   x: [outer][axis][inner]   y: the same, or [outer][inner] for reductions
// Threads   64 in a row over (outer, inner), inner fastest; a thread walks the axis. Workgroup memory: none.
// Loops are nested so that none exceeds 65535 rounds (a driver of 2022 stops there silently).
#import shared/index

struct Params {
    outer: u32,
    axis: u32,
    inner: u32,
    kind: u32,        // 0 softmax, 1 L2 normalise, 2 mean, 3 sum, 4 max, 5 min, 6 L2, 7 L1, 8 sum of squares
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const LARGEST = 3.4028234663852886e38;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.outer * p.inner) {
        return;
    }
    let base = i / p.inner * p.axis * p.inner + i % p.inner;
    var largest = -LARGEST;
    var smallest = LARGEST;
    var sum = 0.0;
    var squares = 0.0;
    var absolute = 0.0;
    for (var block = 0u; block < p.axis; block += 32768u) {
        for (var k = block; k < min(block + 32768u, p.axis); k++) {
            let v = x[base + k * p.inner];
            largest = max(largest, v);
            smallest = min(smallest, v);
            sum += v;
            squares += v * v;
            absolute += abs(v);
        }
    }
    if (p.kind >= 2u) {
        var result = sum;
        switch (p.kind) {
            case 2u: { result = sum / f32(p.axis); }
            case 4u: { result = largest; }
            case 5u: { result = smallest; }
            case 6u: { result = sqrt(squares); }
            case 7u: { result = absolute; }
            case 8u: { result = squares; }
            default: {}
        }
        y[i] = result;
        return;
    }
    var scale = 1.0 / max(sqrt(squares), p.epsilon);
    if (p.kind == 0u) {
        var total = 0.0;
        for (var block = 0u; block < p.axis; block += 32768u) {
            for (var k = block; k < min(block + 32768u, p.axis); k++) {
                total += exp(x[base + k * p.inner] - largest);
            }
        }
        scale = 1.0 / total;
    }
    for (var block = 0u; block < p.axis; block += 32768u) {
        for (var k = block; k < min(block + 32768u, p.axis); k++) {
            let at = base + k * p.inner;
            y[at] = scale * select(x[at], exp(x[at] - largest), p.kind == 0u);
        }
    }
}
