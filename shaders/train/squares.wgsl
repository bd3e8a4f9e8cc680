// Partial sums of squares, for norms of gradients; the host adds them up.
//
//   y[t] = sum over r of |x[r * threads + t]|^2        a number that is not finite makes its sum so
//
// Layouts   x: vec4s; y: one number a thread   Threads   64 in a row, each sums every `threads`-th vec4; folded grid
// Workgroup memory: none.
#import shared/index

struct Params {
    count: u32,    // vec4s
    threads: u32,  // sums
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let t = linear_index(group, groups, 64u, local);
    if (t >= p.threads) {
        return;
    }
    var sum = vec4<f32>();
    for (var i = t; i < p.count; i += p.threads) {
        let v = x[i];
        sum += v * v;
    }
    y[t] = sum.x + sum.y + sum.z + sum.w;
}
