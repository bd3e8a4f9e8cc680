// Sines, tangents and their inverses to a few ulp of the result for any finite argument; WGSL's are good to 2^-11 between -pi and pi only.
#import shared/words

// x = r + quadrant * pi / 2 with |r| <= pi / 4.
struct Reduced {
    r: F,
    quadrant: U,
}

fn reduced(x: F) -> Reduced {
    // pi / 2 in parts of 11 bits, so that products with up to 13 bits are exact.
    let near = clamp(x, F(-12000.0), F(12000.0));
    let k = round(near * 0.636619772);
    let r = fma(k, F(-2.56334415e-12), fma(k, F(-7.549533620476723e-8), fma(k, F(-0.0004837512969970703), fma(k, F(-1.5703125), near))));
    let far = abs(x) > F(12000.0);
    if (some(far)) {
        let f = reduced_far(x);
        return Reduced(select(r, f.r, far), select(bitcast<U>(I(k)), f.quadrant, far));
    }
    return Reduced(r, bitcast<U>(I(k)));
}

// Word i of the bits of 2 / pi, behind one word of zeros.
fn two_over_pi(i: U) -> U {
    var w = select(U(), U(0xa2f9836eu), i == U(1u));
    w = select(w, U(0x4e441529u), i == U(2u));
    w = select(w, U(0xfc2757d1u), i == U(3u));
    w = select(w, U(0xf534ddc0u), i == U(4u));
    w = select(w, U(0xdb629599u), i == U(5u));
    w = select(w, U(0x3c439041u), i == U(6u));
    return select(w, U(0xfe5163abu), i == U(7u));
}

// The upper half of the product.
fn high_product(a: U, b: U) -> U {
    let a1 = a >> U(16u);
    let a0 = a & U(0xffffu);
    let b1 = b >> U(16u);
    let b0 = b & U(0xffffu);
    let middle = a1 * b0 + ((a0 * b0) >> U(16u));
    return a1 * b1 + (middle >> U(16u)) + ((a0 * b1 + (middle & U(0xffffu))) >> U(16u));
}

// For |x| > 2^10: the mantissa times those 96 bits of 2 / pi that matter modulo 4 turns of pi / 2 (Payne and Hanek).
fn reduced_far(x: F) -> Reduced {
    let bits = bitcast<U>(x);
    let mantissa = (bits & U(0x007fffffu)) | U(0x00800000u);
    // Bit 32 + e - 2 of the table has the weight 2 in mantissa * 2^e * 2 / pi.
    let at = ((bits >> U(23u)) & U(0xffu)) - U(150u - 30u);
    let i = at >> U(5u);
    let shift = at & U(31u);
    let w0 = two_over_pi(i);
    let w1 = two_over_pi(i + U(1u));
    let w2 = two_over_pi(i + U(2u));
    let w3 = two_over_pi(i + U(3u));
    let back = U(31u) - shift;
    let high = (w0 << shift) | ((w1 >> U(1u)) >> back);
    let middle = (w1 << shift) | ((w2 >> U(1u)) >> back);
    let low = (w2 << shift) | ((w3 >> U(1u)) >> back);
    // The lower 96 bits of the product, of which the first two are the quadrant.
    let p1 = mantissa * middle + high_product(mantissa, low);
    let carry = select(U(), U(1u), p1 < high_product(mantissa, low));
    let p0 = mantissa * high + high_product(mantissa, middle) + carry;
    let p2 = mantissa * low;
    let fraction = (p0 << U(2u)) | (p1 >> U(30u));
    let below = (p1 << U(2u)) | (p2 >> U(30u));
    let quadrant = (p0 + U(0x20000000u)) >> U(30u);
    let r = (F(bitcast<I>(fraction)) * 2.3283064365386963e-10 + F(below) * 5.421010862427522e-20) * 1.57079633;
    let negative = bits >= U(0x80000000u);
    return Reduced(select(r, -r, negative), select(quadrant, U() - quadrant, negative));
}

fn sin_near_0(r: F) -> F {
    let t = r * r;
    return r + r * t * (-0.166666666 + t * (0.00833332915 + t * (-0.00019839257 + t * 2.71756813e-6)));
}

fn cos_near_0(r: F) -> F {
    let t = r * r;
    return 1.0 - (0.5 * t - t * t * (0.0416666457 + t * (-0.00138873063 + t * 2.44312392e-5)));
}

// The sine of x + turns * pi / 2.
fn sin_accurate(x: F, turns: u32) -> F {
    let a = reduced(x);
    let quadrant = a.quadrant + U(turns);
    let y = select(sin_near_0(a.r), cos_near_0(a.r), (quadrant & U(1u)) == U(1u));
    return select(select(y, -y, (quadrant & U(2u)) == U(2u)), nan_at(x), is_nan(x) | is_infinite(x));
}

fn tan_accurate(x: F) -> F {
    let a = reduced(x);
    let s = sin_near_0(a.r);
    let c = cos_near_0(a.r);
    let odd = (a.quadrant & U(1u)) == U(1u);
    return select(select(s, -c, odd) / select(c, s, odd), nan_at(x), is_nan(x) | is_infinite(x));
}

// asin x for |x| <= 1/2.
fn asin_near_0(x: F) -> F {
    let t = x * x;
    return x + x * t * (0.166666599 + t * (0.0750051092 + t * (0.0445157205 + t * (0.0318176093 + t * (0.014402615 + t * 0.0375651884)))));
}

// `root` = sqrt((1 - |x|) / 2), from which both inverses follow for |x| > 1/2; NaN beyond 1, and then so is the result.
fn asin_accurate(x: F, root: F) -> F {
    let u = abs(x);
    let y = select(with_sign(1.57079633 - 2.0 * asin_near_0(root), x), asin_near_0(x), u <= F(0.5));
    return select(y, nan_at(x), (u > F(1.0)) | is_nan(x));
}

fn acos_accurate(x: F, root: F) -> F {
    let u = abs(x);
    let far = 2.0 * asin_near_0(root);
    let y = select(select(far, 3.14159265 - far, x < F()), 1.57079633 - asin_near_0(x), u <= F(0.5));
    return select(y, nan_at(x), (u > F(1.0)) | is_nan(x));
}

fn atan_accurate(x: F) -> F {
    let u = abs(x);
    // 1 / u above 1, and around pi / 4 above tan(pi / 8).
    let inverted = u > F(1.0);
    let v = select(u, 1.0 / max(u, F(1.0)), inverted);
    let turned = v > F(0.414213562);
    let w = select(v, (v - 1.0) / (v + 1.0), turned);
    let t = w * w;
    let near = w + w * t * (-0.333333154 + t * (0.19998484 + t * (-0.142437383 + t * (0.105951364 + t * -0.0608114827))));
    let acute = select(near, 0.785398163 + near, turned);
    return select(with_sign(select(acute, 1.57079633 - acute, inverted), x), x, is_nan(x));
}
