// Elements as 32-bit words, one (SCALAR) or four at a time, and what WGSL leaves to chance: NaN, infinities, and lanes that hold no channel.
#if SCALAR
alias F = f32;
alias I = i32;
alias U = u32;
alias B = bool;

fn some(b: B) -> bool {
    return b;
}
#else
alias F = vec4<f32>;
alias I = vec4<i32>;
alias U = vec4<u32>;
alias B = vec4<bool>;

fn some(b: B) -> bool {
    return any(b);
}

// Sets lanes at or beyond channel count `channels` to 0 in vec4 number `block` of a pixel.
fn keep_words(v: U, block: u32, channels: u32) -> U {
    return select(U(), v, U(block * 4u) + U(0u, 1u, 2u, 3u) < U(channels));
}
#endif

// By their bits: compilers may take it that there is no NaN.
fn is_nan(v: F) -> B {
    return (bitcast<U>(v) & U(0x7fffffffu)) > U(0x7f800000u);
}

fn is_infinite(v: F) -> B {
    return (bitcast<U>(v) & U(0x7fffffffu)) == U(0x7f800000u);
}

// The bits of v go into these so that no compiler sees a constant, which WGSL forbids to be NaN or infinite.
fn nan_at(v: F) -> F {
    return bitcast<F>((bitcast<U>(v) & U()) | U(0x7fc00000u));
}

fn infinity_at(v: F) -> F {
    return bitcast<F>((bitcast<U>(v) & U()) | U(0x7f800000u));
}

// |v| with the sign of `like`.
fn with_sign(v: F, like: F) -> F {
    return bitcast<F>((bitcast<U>(v) & U(0x7fffffffu)) | (bitcast<U>(like) & U(0x80000000u)));
}

// Truth values.
fn truth(b: B) -> U {
    return select(U(), U(1u), b);
}

// A whole number cut to a narrower type. `wrap`: how many bits are lost, + 256 where the type has a sign.
fn wrapped(v: I, wrap: u32) -> I {
    let lost = U(wrap & 31u);
    let up = bitcast<U>(v) << lost;
    return select(bitcast<I>(up >> lost), bitcast<I>(up) >> lost, B((wrap & 256u) != 0u));
}
