// Joins what margin/rows left of every chunk of classes, in order.
//
// PASS 0   y[2 i] = (max z, sum of exp(z - max), the same without the target, target's z), y[2 i + 1] = (sum of z, 0, 0, 0)
// PASS 1   y[i] = the sums
// PASS 2   y[i] = (greatest cosine, its class, 0, 0)
//
// Layouts   partial: [chunk][row]; xs: rows of margin/norms (labels)   Threads   64 in a row over rows. Workgroup memory: none.
#import shared/index
#import shared/classes
#if PASS == 0
#import shared/math
#endif
#import shared/join_rows

@group(0) @binding(1) var<storage, read> partial: array<vec4<f32>>;
#if PASS == 0
@group(0) @binding(2) var<storage, read> xs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
#else
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.stride) {
        return;
    }
    var sum = nothing();
    for (var k = 0u; k < p.chunks; k++) {
        sum = joined(sum, partial[k * p.stride + i]);
    }
#if PASS == 0
    let own = select(0.0, exp_accurate(sum.z - sum.x), xs[i].z >= 0.0);
    y[2u * i] = vec4<f32>(sum.x, sum.y + own, sum.yz);
    y[2u * i + 1u] = vec4<f32>(sum.w, 0.0, 0.0, 0.0);
#else
    y[i] = sum;
#endif
}
