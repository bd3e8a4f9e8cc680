// Every number of a row times its own weight.
//
//   y[r][k] = w[k] * x[r][k]
//
// Layouts   x, y: [row][vec4 of a row]; w: one row   Threads   64 in a row over vec4s of y; folded grid. Workgroup memory: none.
#import shared/index

struct Params {
    rows: u32,
    depth: u32,  // vec4s of a row
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.rows * p.depth) {
        return;
    }
    y[i] = w[i % p.depth] * x[i];
}
