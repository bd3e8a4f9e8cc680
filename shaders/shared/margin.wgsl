// Logits of every classification head, what they contribute to the gradients, and sums of exponentials.
#import shared/math
#import shared/angles

// The order of kernels::margin::kind.
const LINEAR: u32 = 0u;
const COSFACE: u32 = 1u;
const ARCFACE: u32 = 2u;
const COMBINED: u32 = 3u;
const LI_ARCFACE: u32 = 4u;
const ARCNEGFACE: u32 = 5u;
const L_SOFTMAX: u32 = 6u;
const A_SOFTMAX: u32 = 7u;

// z, and what its gradient is made of.
struct Logit {
    z: f32,
    c: f32,       // cosine; the product with the unit x for linear logits
    f: f32,       // L- and A-softmax: z / norms
    slope: f32,   // dz/dc; df/dc for L- and A-softmax
}

// cos(theta + m) or what the boundary makes of it, and its derivative by the cosine.
fn arc(c: f32, root: f32, divisor: f32) -> vec2<f32> {
    let inside = vec2<f32>(c * p.cos_m - root * p.sin_m, p.cos_m + c * p.sin_m / divisor);
    let linear = vec2<f32>(c - p.m2 * p.sin_m, 1.0);
    var y = inside;
    if (p.boundary == 1u) {
        y = select(inside, linear, c <= -p.cos_m);
    } else if (p.boundary == 2u) {
        y = select(vec2<f32>(c, 1.0), inside, c > 0.0);
    }
    return select(y, vec2<f32>(y.x, 1.0), has(STRAIGHT_THROUGH));
}

// The monotone extension of cos(m theta) and its derivative by c, by Chebyshev polynomials.
fn psi(c: f32) -> vec2<f32> {
    let c2 = c * c;
    var t = vec2<f32>(c, 1.0);
    var k = 0.0;
    if (p.m1 == 2.0) {
        t = vec2<f32>(2.0 * c2 - 1.0, 4.0 * c);
        k = select(0.0, 1.0, c < 0.0);
    } else if (p.m1 == 3.0) {
        t = vec2<f32>((4.0 * c2 - 3.0) * c, 12.0 * c2 - 3.0);
        k = select(0.0, 1.0, c < 0.5) + select(0.0, 1.0, c < -0.5);
    } else if (p.m1 == 4.0) {
        t = vec2<f32>(8.0 * c2 * (c2 - 1.0) + 1.0, (32.0 * c2 - 16.0) * c);
        k = select(0.0, 1.0, c < 0.707106781) + select(0.0, 1.0, c < 0.0) + select(0.0, 1.0, c < -0.707106781);
    }
    let odd = k == 1.0 || k == 3.0;
    return select(t, -t, odd) - vec2<f32>(2.0 * k, 0.0);
}

// x, w: (norm, 1 / norm or 0, bias or margin of the class (w), target's cosine with its margin (x)).
fn logit(product: f32, x: vec4<f32>, w: vec4<f32>, is_target: bool) -> Logit {
    let c = clamp(product * x.y * w.y, -1.0, 1.0);
    // Roots are taken outside of branches.
    let root = sqrt(max(1.0 - c * c, 0.0));
    let divisor = sqrt(max(1.0 - c * c, 1e-7));
    let theta = angle(c);
    let passed = p.scale * select(c, 0.0, c > p.ceiling);
    let slope = p.scale * select(1.0, 0.0, c > p.ceiling);
    var y = Logit(passed, c, 0.0, slope);
    if (p.kind == LINEAR) {
        let unit = select(1.0, x.y, has(UNIT_X));
        y = Logit(p.scale * product * unit + w.z, product * unit, 0.0, p.scale * unit);
    } else if (p.kind == COSFACE) {
        if (is_target) {
            y = Logit(p.scale * (c - p.m3 - w.z), c, 0.0, p.scale);
        }
    } else if (p.kind == ARCFACE || p.kind == ARCNEGFACE) {
        if (is_target) {
            let a = arc(c, root, divisor) * p.scale;
            y = Logit(a.x, c, 0.0, a.y);
        } else if (p.kind == ARCNEGFACE) {
            let tau = p.alpha * exp_accurate(-(c - x.w) * (c - x.w) / p.sigma);
            y = Logit(p.scale * (tau * c + tau - 1.0), c, 0.0, p.scale * tau);
        }
    } else if (p.kind == COMBINED) {
        if (is_target) {
            let phi = p.m1 * theta + p.m2;
            y = Logit(p.scale * (cosine(phi) - p.m3), c, 0.0, p.scale * p.m1 * sine(phi) / divisor);
        }
    } else if (p.kind == LI_ARCFACE) {
        let moved = theta + select(0.0, p.m2, is_target);
        let per_angle = p.scale * 0.636619772;
        y = Logit(p.scale - per_angle * moved, c, 0.0, per_angle / divisor);
    } else {
        var f = vec2<f32>(c, 1.0);
        if (is_target) {
            f = (p.lambda * f + psi(c)) / (1.0 + p.lambda);
        }
        let norms = x.x * select(1.0, w.x, p.kind == L_SOFTMAX);
        y = Logit(norms * f.x, c, f.x, f.y);
    }
    return y;
}

// dL/dz: softmax less target. `s`: maximum, sum, sum without the target, target's logit. The target's share comes from the sum of the others,
// because 1 - p would lose its digits where p is nearly 1.
fn residual(z: f32, s: vec4<f32>, is_target: bool, is_valid: bool) -> f32 {
    let share = select(exp_accurate(z - s.x), -s.z, is_target) / s.y;
    let smoothed = p.smoothing * (select(0.0, 1.0, is_target) - 1.0 / f32(p.classes));
    return select(0.0, (share + smoothed) * p.weight, is_valid);
}

// What one logit adds: between * w_j to dx_i and between * x_i to dW_j, x * x_i to dx_i, w * w_j to dW_j.
struct Parts {
    between: f32,
    x: f32,
    w: f32,
}

fn parts(l: Logit, g: f32, x: vec4<f32>, w: vec4<f32>, is_target: bool) -> Parts {
    let h = g * l.slope;
    if (p.kind == LINEAR) {
        return Parts(h, select(0.0, -h * l.c * x.y, has(UNIT_X)), 0.0);
    }
    if (p.kind < L_SOFTMAX) {
        return Parts(h * x.y * w.y, -h * l.c * x.y * x.y, -h * l.c * w.y * w.y);
    }
    // A row without direction has no gradient.
    let live = select(0.0, g, x.y > 0.0 && w.y > 0.0);
    let rest = l.f - l.slope * l.c;
    if (p.kind == L_SOFTMAX) {
        return Parts(live * l.slope, live * w.x * rest * x.y, live * x.x * rest * w.y);
    }
    if (has(CAFFE_W)) {
        return Parts(live, 0.0, 0.0);
    }
    if (has(CAFFE_X) && is_target) {
        let t = psi(l.c);
        let of_w = t.y;
        let of_x = (t.x - t.y * l.c) * x.y;
        let length = max(sqrt(of_w * of_w + of_x * of_x), 1e-30);
        return Parts(live * (p.lambda + of_w / length) / (1.0 + p.lambda) * w.y, live * of_x / length / (1.0 + p.lambda), 0.0);
    }
    return Parts(live * l.slope * w.y, live * rest * x.y, -live * x.x * l.slope * l.c * w.y * w.y);
}
