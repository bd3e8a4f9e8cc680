// Up to three operands, a, b and c, that are broadcast to one result y.
//
// SCALAR = 0  y in vec4s over axes[0..4] = n, h, w, c4 (packed), or a plain tensor of up to four axes whose last one is cut into vec4s.
//             Strides in vec4s; in elements where the operand is `splat`: one element for all four lanes.
// SCALAR = 1  y plain over `rank` axes, strides in elements. A stride of 0 repeats the operand.
#import shared/words

struct Axis {
    size: u32,
    a: u32,           // strides
    b: u32,
    c: u32,
}

struct Params {
    axes: array<Axis, 8>,
    total: u32,       // places of y
    rank: u32,
    channels: u32,    // lanes beyond stay 0
    splat: u32,       // bit 0: a, bit 1: b, bit 2: c
    kind: u32,
    flags: u32,
    wrap: u32,        // the type of whole numbers, see shared/words
    pad: u32,
}

// Where place i of y finds its operands.
fn places(i: u32) -> vec3<u32> {
#if SCALAR
    var rest = i;
    var at = vec3<u32>();
    for (var k = p.rank; k > 0u; k--) {
        let axis = p.axes[k - 1u];
        at += rest % axis.size * vec3<u32>(axis.a, axis.b, axis.c);
        rest /= axis.size;
    }
    return at;
#else
    let c = i % p.axes[3].size;
    let pixel = i / p.axes[3].size;
    let x = pixel % p.axes[2].size;
    let row = pixel / p.axes[2].size;
    let y = row % p.axes[1].size;
    let n = row / p.axes[1].size;
    return n * vec3<u32>(p.axes[0].a, p.axes[0].b, p.axes[0].c) + y * vec3<u32>(p.axes[1].a, p.axes[1].b, p.axes[1].c)
        + x * vec3<u32>(p.axes[2].a, p.axes[2].b, p.axes[2].c) + c * vec3<u32>(p.axes[3].a, p.axes[3].b, p.axes[3].c);
#endif
}

// What is stored at place i.
fn kept(v: U, i: u32) -> U {
#if SCALAR
    return v;
#else
    return keep_words(v, i % p.axes[3].size, p.channels);
#endif
}
