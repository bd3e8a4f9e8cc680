// Functions that WGSL gives only coarsely (exp to 3 + 2|x| ulp, log to 2^-21, pow to both together), to a few ulp: e^x, ln x, x^y and their kin.
// On F, one or four numbers at a time. Polynomials are minimax fits whose error is below 2^-27 of the result. fma where a compiler must not
// regroup terms; results hold without fused hardware too, because the products that count are of few bits and so exact.
#import shared/words

// 2^n for -126 <= n <= 127.
fn power_of_two(n: I) -> F {
    return bitcast<F>((n + I(127)) << U(23u));
}

// e^r - 1 for |r| <= 0.35.
fn expm1_near_0(r: F) -> F {
    return r + r * r * (0.50000001 + r * (0.166665129 + r * (0.0416661873 + r * (0.00836959841 + r * 0.00139517172))));
}

// e^(hi + lo) * 2^scale, for |lo| far below 1 and a small scale.
fn exp_of_sum(hi: F, lo: F, scale: i32) -> F {
    // Beyond these the result is 0 or infinite.
    let x = clamp(hi, F(-105.0), F(91.0));
    let k = round(x * 1.44269504);
    let r = fma(k, F(2.12194440e-4), fma(k, F(-0.693359375), x)) + lo;
    let n = I(k) + I(scale);
    // In two steps: 2^n may lie outside of f32 where the result does not.
    let half = n >> U(1u);
    let y = (1.0 + expm1_near_0(r)) * power_of_two(half) * power_of_two(n - half);
    return select(y, hi, is_nan(hi));
}

fn exp_accurate(x: F) -> F {
    return exp_of_sum(x, F(), 0);
}

fn expm1_accurate(x: F) -> F {
    return select(exp_accurate(x) - 1.0, expm1_near_0(x), abs(x) < F(0.34));
}

// x = mantissa * 2^exponent, with the mantissa between sqrt(1/2) and sqrt(2). For finite positive x.
struct Scaled {
    mantissa: F,
    exponent: F,
}

fn scaled(x: F) -> Scaled {
    // Below the normal numbers the bits are a whole number of 2^-149; arithmetic on such x itself may give 0.
    let given = bitcast<U>(x);
    let tiny = given < U(0x00800000u);
    let bits = select(given, bitcast<U>(F(given)), tiny) - U(0x3f3504f3u);
    let mantissa = bitcast<F>((bits & U(0x007fffffu)) + U(0x3f3504f3u));
    return Scaled(mantissa, F(bitcast<I>(bits) >> U(23u)) - select(F(), F(149.0), tiny));
}

fn log_accurate(x: F) -> F {
    let s = scaled(x);
    let f = s.mantissa - 1.0;
    let p = 0.333333317 + f * (-0.250008211 + f * (0.200012267 + f * (-0.166233565 + f * (0.142017625 + f * (-0.131601951
        + f * (0.127615503 + f * -0.0763442984))))));
    let y = fma(s.exponent, F(0.693359375), f + (f * f * (f * p - 0.5) - s.exponent * 2.12194440e-4));
    let bits = bitcast<U>(x);
    let beyond = select(y, x, bits >= U(0x7f800000u));
    let negative = select(beyond, nan_at(x), bits > U(0x80000000u));
    return select(negative, -infinity_at(x), (bits & U(0x7fffffffu)) == U());
}

// ln(1 + x); where 1 + x would lose digits of x, by the series of the inverse hyperbolic tangent.
fn log1p_accurate(x: F) -> F {
    let s = x / (2.0 + x);
    let t = s * s;
    let near_0 = 2.0 * (s + s * t * (0.33333322 + t * (0.200017351 + t * (0.142033996 + t * 0.126288829))));
    return select(log_accurate(1.0 + x), near_0, abs(x) < F(0.4));
}

// The leading 12 bits, so that a product of two of these is exact.
fn leading(x: F) -> F {
    return bitcast<F>(bitcast<U>(x) & U(0xfffff000u));
}

