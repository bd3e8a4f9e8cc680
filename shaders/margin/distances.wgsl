// Squared distances of every pair of embeddings of a batch, from their differences: the expansion by products loses digits for near duplicates.
//
//   y[i][j] = |u_i - u_j|^2,   u = x, or with UNIT_X x / |x|
//
// Layouts   x: [row][vec4 of a row]; xs: rows of margin/norms   Threads   64 in a row over pairs; folded grid. Workgroup memory: none.
#import shared/index
#import shared/classes

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> xs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let pair = linear_index(group, groups, 64u, local);
    if (pair >= p.rows * p.rows) {
        return;
    }
    let i = pair / p.rows;
    let j = pair % p.rows;
    let a = select(1.0, xs[i].y, has(UNIT_X));
    let b = select(1.0, xs[j].y, has(UNIT_X));
    var sum = vec4<f32>();
    for (var k = 0u; k < p.depth; k++) {
        let d = x[i * p.depth + k] * a - x[j * p.depth + k] * b;
        sum += d * d;
    }
    y[pair] = sum.x + sum.y + sum.z + sum.w;
}
