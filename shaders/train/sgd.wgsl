// Stochastic gradient descent with momentum (Sutskever et al. 2013, as PyTorch has it) and decoupled weight decay (Loshchilov and
// Hutter 2019).
//
//   v <- first * v + scale * g        w <- w - rate * (u + decay * w)        u = v, or scale * g + first * v with nesterov
//
// Layouts   g, w, v: vec4s, all alike   Threads   64 in a row over vec4s; folded grid. Workgroup memory: none.
#import shared/index
#import shared/update

@group(0) @binding(1) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.count) {
        return;
    }
    let gradient = p.scale * g[i];
    let velocity = p.first * v[i] + gradient;
    let along = select(velocity, gradient + p.first * velocity, p.nesterov != 0u);
    let decay = select(0.0, p.decay, i < p.decayed);
    let old = w[i];
    v[i] = velocity;
    w[i] = old - p.rate * (along + decay * old);
}
