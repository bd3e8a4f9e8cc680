// Probes of a caller's buffer as the scans of a gallery take them.
//
//   unit = 2^e, the largest magnitude in [2^e, 2^(e+1))        packed = x / unit
//   factor = 1 / |packed| where directions are compared (0 for a probe of zeros), else unit
//   norm = |x|, or -1 where f32 cannot score the probe: a number that is none, or (COSINE = 0) |e| above most_exponent
//
// Layouts   x: [probe][dimension] words of f32   packed: [probe][vec4s], zeros behind the end   norms, factors: [probe]
// Threads   64 for a probe, one workgroup; sums in a fixed order
// Workgroup memory: 512 bytes.
struct Params {
    dimension: u32,
    vec4s: u32,
    cosine: u32,
    most_exponent: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> factors: array<f32>;
@group(0) @binding(4) var<storage, read_write> norms: array<f32>;

var<workgroup> largest: array<u32, 64>;
var<workgroup> sums: array<f32, 64>;

// 2^e for e in -126..=127.
fn power(e: i32) -> f32 {
    return bitcast<f32>(u32(e + 127) << 23u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let start = group.x * p.dimension;
    var most = 0u;
    for (var i = local; i < p.dimension; i += 64u) {
        most = max(most, x[start + i] & 0x7fffffffu);
    }
    largest[local] = most;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n /= 2u) {
        if (local < n) {
            largest[local] = max(largest[local], largest[local + n]);
        }
        workgroupBarrier();
    }
    let bits = largest[0];
    let finite = bits < 0x7f800000u;
    // Numbers below the least normal one count as 0.
    let e = select(0, i32(bits >> 23u) - 127, finite && bits >= 0x00800000u);
    // In two steps: 1 / 2^127 is no normal number.
    let first = power(-(e / 2));
    let second = power(-(e - e / 2));
    var sum = 0.0;
    for (var i = local; i < p.vec4s; i += 64u) {
        var v = vec4<f32>();
#for c in 0..4
        if (finite && 4u * i + {{c}}u < p.dimension) {
            v[{{c}}] = bitcast<f32>(x[start + 4u * i + {{c}}u]) * first * second;
        }
#endfor
        packed[group.x * p.vec4s + i] = v;
        sum += dot(v, v);
    }
    sums[local] = sum;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n /= 2u) {
        if (local < n) {
            sums[local] += sums[local + n];
        }
        workgroupBarrier();
    }
    if (local == 0u) {
        let length = sqrt(sums[0]);
        let cosine = p.cosine != 0u;
        let usable = finite && (cosine || abs(e) <= i32(p.most_exponent));
        var factor = power(e / 2) * power(e - e / 2);
        var norm = length * factor;
        if (cosine) {
            norm = length;
            factor = select(0.0, 1.0 / length, length > 0.0);
        }
        factors[group.x] = select(0.0, factor, usable);
        norms[group.x] = select(-1.0, norm, usable);
    }
}
