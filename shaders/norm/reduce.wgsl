// Reductions of a plain tensor along one axis, seen as [outer][axis][inner].
//
//   y[outer][inner] = finish(join over the axis of term(x))
//
//   sum, mean, L1, L2, sum of squares, log of the sum, log of the sum of exponentials, maximum, minimum, product are all made of a term,
//   a join and a finish; the logarithm of a sum of exponentials looks for the largest first, so that nothing overflows.
//
// Layouts   x: [outer][axis][inner]   y: [outer][inner]   of f32, or of i32 (INT = 1)
// Threads   see shared/line; lanes are joined in a fixed order   Workgroup memory: none (ROW = 0) or 1 KiB.
#import shared/line

struct Params {
    outer: u32,
    axis: u32,
    inner: u32,
    term: u32,        // 0 x, 1 |x|, 2 x^2, 3 exp(x - largest)
    join: u32,        // 0 sum, 1 maximum, 2 minimum, 3 product
    finish: u32,      // 0 nothing, 1 divide by count, 2 square root, 3 logarithm, 4 largest + logarithm
    first: u32,       // bits of what joining begins with
    least: u32,       // bits of what the largest begins with
    count: u32,
}

#if INT
alias Number = i32;
#else
alias Number = f32;
#endif

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Number>;
@group(0) @binding(2) var<storage, read_write> y: array<Number>;

const LARGEST = 3.4028234663852886e38;

fn join(a: Number, b: Number, how: u32) -> Number {
    switch (how) {
        case 1u: { return max(a, b); }
        case 2u: { return min(a, b); }
        case 3u: { return a * b; }
        default: { return a + b; }
    }
}

fn term(v: Number, largest: Number) -> Number {
    switch (p.term) {
        case 1u: { return abs(v); }
        case 2u: { return v * v; }
#if !INT
        case 3u: { return exp(v - largest); }
#endif
        default: { return v; }
    }
}

#if ROW
#import shared/join
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
    var largest = Number();
#if !INT
    if (p.term == 3u) {
        largest = bitcast<Number>(p.least);
        for (var block = line.lane; block < p.axis; block += BLOCK) {
            for (var k = block; k < min(block + BLOCK, p.axis); k += LANES) {
                largest = max(largest, x[base + k * p.inner]);
            }
        }
    }
#if ROW
    largest = join_lanes(line.lane, largest, 1u);
#endif
    // From infinite numbers nothing can be subtracted.
    largest = select(0.0, largest, abs(largest) <= LARGEST);
#endif
    var sum = bitcast<Number>(p.first);
    for (var block = line.lane; block < p.axis; block += BLOCK) {
        for (var k = block; k < min(block + BLOCK, p.axis); k += LANES) {
            sum = join(sum, term(x[base + k * p.inner], largest), p.join);
        }
    }
#if ROW
    sum = join_lanes(line.lane, sum, p.join);
    if (line.lane != 0u) {
        return;
    }
#endif
#if INT
    y[line.number] = select(sum, sum / i32(max(p.count, 1u)), p.finish == 1u);
#else
    // Not in a branch: one of llvmpipe's (Mesa 22.3) loses host memory at every launch of a shader with a square root there.
    let root = sqrt(sum);
    let logarithm = log(sum);
    var result = sum;
    result = select(result, sum / f32(p.count), p.finish == 1u);
    result = select(result, root, p.finish == 2u);
    result = select(result, logarithm, p.finish == 3u);
    result = select(result, largest + logarithm, p.finish == 4u);
    y[line.number] = result;
#endif
}
