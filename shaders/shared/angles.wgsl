// Arc cosines, sines and cosines of one number to a few 1e-7, for margins on angles: WGSL's own cos is good to 2^-11, which times a scale of 64
// would be 0.03 of a logit. Minimax polynomials; what they need a root of is rooted outside of branches.

// asin x for |x| <= 1/2.
fn asin_of_half(x: f32) -> f32 {
    let t = x * x;
    return x + x * t * (1.666667277e-1 + t * (7.498809159e-2 + t * (4.501070244e-2 + t * (2.649426409e-2 + t * 3.820647464e-2))));
}

// acos x for |x| <= 1.
fn angle(x: f32) -> f32 {
    let u = abs(x);
    let far = 2.0 * asin_of_half(sqrt(max((1.0 - u) * 0.5, 0.0)));
    let near = 1.57079633 - asin_of_half(u);
    let y = select(near, far, u > 0.5);
    return select(y, 3.14159265 - y, x < 0.0);
}

// sin x for |x| <= pi / 2.
fn sine_of_quarter(x: f32) -> f32 {
    let t = x * x;
    return x + x * t * (-1.666666666e-1 + t * (8.333332770e-3 + t * (-1.984108683e-4 + t * (2.753648057e-6 - t * 2.408052806e-8))));
}

// x less whole turns, between -pi and pi, for |x| up to a few hundred.
fn within_turn(x: f32) -> f32 {
    let k = round(x * 0.15915494);
    return (x - k * 6.28125) - k * 1.9353071795864769e-3;
}

fn cosine(x: f32) -> f32 {
    let half = sine_of_quarter(within_turn(x) * 0.5);
    return 1.0 - 2.0 * half * half;
}

fn sine(x: f32) -> f32 {
    let r = within_turn(x);
    let folded = select(r, select(-3.14159265 - r, 3.14159265 - r, r > 0.0), abs(r) > 1.57079633);
    return sine_of_quarter(folded);
}

// The angle between unit vectors of cosine c and distance d: where they nearly agree, c has lost the digits and d has not. A row without
// direction has the cosine 0 with all, and no distance that means anything.
fn angle_between(c: f32, d: f32) -> f32 {
    return select(angle(c), 2.0 * asin_of_half(min(0.5 * d, 0.5)), c > 0.5);
}
