// A matrix with its columns first: the batch's projections as the right operand of a product.
//
//   y[c][r] = x[r][c]
//
// Layouts   x: [row][column]; y: [column][row]   Threads   64 in a row over numbers of y; folded grid. Workgroup memory: none.
#import shared/index

struct Params {
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.rows * p.columns) {
        return;
    }
    y[i] = x[(i % p.rows) * p.columns + i / p.rows];
}
