// What the scans by weighted distances share, beside shared/search.
//
//   score = -(probe factor * Σ weight * term)        CHI = 0: term = |x - y|        CHI = 1: term = (x - y)² / (x + y), 0 below zero
//   y = factor * stored number (factor of the row, a power of two)
//
// Layouts   as in shared/search; the weights follow the last probe like one more.

// Σ over four numbers.
fn term(weight: vec4<f32>, probe: vec4<f32>, row: vec4<f32>) -> f32 {
#if CHI
    let x = max(probe, vec4<f32>(0.0));
    let y = max(row, vec4<f32>(0.0));
    let difference = x - y;
    // The smallest normal number instead of 0: there the difference is 0.
    return dot(weight, difference * (difference / max(x + y, vec4<f32>(1.1754944e-38))));
#else
    return dot(weight, abs(probe - row));
#endif
}
