// The target's cosine with its margin, which ArcNegFace weighs the other classes by.
//
//   xs[i].w = cos(theta(x_i, w_y) + m), linear where theta + m > pi, for rows whose label lies in this block of classes
//
// Layouts   x, w: [row][vec4 of a row]; xs, ws: rows of margin/norms
// Threads   64 in a row over embeddings. Workgroup memory: none. TEX: x and w as textures.
#import shared/index
#import shared/classes
#import shared/margin
#if TEX
#import shared/texel
#endif

#if TEX
@group(0) @binding(1) var x: texture_2d<f32>;
@group(0) @binding(2) var w: texture_2d<f32>;
#else
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
#endif
@group(0) @binding(3) var<storage, read> ws: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> xs: array<vec4<f32>>;

fn product(i: u32, j: u32) -> f32 {
#if TEX
    return dot(textureLoad(x, texel(i), 0), textureLoad(w, texel(j), 0));
#else
    return dot(x[i], w[j]);
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let row = linear_index(group, groups, 64u, local);
    let i = min(row, p.rows - 1u);
    let own = xs[i];
    let label = own.z - f32(p.first);
    let inside = row < p.rows && label >= 0.0 && label < f32(p.count);
    let j = select(0u, u32(max(label, 0.0)), inside);
    var sum = 0.0;
    for (var k = 0u; k < p.depth; k++) {
        sum += product(i * p.depth + k, j * p.depth + k);
    }
    let c = clamp(sum * own.y * ws[j].y, -1.0, 1.0);
    let root = sqrt(max(1.0 - c * c, 0.0));
    let a = arc(c, root, 1.0);
    if (inside) {
        xs[i] = vec4<f32>(own.xyz, a.x);
    }
}
