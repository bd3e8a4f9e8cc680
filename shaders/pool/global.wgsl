// Pooling over all of a map: maximum, average, L2 or another norm of each channel.
//
//   with LP = 1:   (sum |x|^p)^(1/p)
//
// Layouts   x: packed NHWC   y: [n][c4]
// Threads   8 lanes (one vec4 of channels each) x 8 slices of the pixels; slices are joined in workgroup memory in a fixed order
// Workgroup memory: 1 KiB. Grid: (ceil(c4 / 8), pictures). Loops are nested so that none exceeds 65535 rounds.
#if LP
#import shared/power
#endif

struct Params {
    area: u32,        // pixels of a map
    c4: u32,
    kind: u32,        // 0 max, 1 average, 2 L2, 3 LP
    norm: u32,        // p
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> partial: array<vec4<f32>, 64>;

fn join(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
#if LP
    return a + b;
#else
    return select(a + b, max(a, b), p.kind == 0u);
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let c = group.x * 8u + local % 8u;
    let slice = local / 8u;
    let at = group.y * p.area * p.c4 + min(c, p.c4 - 1u);
    var acc = select(vec4<f32>(), vec4<f32>(-3.4028234663852886e38), p.kind == 0u);
    for (var block = slice; block < p.area; block += 262144u) {
        for (var i = block; i < min(block + 262144u, p.area); i += 8u) {
            let v = x[at + i * p.c4];
#if LP
            acc = join(acc, power(abs(v), p.norm));
#else
            acc = join(acc, select(v, v * v, p.kind == 2u));
#endif
        }
    }
    partial[local] = acc;
    workgroupBarrier();
    if (slice != 0u || c >= p.c4) {
        return;
    }
    for (var s = 1u; s < 8u; s++) {
        acc = join(acc, partial[s * 8u + local]);
    }
#if LP
    y[group.y * p.c4 + c] = root(acc, p.norm);
#else
    if (p.kind == 1u) {
        acc = acc / f32(p.area);
    }
    // Not in a branch: one of llvmpipe's (Mesa 22.3) loses host memory at every launch of a shader with a square root there.
    acc = select(acc, sqrt(acc), p.kind == 2u);
    y[group.y * p.c4 + c] = acc;
#endif
}
