// Loads of the operands `x` and `w` of a product: from storage buffers, or (TEX) from textures; weights as f32 or (F16) as halves.
#import shared/texel

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
