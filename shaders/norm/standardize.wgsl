// Instance, group and layer normalisation: every row of `len` consecutive elements gets the mean 0 and the variance 1, then a scale and
// a shift (which may be absent). The variance is summed around the mean, not as a difference of sums.
//
//   y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale[j] + shift[j],   j = i / inner % count of element i
//   with `rms` the mean is left out
//
// Layouts   x, y: [rows][len]   scale, shift: [count]   Threads   see shared/line; sums over lanes are joined in a fixed order
// Workgroup memory: none (ROW = 0) or 1 KiB.
#import shared/line

struct Params {
    rows: u32,
    len: u32,
    inner: u32,
    count: u32,
    rms: u32,
    shifted: u32,
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

#if ROW
alias Number = f32;

fn join(a: f32, b: f32, how: u32) -> f32 {
    return a + b;
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
    if (line.number >= p.rows) {
        return;
    }
    let base = line.number * p.len;
    var mean = 0.0;
    if (p.rms == 0u) {
        for (var block = line.lane; block < p.len; block += BLOCK) {
            for (var k = block; k < min(block + BLOCK, p.len); k += LANES) {
                mean += x[base + k];
            }
        }
    }
#if ROW
    mean = join_lanes(line.lane, mean, 0u);
#endif
    mean /= f32(p.len);
    var squares = 0.0;
    for (var block = line.lane; block < p.len; block += BLOCK) {
        for (var k = block; k < min(block + BLOCK, p.len); k += LANES) {
            let v = x[base + k] - mean;
            squares += v * v;
        }
    }
#if ROW
    squares = join_lanes(line.lane, squares, 0u);
#endif
    let inverse = 1.0 / sqrt(squares / f32(p.len) + p.epsilon);
    // Without a division per element where every element of a row has its own entry, or all have the same.
    let own = p.inner == 1u && p.count == p.len;
    let same = p.inner % p.len == 0u;
    let entry = base / p.inner % p.count;
    for (var block = line.lane; block < p.len; block += BLOCK) {
        for (var k = block; k < min(block + BLOCK, p.len); k += LANES) {
            var j = select(entry, k, own);
            if (!own && !same) {
                j = (base + k) / p.inner % p.count;
            }
            let v = (x[base + k] - mean) * inverse * scale[j];
            if (p.shifted != 0u) {
                y[base + k] = v + shift[j];
            } else {
                y[base + k] = v;
            }
        }
    }
}
