// Chooses triplets from the distances of a batch. Ties go to the lowest row; rows with label -1 take no part.
//
//   kind 0   semi-hard: for every ordered pair (a, p) of one person, the nearest negative with d_ap < d_an < d_ap + m3, or none (-1).
//            ANGULAR: d + m3 in angles instead of squared distances.
//            FALLBACK: the nearest negative outside d_ap, else the farthest negative.   y[a * rows + p] = n
//   kind 1   batch-hard: the farthest positive and the nearest negative of every anchor.   y[2 a], y[2 a + 1] = p, n
//
// Layouts   squared: [row][row] from margin/distances; xs: rows of margin/norms (labels)
// Threads   64 in a row over pairs (kind 0) or anchors (kind 1); folded grid. Workgroup memory: none.
#import shared/index
#import shared/classes
#import shared/angles

@group(0) @binding(1) var<storage, read> squared: array<f32>;
@group(0) @binding(2) var<storage, read> xs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<i32>;

// What the limit is on: the squared distance, or the angle of two unit vectors of this squared distance.
fn measure(d: f32) -> f32 {
    return select(d, angle_between(clamp(1.0 - 0.5 * d, -1.0, 1.0), sqrt(d)), has(ANGULAR));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let index = linear_index(group, groups, 64u, local);
    let pairs = p.kind == 0u;
    if (index >= select(p.rows, p.rows * p.rows, pairs)) {
        return;
    }
    let a = select(index, index / p.rows, pairs);
    let label = xs[a].z;
    let other = index % p.rows;
    let limit = squared[a * p.rows + other];
    let most = measure(limit) + p.m3;
    var positive = -1;
    var negative = -1;
    var farthest = -1;
    var d_positive = -1.0;
    var d_negative = 3.0e38;
    var d_farthest = -1.0;
    for (var n = 0u; n < p.rows; n++) {
        let d = squared[a * p.rows + n];
        let its = xs[n].z;
        if (its == label) {
            if (n != a && d > d_positive) {
                d_positive = d;
                positive = i32(n);
            }
        } else if (its >= 0.0) {
            let outside = !pairs || (d > limit && (has(FALLBACK) || measure(d) < most));
            if (outside && d < d_negative) {
                d_negative = d;
                negative = i32(n);
            }
            if (d > d_farthest) {
                d_farthest = d;
                farthest = i32(n);
            }
        }
    }
    if (pairs) {
        let chosen = select(negative, farthest, negative < 0 && has(FALLBACK));
        let is_pair = label >= 0.0 && other != a && xs[other].z == label;
        y[index] = select(-1, chosen, is_pair);
    } else {
        y[2u * a] = select(-1, positive, label >= 0.0);
        y[2u * a + 1u] = select(-1, negative, label >= 0.0);
    }
}
