// Bindings 1 and 2, the operands `x` and `w` of a product, and loads of them: from storage buffers, or (TEX) from textures; weights as f32 or (F16) as halves.
#import shared/input

#if F16
alias Word = u32;

fn halves(a: u32, b: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(a), unpack2x16float(b));
}
#else
alias Word = f32;
#endif

#if TEX
@group(0) @binding(2) var w: texture_2d<Word>;

fn load_w(i: u32) -> vec4<Word> {
    return textureLoad(w, texel(i), 0);
}
#else
@group(0) @binding(2) var<storage, read> w: array<vec4<Word>>;

fn load_w(i: u32) -> vec4<Word> {
    return w[i];
}
#endif
