// Row norms of embeddings and class matrices.
//
//   y[r] = (|m_r|, 1 / |m_r|, extra[r], 0)      a row of length up to 1e-12 has no direction: its inverse is 0
//
// Layouts   m: [row][vec4 of a row]; extra: the label of an embedding, the bias or margin of a class
// Threads   64 in a row over rows; folded grid. Workgroup memory: none. TEX: m as a texture.
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
@group(0) @binding(2) var<storage, read> extra: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

fn load(i: u32) -> vec4<f32> {
#if TEX
    return textureLoad(m, texel(i), 0);
#else
    return m[i];
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let row = linear_index(group, groups, 64u, local);
    let last = p.rows - 1u;
    let at = min(row, last) * p.depth;
    var sum = vec4<f32>();
    for (var k = 0u; k < p.depth; k++) {
        let v = load(at + k);
        sum += v * v;
    }
    let norm = sqrt(sum.x + sum.y + sum.z + sum.w);
    let inverse = select(0.0, 1.0 / norm, norm > 1e-12);
    if (row <= last) {
        y[row] = vec4<f32>(norm, inverse, extra[row], 0.0);
    }
}
