// Triplet losses of chosen rows, and how much each of the three rows weighs in the gradient of each.
//
//   kind 0   max(0, |a - p|^2 - |a - n|^2 + m3)      kind 1   max(0, |a - p| - |a - n| + m3), SOFT: softplus(|a - p| - |a - n|)
//   kind 2   max(0, acos(a.p) - acos(a.n) + m3)      UNIT_X (always for kind 2): of a / |a|, p / |p|, n / |n|
//
// Layouts   m: [row][vec4 of a row]; ms: rows of margin/norms; triplets: (a, p, n, 0);
//           y[3 t + v] = (factors of a, p, n in the gradient of row v, loss)
// Threads   64 in a row over triplets. Workgroup memory: none.
#import shared/index
#import shared/classes
#import shared/math
#import shared/angles

@group(0) @binding(1) var<storage, read> m: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> ms: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> triplets: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

// 1 / sin of the angle between unit vectors.
fn inverse_sine(c: f32) -> f32 {
    return 1.0 / sqrt(max(1.0 - c * c, 1e-7));
}

fn inverse(d: f32) -> f32 {
    return select(0.0, 1.0 / d, d > 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let t = linear_index(group, groups, 64u, local);
    if (t >= p.rows) {
        return;
    }
    let rows = triplets[t].xyz;
    let unit = has(UNIT_X);
    // Lengths that rows are divided by.
    let k = select(vec3<f32>(1.0), vec3<f32>(ms[rows.x].y, ms[rows.y].y, ms[rows.z].y), unit);
    var ap = vec4<f32>();
    var an = vec4<f32>();
    var pn = vec4<f32>();
    var aa = vec4<f32>();
    var pp = vec4<f32>();
    var nn = vec4<f32>();
    var dap = vec4<f32>();
    var dan = vec4<f32>();
    for (var i = 0u; i < p.depth; i++) {
        let a = m[rows.x * p.depth + i] * k.x;
        let b = m[rows.y * p.depth + i] * k.y;
        let c = m[rows.z * p.depth + i] * k.z;
        ap += a * b;
        an += a * c;
        pn += b * c;
        aa += a * a;
        pp += b * b;
        nn += c * c;
        dap += (a - b) * (a - b);
        dan += (a - c) * (a - c);
    }
    let ones = vec4<f32>(1.0);
    let near = dot(dap, ones);
    let far = dot(dan, ones);
    // Products of the three rows with each other, symmetric.
    let g = mat3x3<f32>(dot(aa, ones), dot(ap, ones), dot(an, ones), dot(ap, ones), dot(pp, ones), dot(pn, ones), dot(an, ones), dot(pn, ones),
        dot(nn, ones));
    let d_near = sqrt(near);
    let d_far = sqrt(far);
    let c_near = clamp(g[0][1], -1.0, 1.0);
    let c_far = clamp(g[0][2], -1.0, 1.0);
    let i_near = select(inverse(d_near), inverse_sine(c_near), p.kind == 2u);
    let i_far = select(inverse(d_far), inverse_sine(c_far), p.kind == 2u);
    var v = near - far + p.m3;
    // Columns: gradients of a, p, n by the three rows.
    var f = mat3x3<f32>(0.0, -2.0, 2.0, -2.0, 2.0, 0.0, 2.0, 0.0, -2.0);
    if (p.kind == 1u) {
        v = d_near - d_far + select(p.m3, 0.0, has(SOFT));
        f = mat3x3<f32>(i_near - i_far, -i_near, i_far, -i_near, i_near, 0.0, i_far, 0.0, -i_far);
    } else if (p.kind == 2u) {
        v = angle_between(c_near, d_near) - angle_between(c_far, d_far) + p.m3;
        f = mat3x3<f32>(0.0, -i_near, i_far, -i_near, 0.0, 0.0, i_far, 0.0, 0.0);
    }
    var loss = max(v, 0.0);
    var slope = select(0.0, 1.0, v > 0.0);
    if (has(SOFT)) {
        let e = exp_accurate(-abs(v));
        loss = max(v, 0.0) + log1p_accurate(e);
        slope = select(e, 1.0, v > 0.0) / (1.0 + e);
    }
    if (unit) {
        // Along the row itself nothing changes: what g has there is taken out.
        for (var i = 0u; i < 3u; i++) {
            let along = dot(f[i], g[i]);
            var own = vec3<f32>();
            own[i] = along;
            f[i] = (f[i] - own) * k[i] * k;
        }
    }
    y[3u * t] = vec4<f32>(f[0] * slope, loss);
    y[3u * t + 1u] = vec4<f32>(f[1] * slope, loss);
    y[3u * t + 2u] = vec4<f32>(f[2] * slope, loss);
}
