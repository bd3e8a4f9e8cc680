// Element-wise functions of one operand.
//
// FAMILY   0: the common activations, on the arithmetic WGSL has   1: other activations and rounding   2: roots, exponentials, logarithms, trigonometry
//          3: whole numbers and truth values, and tests of floats by their bits
// Layouts  x, y: [pixels][c4] (a plain tensor is one row of vec4s with c = its length)   Threads   64 in a row over vec4s
// Lanes beyond the channel count stay 0. NaN stays NaN. Workgroup memory: none.
#import shared/index
#import shared/words
#if FAMILY == 1 || FAMILY == 2
#import shared/math
#endif
#if FAMILY == 2
#import shared/trigonometry
#endif

struct Params {
    total: u32,       // vec4s
    c4: u32,          // vec4s per pixel
    c: u32,           // channels
    kind: u32,        // order of kernels::elementwise::unary::code
    a: f32,           // alpha
    b: f32,           // beta
    lo: i32,          // bounds of whole numbers
    hi: i32,
    wrap: u32,        // the type of whole numbers, see shared/words
    scale: f32,       // of results of family 0
    shift: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;

#if FAMILY == 0
fn sigmoid(v: F) -> F {
    // exp of a non-positive number only, so nothing overflows.
    let e = exp(-abs(v));
    return select(e, F(1.0), v >= F()) / (1.0 + e);
}

fn tanh_exact(v: F) -> F {
    // An odd Taylor polynomial where 1 - e would cancel, the exponential elsewhere.
    let s = v * v;
    let small = v * (1.0 + s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * (-17.0 / 315.0 + s * (62.0 / 2835.0)))));
    let e = exp(-2.0 * abs(v));
    return select(sign(v) * (1.0 - e) / (1.0 + e), small, abs(v) < F(0.2));
}

fn expm1_exact(v: F) -> F {
    let small = v * (1.0 + v * (0.5 + v * (1.0 / 6.0 + v * (1.0 / 24.0 + v * (1.0 / 120.0 + v / 720.0)))));
    return select(exp(v) - 1.0, small, abs(v) < F(0.2));
}

fn log1p_exact(e: F) -> F {
    // For 0 <= e <= 1: the atanh series where 1 + e loses digits of e.
    let t = e / (2.0 + e);
    let s = t * t;
    let small = 2.0 * t * (1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s / 7.0)));
    return select(log(1.0 + e), small, e < F(0.2));
}

fn compute(word: U) -> U {
    let v = bitcast<F>(word);
    var r = v;
    switch (p.kind) {
        case 0u: { r = sigmoid(v); }
        case 1u: { r = min(max(p.a * v + p.b, F()), F(1.0)); }
        case 2u: { r = v * min(max(v / 6.0 + 0.5, F()), F(1.0)); }
        case 3u: { r = tanh_exact(v); }
        case 4u: { r = max(v, F()) + log1p_exact(exp(-abs(v))); }
        case 5u: { r = 1.0 / v; }
        case 6u: { r = abs(v); }
        case 7u: { r = -v; }
        case 8u: { r = select(p.a * expm1_exact(min(v, F())), v, v >= F()); }
        case 9u: { r = min(max(v, F(p.a)), F(p.b)); }
        default: {}
    }
    return select(bitcast<U>(r * p.scale + p.shift), word, is_nan(v));
}
#endif
#if FAMILY == 1
// v / (1 + e^-z). Where that is small, 2^24 times the exponential meets v first: alone it may fall below the normal numbers.
fn gated(v: F, z: F) -> F {
    let large = exp_of_sum(-abs(z), F(), 24);
    return select(v * large, v, z >= F()) / select(16777216.0 + large, 1.0 + large * 5.9604645e-8, z >= F());
}

fn gelu(v: F) -> F {
    // Where 1 + erf would cancel, by the complement, whose argument v / sqrt(2) has the square hi + lo.
    let z = abs(v) * 0.707106781;
    let c = min(abs(v), F(20.0));
    let hi = leading(c);
    let tail = erfc_from_half(c * 0.707106781, 0.5 * hi * hi, 0.5 * (c - hi) * (c + hi), 24);
    let far = select((v * tail) * 2.98023224e-8, v * (1.0 - tail * 2.98023224e-8), v > F());
    return select(far, v * (0.5 + 0.5 * erf_near_0(with_sign(min(z, F(1.0)), v))), z < F(0.7));
}

fn mish(v: F) -> F {
    // tanh(ln(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), here with both sides times 2^24; 1 to the last digit from 20 on.
    let c = min(v, F(20.0));
    let large = exp_of_sum(c, F(), 24);
    let n = large * (large * 5.9604645e-8 + 2.0);
    return select((c * n) / (n + 33554432.0), v, v >= F(20.0));
}

