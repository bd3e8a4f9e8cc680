// Whole powers and their roots. WGSL's pow goes through logarithms and errs by its exponent; multiplying does not.
fn power(v: vec4<f32>, exponent: u32) -> vec4<f32> {
    var result = vec4<f32>(1.0);
    var square = v;
    for (var n = exponent; n > 0u; n >>= 1u) {
        if ((n & 1u) != 0u) {
            result *= square;
        }
        square *= square;
    }
    return result;
}

// The root of numbers that are not negative: pow, and a step of Newton's from there.
fn root(v: vec4<f32>, degree: u32) -> vec4<f32> {
    let guess = pow(v, vec4<f32>(1.0 / f32(degree)));
    let below = power(guess, degree - 1u);
    let better = guess - (below * guess - v) / (f32(degree) * below);
    let usable = v > vec4<f32>() & below > vec4<f32>() & abs(better) <= vec4<f32>(3.4028234663852886e38);
    return select(guess, better, usable);
}
