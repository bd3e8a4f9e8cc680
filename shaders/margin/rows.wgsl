// Sums over the classes of a block, for every embedding. Chunks of 1024 classes leave partial results, which margin/merge joins.
//
// PASS 0   (max z, sum of exp(z - max) without the target, target's z, sum of z): softmax in one pass, its logits never stored
// PASS 1   (sum of what x_i itself weighs in dx_i, sum of G * product with the unit x, 0, 0)
// PASS 2   (greatest cosine, its class, 0, 0), the row's own class left out; the lowest class of equals
//
// Layouts   products: [class of the block][row]; xs, ws: rows of margin/norms; stats: two vec4s a row from margin/merge; y: [chunk][row]
// Threads   256 = 16 slices x 16 rows; slice s takes classes s, s + 16, ... of the chunk, then slice 0 joins the slices in order.
//           grid: (groups of 16 rows, chunks of the block). Workgroup memory: 4 KiB.
#import shared/classes
#if PASS < 2
#import shared/margin
#endif

@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> xs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> ws: array<vec4<f32>>;
#if PASS == 1
@group(0) @binding(4) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
#endif
#import shared/join_rows

var<workgroup> slices: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let row = group.x * 16u + local % 16u;
    let i = min(row, p.stride - 1u);
    let x = xs[i];
    let begin = group.y * 1024u;
    let end = min(begin + 1024u, p.count);
#if PASS == 1
    let s = stats[2u * i];
#endif
    var sum = nothing();
    for (var j = begin + local / 16u; j < end; j += 16u) {
        let w = ws[j];
        let class_index = f32(p.first + j);
        let is_own = class_index == x.z;
        let product = products[j * p.stride + i];
#if PASS == 0
        let z = logit(product, x, w, is_own).z;
        sum = joined(sum, vec4<f32>(z, select(1.0, 0.0, is_own), select(0.0, z, is_own), z));
#endif
#if PASS == 1
        let l = logit(product, x, w, is_own);
        let g = residual(l.z, s, is_own, x.z >= 0.0);
        sum += vec4<f32>(parts(l, g, x, w, is_own).x, g * l.c, 0.0, 0.0);
#endif
#if PASS == 2
        let c = clamp(product * x.y * w.y, -1.0, 1.0);
        sum = joined(sum, vec4<f32>(select(c, -2.0, is_own), class_index, 0.0, 0.0));
#endif
    }
    slices[local] = sum;
    workgroupBarrier();
    if (local < 16u && row < p.stride) {
        for (var k = 1u; k < 16u; k++) {
            sum = joined(sum, slices[k * 16u + local]);
        }
        y[(p.chunk + group.y) * p.stride + row] = sum;
    }
}
