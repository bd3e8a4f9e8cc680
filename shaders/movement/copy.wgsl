// Moves elements between any two strided layouts: packing, unpacking, transposing, slicing, concatenating, padding, broadcasting, tiling.
//
//   for every place o of a box of up to 8 dimensions:   j = o * step + begin;   j is mirrored, clamped or tested against [0, limit)
//   y[y_offset + sum o * y_stride] = inside ? x[x_offset + sum j * x_stride] : fill
//
// PLAIN: no place is outside; begin and step are worked into x_offset and x_stride (modulo 2^32).
//
// Layouts   by strides, in elements: 32 bits of any type, or four of them where VEC4 = 1   Threads   64 in a row over the box, last dimension fastest
// Workgroup memory: none.
#import shared/index
#if !PLAIN
#import shared/modulo
#endif

struct Axis {
    size: u32,        // of the box
    x_stride: u32,
    y_stride: u32,
    limit: u32,       // valid places of x
    begin: i32,
    step: i32,
    pad0: u32,
    pad1: u32,
}

struct Params {
    axes: array<Axis, 8>,  // last dimension first
    total: u32,
    x_offset: u32,
    y_offset: u32,
    mode: u32,        // outside: 0 fill, 1 reflect, 2 edge, 3 wrap
    fill: u32,        // bits
    rank: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
#if VEC4
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;
#else
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var rest = linear_index(group, groups, 64u, local);
    if (rest >= p.total) {
        return;
    }
    var source = p.x_offset;
    var place = p.y_offset;
#if !PLAIN
    var inside = true;
#endif
    for (var k = 0u; k < p.rank; k++) {
        let axis = p.axes[k];
        let o = rest % axis.size;
        rest /= axis.size;
        place += o * axis.y_stride;
#if PLAIN
        source += o * axis.x_stride;
#else
        let last = i32(axis.limit) - 1;
        var j = i32(o) * axis.step + axis.begin;
        if (p.mode == 1u) {
            // Mirrored as often as it takes: the pattern repeats after two lengths less the edges. An axis of one cell has one answer.
            let period = max(2 * last, 1);
            j = last - abs(last - modulo(j, period));
        } else if (p.mode == 2u) {
            j = clamp(j, 0, last);
        } else if (p.mode == 3u) {
            j = modulo(j, last + 1);
        }
        inside = inside && j >= 0 && j <= last;
        source += u32(j) * axis.x_stride;
#endif
    }
#if PLAIN
    y[place] = x[source];
#else
#if VEC4
    y[place] = select(vec4<u32>(p.fill), x[select(0u, source, inside)], inside);
#else
    y[place] = select(p.fill, x[select(0u, source, inside)], inside);
#endif
#endif
}
