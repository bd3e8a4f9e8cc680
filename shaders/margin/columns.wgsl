// What a block of classes gets from every embedding.
//
// LOGITS 0   between[i][j] and its transpose: the factors of w_j in dx_i and of x_i in dW_j;
//            y[j] = (sum of what w_j itself weighs in dW_j, sum of G, sum of G over rows of this class, 0)
// LOGITS 1   between[i][j] = z, for callers that want to see logits
//
// Layouts   products, transposed: [class of the block][row]; between: [row][class of the block]; xs, ws: rows of margin/norms;
//           stats: two vec4s a row from margin/merge. Padding is written as 0.
// Threads   64 in a row over classes, each walks over the rows; folded grid. Workgroup memory: none.
#import shared/index
#import shared/classes
#import shared/margin

@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> xs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> ws: array<vec4<f32>>;
#if LOGITS
@group(0) @binding(4) var<storage, read_write> between: array<f32>;
#else
@group(0) @binding(4) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> between: array<f32>;
@group(0) @binding(6) var<storage, read_write> transposed: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4<f32>>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let j = linear_index(group, groups, 64u, local);
    if (j >= p.width) {
        return;
    }
    let inside = j < p.count;
    let w = ws[min(j, p.count - 1u)];
    var sum = vec4<f32>();
    for (var i = 0u; i < p.stride; i++) {
        let x = xs[i];
        let is_own = inside && f32(p.first + j) == x.z;
        let l = logit(products[j * p.stride + i], x, w, is_own);
#if LOGITS
        between[i * p.width + j] = select(0.0, l.z, inside);
#else
        let g = residual(l.z, stats[2u * i], is_own, inside && x.z >= 0.0);
        let own = parts(l, g, x, w, is_own);
        between[i * p.width + j] = own.between;
        transposed[j * p.stride + i] = own.between;
        sum += vec4<f32>(own.w, g, select(0.0, g, is_own), 0.0);
#endif
    }
#if LOGITS
#else
    y[j] = sum;
#endif
}