// |x|^y: the logarithm and its product with y are kept as sums of two numbers, because y log x has up to 7 bits before the point.
fn power_of_magnitude(x: F, y: F) -> F {
    let s = scaled(abs(x));
    let f = s.mantissa - 1.0;
    let d = 2.0 + f;
    let q = f / d;
    let q_hi = leading(q);
    let d_hi = leading(d);
    let q_lo = ((f - q_hi * d_hi) - q_hi * (f - (d_hi - 2.0))) / d;
    let t = q * q;
    let series = q * t * (0.333333328 + t * (0.200001705 + t * (0.142684596 + t * 0.117949962)));
    // log2 = exponent + 2 / ln 2 * (q + series)
    let hi = 2.884765625 * q_hi;
    let lo = 6.24456778e-4 * q_hi + 2.88539008 * (q_lo + series);
    let log_hi = leading((s.exponent + hi) + lo);
    let log_lo = lo - ((log_hi - s.exponent) - hi);
    let y_hi = leading(y);
    let whole = y_hi * log_hi;
    let rest = (y - y_hi) * log_hi + y * log_lo;
    // Beyond these the result is 0 or infinite.
    let k = round(clamp(whole + rest, F(-151.0), F(140.0)));
    let r = select((whole - k) + rest, F(), abs(whole) > F(150.0));
    let n = I(k);
    let half = n >> U(1u);
    return (1.0 + expm1_near_0(r * 0.693147181)) * power_of_two(half) * power_of_two(n - half);
}

// x^y as IEEE 754 defines it.
fn power(x: F, y: F) -> F {
    let u = abs(x);
    let infinite = infinity_at(x);
    // A whole number is odd when its half is none; from 2^24 on all are even.
    let whole = floor(y) == y;
    let odd = whole & (floor(y * 0.5) != y * 0.5) & (abs(y) < F(16777216.0));
    var r = power_of_magnitude(x, y);
    r = select(r, select(infinite, F(), y < F()), is_infinite(x));
    r = select(r, select(infinite, F(), y > F()), u == F());
    r = select(r, select(infinite, F(), (u > F(1.0)) != (y > F())), is_infinite(y));
    r = select(r, -r, odd & (bitcast<U>(x) >= U(0x80000000u)));
    r = select(r, nan_at(x), (x < F()) & !whole & !is_infinite(x));
    r = select(r, F(1.0), (u == F(1.0)) & is_infinite(y));
    r = select(r, nan_at(x), is_nan(x) | is_nan(y));
    return select(r, F(1.0), (y == F()) | (x == F(1.0)));
}

// erf x for |x| <= 1.
fn erf_near_0(x: F) -> F {
    let t = x * x;
    return x * (1.12837917 + t * (-0.376126271 + t * (0.112836002 + t * (-0.0268544445 + t * (0.0051895352 + t * (-0.000802084014
        + t * 7.88911602e-5))))));
}

// 1 - erf z for z >= 0.5, where z^2 = hi + lo.
fn erfc_from_half(z: F, hi: F, lo: F) -> F {
    let t = 1.0 / (1.0 + 0.5 * z);
    let p = -1.26542657 + t * (0.997988867 + t * (0.394675867 + t * (-0.0203692832 + t * (0.229551857 + t * (-0.679711769
        + t * (0.303321476 + t * (0.131725903 + t * -0.0919755693)))))));
    return t * exp_of_sum(-hi, p - lo, 0);
}

fn erf_accurate(x: F) -> F {
    let z = abs(x);
    // Beyond 4 the result is 1; the clamp keeps infinities out.
    let c = min(z, F(6.0));
    let hi = leading(c);
    let far = 1.0 - erfc_from_half(c, hi * hi, (c - hi) * (c + hi));
    return select(select(with_sign(far, x), erf_near_0(x), z < F(1.0)), x, is_nan(x));
}
