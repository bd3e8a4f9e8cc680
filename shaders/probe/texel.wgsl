// Whether a texture shows what was written to the buffer on the same memory: y = x + one, fetched and stored.
//
// Threads   64 in a row, a vec4 each   Workgroup memory: none.
#import shared/texel

struct Params {
    one: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var x: texture_2d<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    y[at.x] = textureLoad(x, texel(at.x), 0) + p.one;
}