fn compute(word: U) -> U {
    let v = bitcast<F>(word);
    var r = v;
    switch (p.kind) {
        case 0u: { r = max(v, F()) + min(p.a * expm1_accurate(v / p.a), F()); }
        case 1u: { r = p.b * select(p.a * expm1_accurate(min(v, F())), v, v > F()); }
        case 2u: { r = select(F(), v, v > F(p.a)); }
        case 3u: { r = select(select(F(), v - p.b, v > F(p.a)), v + p.b, v < F(-p.a)); }
        case 4u: { r = mish(v); }
        case 5u: { r = gated(v, p.a * v); }
        case 6u: { r = gelu(v); }
        case 7u: { r = gated(v, v * (1.59576912 + v * v * 0.0713548163)); }
        case 8u: { r = v / (1.0 + abs(v)); }
        case 9u: { r = sign(v); }
        case 10u: { r = floor(v); }
        case 11u: { r = ceil(v); }
        case 12u: { r = round(v); }
        case 13u: { r = erf_accurate(v); }
        default: {}
    }
    return select(bitcast<U>(r), word, is_nan(v));
}
#endif
#if FAMILY == 2
fn sinh_accurate(v: F) -> F {
    let t = v * v;
    let near = v + v * t * (0.166666665 + t * (0.0083333506 + t * (0.000198360662 + t * 2.81743965e-6)));
    let far = exp_of_sum(abs(v), F(), -1) - exp_of_sum(-abs(v), F(), -1);
    return select(with_sign(far, v), near, abs(v) < F(1.0));
}

// `root` = sqrt(v^2 + 1) and sqrt(v^2 - 1); from 4096 on both are |v| to the last digit.
fn asinh_accurate(v: F, root: F) -> F {
    let u = abs(v);
    let c = min(u, F(4096.0));
    return with_sign(select(log1p_accurate(c + c * c / (1.0 + root)), log_accurate(u) + 0.693147181, u >= F(4096.0)), v);
}

fn acosh_accurate(v: F, root: F) -> F {
    let c = min(v, F(4096.0)) - 1.0;
    let y = select(log1p_accurate(c + root), log_accurate(v) + 0.693147181, v >= F(4096.0));
    return select(y, nan_at(v), v < F(1.0));
}

fn atanh_accurate(v: F) -> F {
    let u = abs(v);
    let c = min(u, F(0.99999994));
    let y = select(0.5 * log1p_accurate(2.0 * c / (1.0 - c)), infinity_at(v), u == F(1.0));
    return select(with_sign(y, v), nan_at(v), u > F(1.0));
}

// What square root a function needs. Taken outside of the switch: a software driver leaks memory for each square root in a branch.
fn radicand(v: F) -> F {
    let c = min(abs(v), F(4096.0));
    switch (p.kind) {
        case 5u, 6u: { return max((1.0 - abs(v)) * 0.5, F()); }
        case 10u: { return c * c + 1.0; }
        case 11u: { return max(c - 1.0, F()) * (c + 1.0); }
        default: { return v; }
    }
}

fn compute(word: U) -> U {
    let v = bitcast<F>(word);
    let root = sqrt(radicand(v));
    var r = v;
    switch (p.kind) {
        case 0u: { r = exp_accurate(v); }
        case 1u: { r = log_accurate(v); }
        case 2u: { r = sin_accurate(v, 0u); }
        case 3u: { r = sin_accurate(v, 1u); }
        case 4u: { r = tan_accurate(v); }
        case 5u: { r = asin_accurate(v, root); }
        case 6u: { r = acos_accurate(v, root); }
        case 7u: { r = atan_accurate(v); }
        case 8u: { r = sinh_accurate(v); }
        case 9u: { r = exp_of_sum(abs(v), F(), -1) + exp_of_sum(-abs(v), F(), -1); }
        case 10u: { r = asinh_accurate(v, root); }
        case 11u: { r = acosh_accurate(v, root); }
        case 12u: { r = atanh_accurate(v); }
        case 13u: { r = root; }
        default: {}
    }
    return select(bitcast<U>(r), word, is_nan(v));
}
#endif
#if FAMILY == 3
fn compute(word: U) -> U {
    let v = bitcast<I>(word);
    let f = bitcast<F>(word);
    switch (p.kind) {
        case 0u: { return bitcast<U>(min(max(v, I(p.lo)), I(p.hi))); }
        case 1u: { return bitcast<U>(wrapped(abs(v), p.wrap)); }
        case 2u: { return bitcast<U>(wrapped(-v, p.wrap)); }
        case 3u: { return bitcast<U>(sign(v)); }
        case 4u: { return truth(word == U()); }
        case 5u: { return truth(is_nan(f)); }
        // Whether infinities count: minus by bit 0 of lo, plus by bit 0 of hi.
        case 6u: {
            let counts = select(U(u32(p.hi)), U(u32(p.lo)), word >= U(0x80000000u));
            return select(U(), counts, is_infinite(f));
        }
        default: { return word; }
    }
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    y[i] = keep_words(compute(x[i]), i % p.c4, p.c);
}
