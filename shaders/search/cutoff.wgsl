// From which maximum on a block may hold one of the k best rows of a shard.
//
//   cutoff = (k-th largest maximum) - slack      slack = margin                       KIND 0: cosines
//                                                        margin * |x| * longest       KIND 1: products
//                                                        margin * (|x| + longest)^2   KIND 2: distances
//   With fewer than k blocks, below all maxima of blocks with rows; without a usable probe, above all.
//
// Layouts   maxima: [probe][row_stride], blocks of the shard from 0 on   factors, norms: [probe] of search/probes
//           cutoffs: [probe] (factor, cutoff)
// Threads   256 for a probe, one workgroup. The k-th largest is found digit by digit (8 bits), by counting.
// Workgroup memory: 1 KiB and 16 bytes.
#import shared/ascending

struct Params {
    blocks: u32,
    row_stride: u32,
    k: u32,
    kind: u32,
    margin: f32,
    longest: f32,     // row
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> maxima: array<f32>;
@group(0) @binding(2) var<storage, read> factors: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read_write> cutoffs: array<vec2<f32>>;

// Blocks without a row that counts have a maximum below this.
const NOTHING = -2.9e38;

var<workgroup> counts: array<atomic<u32>, 256>;
// Digits so far, and how many of the blocks that begin with them are still to come.
var<workgroup> chosen: vec2<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let start = group.x * p.row_stride;
    if (local == 0u) {
        chosen = vec2<u32>(0u, p.k);
    }
#for s in 0..4
    atomicStore(&counts[local], 0u);
    workgroupBarrier();
    {
        let sofar = chosen;
        for (var i = local; i < p.blocks; i += 256u) {
            let key = ascending(bitcast<u32>(maxima[start + i]));
#if s == 0
            atomicAdd(&counts[key >> 24u], 1u);
#else
            if ((key ^ sofar.x) >> {{32 - 8 * s}}u == 0u) {
                atomicAdd(&counts[(key >> {{24 - 8 * s}}u) & 255u], 1u);
            }
#endif
        }
        workgroupBarrier();
        if (local == 0u) {
            var wanted = sofar.y;
            var digit = 255u;
            for (; digit > 0u; digit--) {
                let count = atomicLoad(&counts[digit]);
                if (count >= wanted) {
                    break;
                }
                wanted -= count;
            }
            chosen = vec2<u32>(sofar.x | (digit << {{24 - 8 * s}}u), wanted);
        }
        workgroupBarrier();
    }
#endfor
    if (local == 0u) {
        let key = chosen.x;
        let last = bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) != 0u));
        let norm = norms[group.x];
        var slack = p.margin;
        if (p.kind == 1u) {
            slack *= norm * p.longest;
        } else if (p.kind == 2u) {
            slack *= (norm + p.longest) * (norm + p.longest);
        }
        var cutoff = NOTHING;
        if (p.blocks >= p.k) {
            cutoff = max(last - slack, NOTHING);
        }
        cutoffs[group.x] = vec2<f32>(factors[group.x], select(cutoff, 3.0e38, norm < 0.0));
    }
}
