// What happens to a finished sum before it is stored:
//   act  = clamp(v >= 0 ? v : slope * v, lo, hi)        PReLU, LeakyReLU, ReLU, Clip and none are all of this form
//   y    = clamp(act + residual, post_lo, post_hi)
// lo <= 0 <= hi, so lanes beyond the channel count stay 0.
fn activate(v: vec4<f32>, slope: vec4<f32>, lo: f32, hi: f32) -> vec4<f32> {
    return clamp(select(v * slope, v, v >= vec4<f32>()), vec4<f32>(lo), vec4<f32>(hi));
}
