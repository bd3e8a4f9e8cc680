// Running sums along one axis of a plain tensor, seen as [outer][axis][inner].
//
//   y[k] = sum of x[j] over j <= k   exclusive: j < k   reverse: from the other end
//
// Layouts   x, y: [outer][axis][inner] of f32, or of i32 (INT = 1)
// Threads   ROW = 0: 64 in a row over (outer, inner), inner fastest; a thread walks the axis
//           ROW = 1: a workgroup to an axis; a lane sums a part of it, then begins with what the lanes before it summed
// Workgroup memory: none (ROW = 0) or 1 KiB. Loops are nested so that none exceeds 65535 rounds.
#import shared/line

struct Params {
    outer: u32,
    axis: u32,
    inner: u32,
    exclusive: u32,
    reverse: u32,
}

#if INT
alias Number = i32;
#else
alias Number = f32;
#endif

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Number>;
@group(0) @binding(2) var<storage, read_write> y: array<Number>;

const PART = 32768u;

#if ROW
var<workgroup> lanes: array<Number, 256>;
#endif

#if ROW
@compute @workgroup_size(256)
#else
@compute @workgroup_size(64)
#endif
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = line_of(group, groups, local);
    if (line.number >= p.outer * p.inner) {
        return;
    }
    let base = line.number / p.inner * p.axis * p.inner + line.number % p.inner;
    let length = (p.axis + LANES - 1u) / LANES;
    let start = min(line.lane * length, p.axis);
    let end = min(start + length, p.axis);
    var sum = Number();
#if ROW
    for (var block = start; block < end; block += PART) {
        for (var k = block; k < min(block + PART, end); k++) {
            let place = select(k, p.axis - 1u - k, p.reverse != 0u);
            sum += x[base + place * p.inner];
        }
    }
    lanes[line.lane] = sum;
    workgroupBarrier();
    sum = Number();
    for (var i = 0u; i < line.lane; i++) {
        sum += lanes[i];
    }
#endif
    for (var block = start; block < end; block += PART) {
        for (var k = block; k < min(block + PART, end); k++) {
            let place = base + select(k, p.axis - 1u - k, p.reverse != 0u) * p.inner;
            let before = sum;
            sum += x[place];
            y[place] = select(sum, before, p.exclusive != 0u);
        }
    }
}
