// Elements of another type. 0 becomes 0 in every one, so lanes that hold no channel stay 0.
//
// Layouts  x, y: vec4s of either layout   Threads   64 in a row over vec4s   Workgroup memory: none.
#import shared/index
#import shared/words

struct Params {
    total: u32,       // vec4s
    kind: u32,        // order of kernels::elementwise::cast::code
    wrap: u32,        // the type of whole numbers, see shared/words
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;

// Towards zero; NaN becomes 0, and numbers beyond i32 its nearest.
fn whole(v: F) -> I {
    let inside = I(clamp(select(v, F(), is_nan(v)), F(-2147483648.0), F(2147483520.0)));
    return select(inside, I(0x7fffffff), v >= F(2147483648.0));
}

fn convert(word: U) -> U {
    let v = bitcast<F>(word);
    switch (p.kind) {
        case 0u: { return bitcast<U>(wrapped(whole(v), p.wrap)); }
        // 32 bits without a sign
        case 1u: { return select(bitcast<U>(whole(v)), U(clamp(v, F(), F(4294967040.0))), v >= F(2147483648.0)); }
        case 2u: { return truth((word & U(0x7fffffffu)) != U()); }
        case 3u: { return bitcast<U>(F(bitcast<I>(word))); }
        case 4u: { return bitcast<U>(F(word)); }
        case 5u: { return truth(word != U()); }
        default: { return bitcast<U>(wrapped(bitcast<I>(word), p.wrap)); }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i < p.total) {
        y[i] = convert(x[i]);
    }
}
