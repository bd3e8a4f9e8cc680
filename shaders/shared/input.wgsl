// Binding 1, the input `x` of vec4s, and loads of it: from a storage buffer, or (TEX) from a texture.
#import shared/texel

#if TEX
@group(0) @binding(1) var x: texture_2d<f32>;

fn load_x(i: u32) -> vec4<f32> {
    return textureLoad(x, texel(i), 0);
}
#else
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;

fn load_x(i: u32) -> vec4<f32> {
    return x[i];
}
#endif
