// Element-wise functions of two packed maps with broadcasting.
//
// Layouts   y: [n][h][w][c4]; a and b by strides in vec4s, 0 where they are broadcast; splat: the operand has one channel, in lane x
// Threads   64 in a row over vec4s of y; lanes beyond the channel count stay 0. Workgroup memory: none.
#import shared/index
#import shared/lanes

struct Params {
    total: u32,       // vec4s of y
    h: u32,
    w: u32,
    c4: u32,
    c: u32,
    kind: u32,        // 0 add, 1 sub, 2 mul, 3 div, 4 max, 5 min, 6 pow
    a_n: u32,
    a_h: u32,
    a_w: u32,
    a_c: u32,
    a_splat: u32,
    b_n: u32,
    b_h: u32,
    b_w: u32,
    b_c: u32,
    b_splat: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

// pow of any sign: WGSL leaves pow of a negative base undefined; an integer exponent is fine, any other gives NaN as IEEE pow does.
fn power(base: vec4<f32>, exponent: vec4<f32>) -> vec4<f32> {
    let magnitude = pow(abs(base), exponent);
    let odd = fract(exponent * 0.5) != vec4<f32>();
    let whole = fract(exponent) == vec4<f32>();
    let negative = select(magnitude, -magnitude, odd);
    let invalid = bitcast<vec4<f32>>(vec4<u32>(0x7fc00000u) + vec4<u32>(p.total & 0u));
    let signed = select(magnitude, select(invalid, negative, whole), base < vec4<f32>());
    return select(signed, vec4<f32>(1.0), exponent == vec4<f32>());
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let c = i % p.c4;
    let x = i / p.c4 % p.w;
    let row = i / (p.c4 * p.w) % p.h;
    let n = i / (p.c4 * p.w * p.h);
    var u = a[n * p.a_n + row * p.a_h + x * p.a_w + c * p.a_c];
    var v = b[n * p.b_n + row * p.b_h + x * p.b_w + c * p.b_c];
    if (p.a_splat != 0u) {
        u = u.xxxx;
    }
    if (p.b_splat != 0u) {
        v = v.xxxx;
    }
    var r = u + v;
    switch (p.kind) {
        case 1u: { r = u - v; }
        case 2u: { r = u * v; }
        case 3u: { r = u / v; }
        case 4u: { r = max(u, v); }
        case 5u: { r = min(u, v); }
        case 6u: { r = power(u, v); }
        default: {}
    }
    y[i] = keep_channels(r, c, p.c);
}
