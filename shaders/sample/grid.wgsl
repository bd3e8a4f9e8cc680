// Samples maps at the places of a grid (ONNX GridSample), nearest, linear or cubic.
//
//   y[n][place][c] = sum over taps along every axis of weight * x[n][cell][c]      taps around the denormalised grid[n][place]
//
// A coordinate g of an axis of n cells becomes (g + 1) / 2 * (n - 1), or ((g + 1) * n - 1) / 2 where corners are not aligned. One that lies
// beyond the border is left alone (zeros), clamped to the cells (but for cubic, as PyTorch and ONNX Runtime have it), or mirrored; so are
// the cells around it. What is no number counts as -1.
//
// Layouts   PACKED = 1: x, y: packed NHWC, one or two axes   PACKED = 0: row-major, up to three axes   grid: row-major, last axis first
// Threads   64 in a row over y as memory has it. Workgroup memory: none.
#import shared/index
#import shared/modulo

struct Axis {
    size: u32,        // cells
    stride: u32,      // of x
    taps: u32,        // 1, 2 or 4; 1 for an axis that is not there
    coordinate: u32,  // which one of the grid; 3 = none
}

struct Params {
    axes: array<Axis, 3>,
    channels: u32,    // vec4s of them where packed
    places: u32,      // of a picture
    total: u32,
    rank: u32,        // coordinates of a place
    x_batch: u32,
    x_channel: u32,
    padding: u32,     // 0 zeros, 1 border, 2 reflection
    align: u32,       // 1: -1 and 1 are the centres of the corner cells
}

#if PACKED
alias Value = vec4<f32>;
#else
alias Value = f32;
#endif

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> grid: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<Value>;

// Far beyond any map, and exact in f32.
const FAR = 8388608.0;

struct Taps {
    low: i32,             // the first cell
    weights: vec4<f32>,
}

fn mirrored(at: f32, first: f32, span: f32) -> f32 {
    let around = max(2.0 * span, 1e-6);
    let from_first = at - first;
    let turned = from_first - floor(from_first / around) * around;
    return first + span - abs(span - turned);
}

// The place along an axis, as a fraction of cells.
fn placed(value: f32, cells: f32, taps: u32) -> f32 {
    let bits = bitcast<u32>(value) & 0x7fffffffu;
    let g = select(value, -1.0, bits > 0x7f800000u);
    let aligned = p.align != 0u;
    var at = select(((g + 1.0) * cells - 1.0) / 2.0, (g + 1.0) / 2.0 * (cells - 1.0), aligned);
    at = clamp(at, -FAR, FAR);
    at = select(at, round(at), taps == 1u);
    let first = select(-0.5, 0.0, aligned);
    let span = select(cells, cells - 1.0, aligned);
    let beyond = at < first || at > first + span;
    if (beyond && p.padding == 1u && taps < 4u) {
        at = clamp(at, 0.0, cells - 1.0);
    } else if (beyond && p.padding == 2u) {
        at = mirrored(at, first, span);
    }
    return at;
}

// The cell that stands at i, or -1 for a zero.
fn cell(i: i32, cells: i32) -> i32 {
    if (i >= 0 && i < cells) {
        return i;
    }
    if (p.padding == 0u) {
        return -1;
    }
    if (p.padding == 1u) {
        return clamp(i, 0, cells - 1);
    }
    if (p.align != 0u) {
        let last = cells - 1;
        let period = max(2 * last, 1);
        return last - abs(last - modulo(i, period));
    }
    let turned = modulo(i, 2 * cells);
    return min(turned, 2 * cells - 1 - turned);
}

fn far(d: f32) -> f32 {
    return -0.75 * (((d - 5.0) * d + 8.0) * d - 4.0);
}

fn near(d: f32) -> f32 {
    return (1.25 * d - 2.25) * d * d + 1.0;
}

fn taps(axis: Axis, first: u32) -> Taps {
    // An axis that is not there has one cell.
    if (axis.coordinate > 2u) {
        return Taps(0, vec4<f32>(1.0, 0.0, 0.0, 0.0));
    }
    let at = placed(grid[first + axis.coordinate], f32(axis.size), axis.taps);
    let low = floor(at);
    let f = at - low;
    if (axis.taps == 4u) {
        return Taps(i32(low) - 1, vec4<f32>(far(1.0 + f), near(f), near(1.0 - f), far(2.0 - f)));
    }
    return Taps(i32(low), select(vec4<f32>(1.0 - f, f, 0.0, 0.0), vec4<f32>(1.0, 0.0, 0.0, 0.0), axis.taps == 1u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
#if PACKED
    let channel = i % p.channels;
    let place = i / p.channels;
    let batch = place / p.places;
#else
    let plane = i / p.places;
    let channel = plane % p.channels;
    let batch = plane / p.channels;
    let place = batch * p.places + i % p.places;
#endif
    let base = batch * p.x_batch + channel * p.x_channel;
    let a = taps(p.axes[0], place * p.rank);
    let b = taps(p.axes[1], place * p.rank);
    let c = taps(p.axes[2], place * p.rank);
    var sum = Value();
    for (var ka = 0u; ka < p.axes[0].taps; ka++) {
        let da = cell(a.low + i32(ka), i32(p.axes[0].size));
        for (var kb = 0u; kb < p.axes[1].taps; kb++) {
            let db = cell(b.low + i32(kb), i32(p.axes[1].size));
            for (var kc = 0u; kc < p.axes[2].taps; kc++) {
                let dc = cell(c.low + i32(kc), i32(p.axes[2].size));
                if (min(da, min(db, dc)) >= 0) {
                    let at = u32(da) * p.axes[0].stride + u32(db) * p.axes[1].stride + u32(dc) * p.axes[2].stride;
                    sum += a.weights[ka] * b.weights[kb] * c.weights[kc] * x[base + at];
                }
            }
        }
    }
    y[i] = sum;
}
