// y = condition ? a : b, all three broadcast against each other; words of any type.
//
// Layouts  see shared/broadcast   Threads   64 in a row over y   Workgroup memory: none.
#import shared/index
#import shared/broadcast

@group(0) @binding(0) var<uniform> p: Params;
#if SCALAR
@group(0) @binding(1) var<storage, read> condition: array<u32>;
@group(0) @binding(2) var<storage, read> a: array<u32>;
@group(0) @binding(3) var<storage, read> b: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;
#else
@group(0) @binding(1) var<storage, read> condition: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> b: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<u32>>;

// A loaded vec4, or one lane of it for all four.
fn lanes(v: vec4<u32>, at: u32, operand: u32) -> vec4<u32> {
    return select(v, vec4<u32>(v[at % 4u]), vec4<bool>((p.splat & operand) != 0u));
}

fn block(at: u32, operand: u32) -> u32 {
    return select(at, at / 4u, (p.splat & operand) != 0u);
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let at = places(i);
#if SCALAR
    y[i] = select(b[at.z], a[at.y], condition[at.x] != 0u);
#else
    let c = lanes(condition[block(at.x, 1u)], at.x, 1u);
    let u = lanes(a[block(at.y, 2u)], at.y, 2u);
    let v = lanes(b[block(at.z, 4u)], at.z, 4u);
    y[i] = kept(select(v, u, c != U()), i);
#endif
}
