// Sorts the elements of each chunk of a line along one axis of a plain tensor, best first, and keeps the first of them. `select/merge`
// joins the chunks.
//
//   y = pairs (key, place): keys ascend from the best number; places tell equal ones apart, so that no two pairs are equal
//   what is not a number comes last; what fills the last chunk of a line comes after that, with places beyond the axis
//
// Layouts   x: [outer][axis][inner], f32 or i32 as bits   y: [line][chunk][keep] of pairs, line = outer * inner
// Threads   256 to a workgroup that sorts 1024 elements: 1024 / span chunks of `span` (a power of two) side by side, by a bitonic network
//           whose stages go up to span
// Workgroup memory: 8 KiB.
#import shared/rank

struct Params {
    lines: u32,
    axis: u32,
    inner: u32,
    span: u32,        // elements of a chunk, at most 1024
    chunks: u32,      // of a line
    keep: u32,
    real: u32,        // x holds f32
    largest: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<u32>>;

const WORST = -0x7fffffffi - 1i;

var<workgroup> keys: array<u32, 1024>;
var<workgroup> places: array<u32, 1024>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    // The first chunk of this workgroup among those of all lines.
    let first = (group.y * groups.x + group.x) * (1024u / p.span);
    for (var t = local; t < 1024u; t += 256u) {
        let chunk = first + t / p.span;
        let line = chunk / p.chunks;
        let place = chunk % p.chunks * p.span + t % p.span;
        var key = 0xffffffffu;
        if (line < p.lines && place < p.axis) {
            let word = x[(line / p.inner * p.axis + place) * p.inner + line % p.inner];
            key = ~(bitcast<u32>(rank(word, p.real != 0u, p.largest != 0u, WORST)) ^ 0x80000000u);
        }
        keys[t] = key;
        places[t] = place;
    }
    workgroupBarrier();
    for (var size = 2u; size <= p.span; size <<= 1u) {
        for (var step = size >> 1u; step > 0u; step >>= 1u) {
            for (var q = local; q < 512u; q += 256u) {
                let i = 2u * q - (q & (step - 1u));
                let j = i + step;
                let swapped = keys[i] > keys[j] || (keys[i] == keys[j] && places[i] > places[j]);
                // Runs descend in turn, but for the last stage.
                let descends = (i & (p.span - 1u) & size) != 0u;
                if (swapped != descends) {
                    let key = keys[i];
                    let place = places[i];
                    keys[i] = keys[j];
                    places[i] = places[j];
                    keys[j] = key;
                    places[j] = place;
                }
            }
            workgroupBarrier();
        }
    }
    for (var t = local; t < 1024u; t += 256u) {
        let chunk = first + t / p.span;
        if (chunk / p.chunks < p.lines && t % p.span < p.keep) {
            y[chunk * p.keep + t % p.span] = vec2<u32>(keys[t], places[t]);
        }
    }
}
