// Loads of the binding `residual`: from a storage buffer, or (TEX) from a texture.
#import shared/texel

#if TEX
fn load_residual(i: u32) -> vec4<f32> {
    return textureLoad(residual, texel(i), 0);
}
#else
fn load_residual(i: u32) -> vec4<f32> {
    return residual[i];
}
#endif
