// Sums of chosen rows: a sparse matrix times a dense one. Gradients of triplets, centres of losses and of k-means, and the exclusive
// regulariser.
//
//   y[r] += sum over e in starts[r] .. starts[r + 1] of factor_e * m[row_e]
//
// Layouts   m, y: [row][vec4 of a row]; entries: (row, bits of the factor), those of a row side by side, summed in their order
// Threads   64 in a row over vec4s of y; folded grid. Workgroup memory: none. TEX: m as a texture.
#import shared/index
#import shared/classes
#if TEX
#import shared/texel
#endif

#if TEX
@group(0) @binding(1) var m: texture_2d<f32>;
#else
@group(0) @binding(1) var<storage, read> m: array<vec4<f32>>;
#endif
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> entries: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.rows * p.depth) {
        return;
    }
    let row = i / p.depth;
    let k = i % p.depth;
    var sum = y[i];
    for (var e = starts[row]; e < starts[row + 1u]; e++) {
        let entry = entries[e];
        let at = entry.x * p.depth + k;
#if TEX
        sum += bitcast<f32>(entry.y) * textureLoad(m, texel(at), 0);
#else
        sum += bitcast<f32>(entry.y) * m[at];
#endif
    }
    y[i] = sum;
}
