// Adam (Kingma and Ba 2015) with decoupled weight decay (AdamW, Loshchilov and Hutter 2019).
//
//   m <- first * m + (1 - first) * scale * g        s <- second * s + (1 - second) * (scale * g)^2
//   w <- w - rate * (m * first_unbiased / (sqrt(s * second_unbiased) + epsilon) + decay * w)
//
// Layouts   g, w, m, s: vec4s, all alike   Threads   64 in a row over vec4s; folded grid. Workgroup memory: none.
#import shared/index
#import shared/update

@group(0) @binding(1) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> m: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> s: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.count) {
        return;
    }
    let gradient = p.scale * g[i];
    let mean = p.first * m[i] + p.first_rest * gradient;
    let square = p.second * s[i] + p.second_rest * (gradient * gradient);
    let along = mean * p.first_unbiased / (sqrt(square * p.second_unbiased) + p.epsilon);
    let decay = select(0.0, p.decay, i < p.decayed);
    let old = w[i];
    m[i] = mean;
    s[i] = square;
    w[i] = old - p.rate * (along + decay * old);
}
