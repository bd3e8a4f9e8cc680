// Where vec4 number `i` of a tensor lies in its texture: rows of 1024 texels. Mirrored by gpu::texture::ROW.
//
// On software adapters a storage-buffer load is a loop over lanes with a store-forwarding stall each; a texel fetch is a vector gather,
// 1.5 to 11 times faster depending on the processor (docs/benchmarks.md). Kernels that load a lot therefore have TEX forms.
fn texel(i: u32) -> vec2<u32> {
    return vec2<u32>(i & 1023u, i >> 10u);
}
