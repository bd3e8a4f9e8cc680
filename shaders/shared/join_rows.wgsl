// How partial results of margin/rows are joined, by PASS as there. Always in the same order, so results are the same every time.
#if PASS == 0
fn nothing() -> vec4<f32> {
    return vec4<f32>(-3.0e38, 0.0, 0.0, 0.0);
}

fn joined(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let most = max(a.x, b.x);
    return vec4<f32>(most, a.y * exp_accurate(a.x - most) + b.y * exp_accurate(b.x - most), a.zw + b.zw);
}
#endif
#if PASS == 1
fn nothing() -> vec4<f32> {
    return vec4<f32>();
}

fn joined(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return a + b;
}
#endif
#if PASS == 2
fn nothing() -> vec4<f32> {
    return vec4<f32>(-3.0, 0.0, 0.0, 0.0);
}

fn joined(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));
}
#endif
