// The gradient by the weights of train/scale.
//
//   dw[k] = sum over r of x[r][k] * dy[r][k]
//
// Layouts   x, dy: [row][vec4 of a row]; dw: one row   Threads   64 in a row over vec4s of dw, each sums down its column in order
// Workgroup memory: none.
#import shared/index

struct Params {
    rows: u32,
    depth: u32,  // vec4s of a row
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = linear_index(group, groups, 64u, local);
    if (k >= p.depth) {
        return;
    }
    var sum = vec4<f32>();
    for (var r = 0u; r < p.rows; r++) {
        sum += x[r * p.depth + k] * dy[r * p.depth + k];
    }
    dw[k] = sum;
}
