// Element-wise functions of two operands that are broadcast against each other.
//
// FAMILY   0: arithmetic of floats   1: powers, remainders and comparisons of floats   2: whole numbers and truth values
// Layouts  see shared/broadcast   Threads   64 in a row over y   Workgroup memory: none.
#import shared/index
#import shared/broadcast
#if FAMILY == 1
#import shared/math
#endif

@group(0) @binding(0) var<uniform> p: Params;
#if SCALAR
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
#else
@group(0) @binding(1) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<u32>>;
#endif

#if FAMILY == 0
fn compute(first: U, second: U) -> U {
    let u = bitcast<F>(first);
    let v = bitcast<F>(second);
    var r = u + v;
    switch (p.kind) {
        case 1u: { r = u - v; }
        case 2u: { r = u * v; }
        case 3u: { r = u / v; }
        case 4u: { r = select(max(u, v), nan_at(u), is_nan(u) | is_nan(v)); }
        case 5u: { r = select(min(u, v), nan_at(u), is_nan(u) | is_nan(v)); }
        // x and its slope
        case 6u: { r = select(u * v, u, u >= F()); }
        default: {}
    }
    return bitcast<U>(r);
}
#endif
#if FAMILY == 1
// The remainder of |u| / |v| by long division of the mantissas, eight bits a round: exact, whatever the quotient.
fn remainder(u: f32, v: f32) -> f32 {
    let a = bitcast<u32>(u) & 0x7fffffffu;
    let b = bitcast<u32>(v) & 0x7fffffffu;
    if (a < b || b == 0u || a >= 0x7f800000u) {
        return bitcast<f32>(a);
    }
    // Exponents count from 1; below the normal numbers the leading bit is missing.
    let a_exponent = max(a >> 23u, 1u);
    let b_exponent = max(b >> 23u, 1u);
    var rest = (a & 0x007fffffu) | select(0u, 0x00800000u, a >= 0x00800000u);
    let divisor = (b & 0x007fffffu) | select(0u, 0x00800000u, b >= 0x00800000u);
    rest %= divisor;
    for (var left = a_exponent - b_exponent; left > 0u && rest > 0u;) {
        let step = min(left, 8u);
        rest = (rest << step) % divisor;
        left -= step;
    }
    if (rest == 0u) {
        return 0.0;
    }
    let shift = min(23u - firstLeadingBit(rest), b_exponent - 1u);
    let mantissa = rest << shift;
    return bitcast<f32>(select(mantissa, ((b_exponent - shift) << 23u) | (mantissa & 0x007fffffu), mantissa >= 0x00800000u));
}

// With the sign of u.
fn fmod(u: F, v: F) -> F {
#if SCALAR
    let r = remainder(u, v);
#else
    let r = F(remainder(u.x, v.x), remainder(u.y, v.y), remainder(u.z, v.z), remainder(u.w, v.w));
#endif
    let none = is_nan(u) | is_nan(v) | is_infinite(u) | (v == F());
    return select(with_sign(r, u), nan_at(u), none);
}

fn compute(first: U, second: U) -> U {
    // Bits 0 and 1 of the flags: the operand is a whole number; bit 2: so is the result.
    let u = select(bitcast<F>(first), F(bitcast<I>(first)), B((p.flags & 1u) != 0u));
    let v = select(bitcast<F>(second), F(bitcast<I>(second)), B((p.flags & 2u) != 0u));
    let ordered = !(is_nan(u) | is_nan(v));
    var r = F();
    switch (p.kind) {
        case 0u: { return truth(ordered & (u == v)); }
        case 1u: { return truth(ordered & (u > v)); }
        case 2u: { return truth(ordered & (u >= v)); }
        case 3u: { return truth(ordered & (u < v)); }
        case 4u: { return truth(ordered & (u <= v)); }
        case 5u: { r = power(u, v); }
        case 6u: { r = fmod(u, v); }
        default: {
            r = fmod(u, v);
            r = select(r, r + v, (r != F()) & ((r < F()) != (v < F())));
        }
    }
    if ((p.flags & 4u) != 0u) {
        // A power that is whole but for rounding is that number; then towards zero.
        let nearest = round(r);
        let whole = select(trunc(r), nearest, abs(r - nearest) <= abs(r) * 1e-6);
        return bitcast<U>(wrapped(I(clamp(whole, F(-2147483648.0), F(2147483520.0))), p.wrap));
    }
    return bitcast<U>(r);
}
#endif
#if FAMILY == 2
// By squaring; modulo 2^32 as multiplication is. A negative exponent leaves 0 of all but 1 and -1.
fn power(base: I, exponent: I) -> I {
    var r = I(1);
    var square = base;
    var left = bitcast<U>(max(exponent, I()));
    for (var round = 0u; round < 32u; round++) {
        r = select(r, r * square, (left & U(1u)) == U(1u));
        square *= square;
        left >>= U(1u);
    }
    let inverse = select(select(I(), select(I(1), I(-1), (exponent & I(1)) == I(1)), base == I(-1)), I(1), base == I(1));
    return select(r, inverse, exponent < I());
}

// Towards zero; by 0: 0.
fn quotient(u: I, v: I, unsigned: bool) -> I {
    let divisor = select(v, I(1), v == I());
    if (unsigned) {
        return select(bitcast<I>(bitcast<U>(u) / bitcast<U>(divisor)), I(), v == I());
    }
    return select(u / divisor, I(), v == I());
}

fn compute(first: U, second: U) -> U {
    let u = bitcast<I>(first);
    let v = bitcast<I>(second);
    // Bit 3 of the flags: 32 bits without a sign, which compare as if their first bit were flipped.
    let unsigned = (p.flags & 8u) != 0u;
    let flip = U(select(0u, 0x80000000u, unsigned));
    let s = bitcast<I>(first ^ flip);
    let t = bitcast<I>(second ^ flip);
    var r = I();
    switch (p.kind) {
        case 0u: { return truth(u == v); }
        case 1u: { return truth(s > t); }
        case 2u: { return truth(s >= t); }
        case 3u: { return truth(s < t); }
        case 4u: { return truth(s <= t); }
        case 5u: { return first & second; }
        case 6u: { return first | second; }
        case 7u: { return first ^ second; }
        case 8u: { r = u + v; }
        case 9u: { r = u - v; }
        case 10u: { r = u * v; }
        case 11u: { r = quotient(u, v, unsigned); }
        case 12u: { r = select(v, u, s > t); }
        case 13u: { r = select(v, u, s < t); }
        case 14u: { r = power(u, v); }
        default: {
            r = select(u - quotient(u, v, unsigned) * v, I(), v == I());
            // The sign of the divisor (15); of the dividend (16).
            let other = (r != I()) & ((r < I()) != (v < I()));
            r = select(r, r + v, other & B(p.kind == 15u && !unsigned));
        }
    }
    return bitcast<U>(wrapped(r, p.wrap));
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let at = places(i);
#if SCALAR
    y[i] = compute(a[at.x], b[at.y]);
#else
    var u = a[select(at.x, at.x / 4u, (p.splat & 1u) != 0u)];
    var v = b[select(at.y, at.y / 4u, (p.splat & 2u) != 0u)];
    if ((p.splat & 1u) != 0u) {
        u = U(u[at.x % 4u]);
    }
    if ((p.splat & 2u) != 0u) {
        v = U(v[at.y % 4u]);
    }
    y[i] = kept(compute(u, v), i);
#endif
}
