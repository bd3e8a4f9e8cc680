// Losses on pairs of rows, and their gradients: contrastive, DeepID2's cosine form, distillation, centre loss.
//
//   kind 0   same: d^2 / 2, different: max(0, m - d)^2 / 2, d Euclidean      kind 3   (1 - c)^2, c the cosine
//   kind 1   same: |d|_1, different: max(0, m - |d|_1)                       kind 4   2 (1 - c) = squared distance of unit vectors
//   kind 2   (t - sigmoid(scale * c + alpha))^2 / 2                          kind 5   scale * d^2
//   kind 6   -ln of the right one of q and 1 - q, q = sigmoid(alpha - |d|_1)
//
// Layouts   a, b, da, db: [row][vec4 of a row]; pairs[i] = (row of b, same 1 / different 0 / ignored 2);
//           y[i] = (loss, dL/dscale, dL/dalpha, 0), all times weight
// Threads   64 in a row over rows of a, each walks its row twice. Workgroup memory: none.
#import shared/index
#import shared/classes
#import shared/math

@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> pairs: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> da: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> db: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    let at = min(i, p.rows - 1u);
    let pair = pairs[at];
    var aa = vec4<f32>();
    var bb = vec4<f32>();
    var ab = vec4<f32>();
    var dd = vec4<f32>();
    var sum = vec4<f32>();
    for (var k = 0u; k < p.depth; k++) {
        let u = a[at * p.depth + k];
        let v = b[pair.x * p.depth + k];
        aa += u * u;
        bb += v * v;
        ab += u * v;
        dd += (u - v) * (u - v);
        sum += abs(u - v);
    }
    let ones = vec4<f32>(1.0);
    let na = sqrt(dot(aa, ones));
    let nb = sqrt(dot(bb, ones));
    let r = sqrt(dot(dd, ones));
    let ia = select(0.0, 1.0 / na, na > 1e-12);
    let ib = select(0.0, 1.0 / nb, nb > 1e-12);
    let c = clamp(dot(ab, ones) * ia * ib, -1.0, 1.0);
    // 1 - c from the difference of unit vectors: where they nearly agree, c has lost the digits.
    var chord = vec4<f32>();
    for (var k = 0u; k < p.depth; k++) {
        let d = a[at * p.depth + k] * ia - b[pair.x * p.depth + k] * ib;
        chord += d * d;
    }
    let apart = select(1.0, 0.5 * dot(chord, ones), ia > 0.0 && ib > 0.0);
    let same = pair.y == 1u;
    let l1 = dot(sum, ones);
    let short = max(p.m3 - select(r, l1, p.kind == 1u), 0.0);
    let t = select(0.0, 1.0, same);
    let sigmoid = 1.0 / (1.0 + exp_accurate(-(p.scale * c + p.alpha)));
    let k2 = (sigmoid - t) * sigmoid * (1.0 - sigmoid);
    // Stable on both sides.
    let logit = p.alpha - l1;
    let small = exp_accurate(-abs(logit));
    let k6 = select(small, 1.0, logit >= 0.0) / (1.0 + small) - t;
    // The loss, the factors of the difference, of its sign, and of the direction in which the cosine grows.
    var loss = 0.0;
    var along = 0.0;
    var signs = 0.0;
    var turn = 0.0;
    if (p.kind == 0u) {
        loss = 0.5 * select(short * short, r * r, same);
        along = select(select(0.0, -short / r, r > 0.0), 1.0, same);
    } else if (p.kind == 1u) {
        loss = select(short, l1, same);
        signs = select(select(0.0, -1.0, short > 0.0), 1.0, same);
    } else if (p.kind == 2u) {
        loss = 0.5 * (t - sigmoid) * (t - sigmoid);
        turn = k2 * p.scale;
    } else if (p.kind == 3u) {
        loss = apart * apart;
        turn = -2.0 * apart;
    } else if (p.kind == 4u) {
        loss = 2.0 * apart;
        turn = -2.0;
    } else if (p.kind == 5u) {
        loss = p.scale * r * r;
        along = 2.0 * p.scale;
    } else {
        loss = log1p_accurate(small) + max(select(logit, -logit, same), 0.0);
        signs = -k6;
    }
    let weight = select(p.weight, 0.0, pair.y == 2u);
    if (i >= p.rows) {
        return;
    }
    for (var k = 0u; k < p.depth; k++) {
        let u = a[at * p.depth + k];
        let v = b[pair.x * p.depth + k];
        let straight = along * (u - v) + signs * sign(u - v);
        da[at * p.depth + k] = weight * (straight + turn * ia * (v * ib - c * u * ia));
        db[at * p.depth + k] = weight * (turn * ib * (u * ia - c * v * ib) - straight);
    }
    y[i] = weight * vec4<f32>(loss, k2 * c, select(k2, k6, p.kind == 6u), 0.0);
}
