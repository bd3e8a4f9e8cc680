// Bindings 1 and 2, the operands `x` and `w` of a product, and loads of them: from storage buffers, or (TEX) from textures; weights as f32 or (F16) as halves.
#import shared/texel

#if TEX
@group(0) @binding(1) var x: texture_2d<f32>;
#if F16
@group(0) @binding(2) var w: texture_2d<u32>;
#else
@group(0) @binding(2) var w: texture_2d<f32>;
#endif
#else
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
#if F16
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;
#else
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
#endif
#endif

#if TEX
fn load_x(i: u32) -> vec4<f32> {
    return textureLoad(x, texel(i), 0);
}

#if F16
fn load_w(i: u32) -> vec4<u32> {
    return textureLoad(w, texel(i), 0);
}
#else
fn load_w(i: u32) -> vec4<f32> {
    return textureLoad(w, texel(i), 0);
}
#endif
#else
fn load_x(i: u32) -> vec4<f32> {
    return x[i];
}

#if F16
fn load_w(i: u32) -> vec4<u32> {
    return w[i];
}
#else
fn load_w(i: u32) -> vec4<f32> {
    return w[i];
}
#endif
#endif

#if F16
fn halves(a: u32, b: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(a), unpack2x16float(b));
}

#endif
