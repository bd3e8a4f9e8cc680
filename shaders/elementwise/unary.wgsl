// Element-wise functions that are not rectifiers.
//
// Layouts   x, y: [pixels][c4] (a plain tensor is one row of vec4s with c = its length)   Threads   64 in a row over vec4s
// Lanes beyond the channel count stay 0. Workgroup memory: none.
#import shared/index
#import shared/lanes

struct Params {
    total: u32,       // vec4s
    c4: u32,          // vec4s per pixel
    c: u32,           // channels
    kind: u32,        // order of kernels::elementwise::unary::code
    a: f32,           // alpha
    b: f32,           // beta
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

fn sigmoid(v: vec4<f32>) -> vec4<f32> {
    // exp of a non-positive number only, so nothing overflows.
    let e = exp(-abs(v));
    return select(e, vec4<f32>(1.0), v >= vec4<f32>()) / (1.0 + e);
}

fn tanh_exact(v: vec4<f32>) -> vec4<f32> {
    // An odd Taylor polynomial where 1 - e would cancel, the exponential elsewhere.
    let s = v * v;
    let small = v * (1.0 + s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * (-17.0 / 315.0 + s * (62.0 / 2835.0)))));
    let e = exp(-2.0 * abs(v));
    return select(sign(v) * (1.0 - e) / (1.0 + e), small, abs(v) < vec4<f32>(0.2));
}

fn expm1_exact(v: vec4<f32>) -> vec4<f32> {
    let small = v * (1.0 + v * (0.5 + v * (1.0 / 6.0 + v * (1.0 / 24.0 + v * (1.0 / 120.0 + v / 720.0)))));
    return select(exp(v) - 1.0, small, abs(v) < vec4<f32>(0.2));
}

fn log1p_exact(e: vec4<f32>) -> vec4<f32> {
    // For 0 <= e <= 1: the atanh series where 1 + e loses digits of e.
    let t = e / (2.0 + e);
    let s = t * t;
    let small = 2.0 * t * (1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s / 7.0)));
    return select(log(1.0 + e), small, e < vec4<f32>(0.2));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let v = x[i];
    var r = v;
    switch (p.kind) {
        case 0u: { r = sigmoid(v); }
        case 1u: { r = clamp(p.a * v + p.b, vec4<f32>(), vec4<f32>(1.0)); }
        case 2u: { r = v * clamp(v / 6.0 + 0.5, vec4<f32>(), vec4<f32>(1.0)); }
        case 3u: { r = tanh_exact(v); }
        case 4u: { r = max(v, vec4<f32>()) + log1p_exact(exp(-abs(v))); }
        case 5u: { r = exp(v); }
        case 6u: { r = log(v); }
        case 7u: { r = sqrt(v); }
        case 8u: { r = 1.0 / v; }
        case 9u: { r = abs(v); }
        case 10u: { r = -v; }
        case 11u: { r = select(p.a * expm1_exact(min(v, vec4<f32>())), v, v >= vec4<f32>()); }
        case 12u: { r = clamp(v, vec4<f32>(p.a), vec4<f32>(p.b)); }
        default: {}
    }
    y[i] = keep_channels(r, i % p.c4, p.c);
}
