// Real numbers as whole ones, and back.
//
//   KIND = 0:  y = clamp(round(x / scale) + zero, least, most)    the quotient rounded to f32, then to the nearest whole number, halves to even
//   KIND = 1:  y = (x - zero) * scale                             KIND = 2:  the second after the first
//
// Layouts   x, y: any memory seen as [outer][axis][inner], words of f32 or i32; places of the axis from `limit` on are spare lanes and stay 0
//           scale, zero: FLAT: one number; else that of place (outer, a, inner) by strides, a counted in blocks
// Threads   64 in a row over vec4s of x. Workgroup memory: none.
#import shared/index

struct Params {
    total: u32,       // vec4s of x
    len: u32,         // numbers of x
    axis: u32,
    limit: u32,
    inner: u32,
    block: u32,
    outer_stride: u32,
    axis_stride: u32,
    inner_stride: u32,
    has_zero: u32,
    least: i32,
    most: i32,
}

@group(0) @binding(0) var<uniform> p: Params;
#if KIND == 1
@group(0) @binding(1) var<storage, read> x: array<vec4<i32>>;
#else
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
#endif
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> zero: array<i32>;
#if KIND == 0
@group(0) @binding(4) var<storage, read_write> y: array<vec4<i32>>;
#else
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
#endif

#if KIND != 1
// Beyond what 16 bits and a zero point of 16 bits can hold.
const FAR = 131072.0;

// The whole number nearest to x / s as correctly rounded f32 division and rounding of halves to even give it. WGSL's division may be off by
// a few units in the last place, which matters near a half h; there the sign of x - h * s decides, computed exactly: s is taken apart into
// pieces of 6 bits, whose products with h (at most 18 bits) are exact. A quotient that would round to h itself is a tie.
fn nearest(value: vec4<f32>, divisor: vec4<f32>) -> vec4<f32> {
    let s = abs(divisor);
    let v = select(value, -value, divisor < vec4<f32>());
    let q = v / s;
    let low = floor(clamp(q, vec4<f32>(-FAR), vec4<f32>(FAR)));
    let h = low + 0.5;
    var rest = s;
    var d = v;
#for i in 0..4
    {
        let piece = bitcast<vec4<f32>>(bitcast<vec4<u32>>(rest) & vec4<u32>(0xfffc0000u));
        rest -= piece;
        d -= h * piece;
    }
#endfor
    // Half the distance from h to its neighbours, times s.
    let tie = s * bitcast<vec4<f32>>(bitcast<vec4<u32>>(h) & vec4<u32>(0x7f800000u)) * 5.9604644775390625e-8;
    let even = low + select(vec4<f32>(), vec4<f32>(1.0), fract(low * 0.5) != vec4<f32>());
    let rounded = select(select(even, low, d < -tie), low + 1.0, d > tie);
    // 0 / 0 and what comes from no number.
    let unknown = (bitcast<vec4<u32>>(q) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    return select(rounded, vec4<f32>(), unknown);
}

fn quantize(v: vec4<f32>, s: vec4<f32>, z: vec4<i32>) -> vec4<i32> {
    return clamp(vec4<i32>(nearest(v, s)) + z, vec4<i32>(p.least), vec4<i32>(p.most));
}
#endif

#if KIND != 0
fn dequantize(v: vec4<i32>, s: vec4<f32>, z: vec4<i32>) -> vec4<f32> {
    return vec4<f32>(v - z) * s;
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
#if FLAT
    // The axis holds whole vec4s here.
    let place = i % (p.axis / 4u) * 4u;
    let keep = vec4<u32>(place) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(p.limit);
    let s = vec4<f32>(scale[0]);
    var z = vec4<i32>();
    if (p.has_zero != 0u) {
        z = vec4<i32>(zero[0]);
    }
#else
    let element = vec4<u32>(i * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    let line = element / p.inner;
    let place = line % p.axis;
    let keep = (place < vec4<u32>(p.limit)) & (element < vec4<u32>(p.len));
    let at = select(
        vec4<u32>(),
        line / p.axis * p.outer_stride + place / p.block * p.axis_stride + element % p.inner * p.inner_stride,
        keep
    );
    let s = vec4<f32>(scale[at.x], scale[at.y], scale[at.z], scale[at.w]);
    var z = vec4<i32>();
    if (p.has_zero != 0u) {
        z = vec4<i32>(zero[at.x], zero[at.y], zero[at.z], zero[at.w]);
    }
#endif
#if KIND == 0
    y[i] = select(vec4<i32>(), quantize(x[i], s, z), keep);
#endif
#if KIND == 1
    y[i] = select(vec4<f32>(), dequantize(x[i], s, z), keep);
#endif
#if KIND == 2
    y[i] = select(vec4<f32>(), dequantize(quantize(x[i], s, z), s, z), keep);
#endif
}
