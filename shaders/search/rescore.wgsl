// Scores the rows of the blocks that may matter once more, one by one, and keeps the k best: score descending, id ascending.
//
//   KIND 0, 1   score = factor * (probe factor * dot(probe, row))
//   KIND 2      score = -sqrt(sum of (probe factor * probe - factor / 2 * row)^2)
//
// Layouts   rows, probes, bits, maxima: shared/search (maxima of this shard alone)   cutoffs: search/cutoff
//           tags: [row] (id: low and high word, label, bits of the row's factor)
//           hits: [probe][k] (id: low and high word, label, bits of the score), best first; what is missing has score -infinity
// Threads   256 for a probe, one workgroup. They look at 256 maxima, then at the blocks to be scored one after the other:
//
//              32 rows, coalesced
//           [ part 0: steps 0, 8, .. ]   a thread sums its steps, 32 of them the 8 parts; rows that are better than the k-th wait in `kept`
//           [ ...                    ]   behind the k best, and when there are many the two are sorted together: every entry counts those
//           [ part 7                 ]   that go before it
//
// TEX: rows and probes are textures (shared/texel). F: 0 f32, 1 halves. k is at most 128. Workgroup memory: 8 KiB and 32 bytes.
#import shared/ascending
#import shared/texel

struct Params {
    first_block: u32,     // of this dispatch
    end_block: u32,
    steps: u32,           // of 16 bytes in a row
    probe_vec4s: u32,
    row_stride: u32,      // of maxima
    k: u32,
    kind: u32,
    fresh: u32,           // 1: there are no hits yet
}

@group(0) @binding(0) var<uniform> p: Params;
#if TEX
#if F == 0
@group(0) @binding(1) var rows: texture_2d<f32>;
#else
@group(0) @binding(1) var rows: texture_2d<u32>;
#endif
@group(0) @binding(2) var probes: texture_2d<f32>;
#else
#if F == 0
@group(0) @binding(1) var<storage, read> rows: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
#endif
@group(0) @binding(2) var<storage, read> probes: array<vec4<f32>>;
#endif
@group(0) @binding(3) var<storage, read> bits: array<u32>;
@group(0) @binding(4) var<storage, read> maxima: array<f32>;
@group(0) @binding(5) var<storage, read> cutoffs: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> tags: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> hits: array<vec4<u32>>;

var<workgroup> kept: array<vec4<u32>, 256>;      // the k best, then those that wait
var<workgroup> sorted: array<vec4<u32>, 128>;
var<workgroup> parts: array<f32, 256>;           // [part][row]
var<workgroup> list: array<u32, 256>;            // blocks to be scored
var<workgroup> listed: atomic<u32>;
var<workgroup> waiting: atomic<u32>;

// No hit: no id, no label, -infinity.
fn nothing() -> vec4<u32> {
    return vec4<u32>(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xff800000u);
}

fn goes_before(a: vec4<u32>, b: vec4<u32>) -> bool {
    let x = ascending(a.w);
    let y = ascending(b.w);
    return x > y || (x == y && (a.y < b.y || (a.y == b.y && a.x < b.x)));
}

// Sorts the k best and `count` that wait; the best k stay. All threads come here together.
fn merge(local: u32, count: u32) {
    let total = p.k + count;
    if (local < total) {
        let own = kept[local];
        var place = 0u;
        for (var i = 0u; i < total; i += 4u) {
#for u in 0..4
            if (i + {{u}}u < total) {
                let other = kept[i + {{u}}u];
                // Only what is nothing is ever equal.
                place += u32(goes_before(other, own) || (all(other == own) && i + {{u}}u < local));
            }
#endfor
        }
        if (place < p.k) {
            sorted[place] = own;
        }
    }
    workgroupBarrier();
    if (local < p.k) {
        kept[local] = sorted[local];
    }
    if (local == 0u) {
        atomicStore(&waiting, 0u);
    }
    workgroupBarrier();
}

fn load_probe(i: u32) -> vec4<f32> {
#if TEX
    return textureLoad(probes, texel(i), 0);
#else
    return probes[i];
#endif
}

// What four numbers add to a sum.
fn term(probe: vec4<f32>, row: vec4<f32>, factor: f32, unit: f32) -> f32 {
    if (p.kind == 2u) {
        let d = factor * probe - unit * row;
        return dot(d, d);
    }
    return dot(probe, row);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let own = cutoffs[group.x];
    let probe = group.x * p.probe_vec4s;
    let row = local % 32u;
    if (local < p.k) {
        kept[local] = nothing();
        if (p.fresh == 0u) {
            kept[local] = hits[group.x * p.k + local];
        }
    }
    if (local == 0u) {
        atomicStore(&waiting, 0u);
    }
    workgroupBarrier();
    for (var start = p.first_block; start < p.end_block; start += 256u) {
        if (local == 0u) {
            atomicStore(&listed, 0u);
        }
        workgroupBarrier();
        let mine = start + local;
        if (mine < p.end_block && maxima[group.x * p.row_stride + mine] >= own.y && bits[mine] != 0u) {
            list[atomicAdd(&listed, 1u)] = mine;
        }
        workgroupBarrier();
        let found = atomicLoad(&listed);
        for (var i = 0u; i < found; i++) {
            let block = list[i];
            let tag = tags[block * 32u + row];
            let factor = bitcast<f32>(tag.w);
            let unit = 0.5 * factor;
            var sum = 0.0;
            for (var step = local / 32u; step < p.steps; step += 8u) {
                let at = (block * p.steps + step) * 32u + row;
#if TEX
                let g = textureLoad(rows, texel(at), 0);
#else
                let g = rows[at];
#endif
#if F == 0
                sum += term(load_probe(probe + step), g, own.x, unit);
#else
                sum += term(load_probe(probe + 2u * step), vec4<f32>(unpack2x16float(g.x), unpack2x16float(g.y)), own.x, unit);
                sum += term(load_probe(probe + 2u * step + 1u), vec4<f32>(unpack2x16float(g.z), unpack2x16float(g.w)), own.x, unit);
#endif
            }
            parts[local] = sum;
            workgroupBarrier();
            if (local < 32u && ((bits[block] >> row) & 1u) != 0u) {
                var total = parts[row];
#for part in 1..8
                total += parts[row + {{32 * part}}u];
#endfor
                var score = factor * (own.x * total);
                if (p.kind == 2u) {
                    score = -sqrt(total);
                }
                // -0 is 0.
                let entry = vec4<u32>(tag.xyz, select(bitcast<u32>(score), 0u, score == 0.0));
                if (goes_before(entry, kept[p.k - 1u])) {
                    kept[p.k + atomicAdd(&waiting, 1u)] = entry;
                }
            }
            workgroupBarrier();
            let count = atomicLoad(&waiting);
            workgroupBarrier();
            if (count > 96u) {
                merge(local, count);
            }
        }
        // Before the list is begun again.
        workgroupBarrier();
    }
    let count = atomicLoad(&waiting);
    workgroupBarrier();
    merge(local, count);
    if (local < p.k) {
        hits[group.x * p.k + local] = kept[local];
    }
}
