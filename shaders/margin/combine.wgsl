// Adds a multiple of each row of one matrix to the rows of another: what a row itself weighs in its gradient, or the sum over blocks.
//
//   y[r] += factor[r].x * m[r]       with PLAIN: y[r] += m[r]
//
// Layouts   m, y: [row][vec4 of a row]   Threads   64 in a row over vec4s; folded grid. Workgroup memory: none. TEX: m as a texture.
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
@group(0) @binding(2) var<storage, read> factor: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.rows * p.depth) {
        return;
    }
#if TEX
    let v = textureLoad(m, texel(i), 0);
#else
    let v = m[i];
#endif
    y[i] += v * select(factor[i / p.depth].x, 1.0, has(PLAIN));
}
