// Weighted distances of probes to a gallery and the maxima of their negatives over blocks of 32 rows, for hardware GPUs and wherever subgroups
// are missing. See shared/distance for equation and layouts. F: 0 f32, 1 halves.
//
// Threads   256, one row each (8 blocks), by tiles of 8 probes; probes and weights are staged 32 vec4s at a time, rows are read once, coalesced
//
// Workgroup memory: 12.5 KiB. Grid: (probe tiles, block tiles, one part whose probes are all there are).
#import shared/search
#import shared/distance

#if F == 0
@group(0) @binding(1) var<storage, read> rows: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
#endif
@group(0) @binding(2) var<storage, read> probes: array<vec4<f32>>;

var<workgroup> tile_probes: array<vec4<f32>, 256>;   // [probe][32 vec4s]
var<workgroup> tile_weights: array<vec4<f32>, 32>;
var<workgroup> best: array<f32, 2048>;               // [probe][row]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let p = all.parts[group.z];
    let first = group.x * 8u;
    let block = p.first_block + group.y * 8u;
    let own = block + local / 32u;
    let row_at = min(own, p.end_block - 1u) * p.steps * 32u + local % 32u;
    let factor = factors[min(own, p.end_block - 1u) * 32u + local % 32u].x;
#for i in 0..8
    var sum{{i}} = 0.0;
#endfor
    // Staging: thread = (probe = local / 32, vec4 = local % 32).
    let probe_at = min(first + local / 32u, p.probes - 1u) * p.probe_vec4s;
    for (var start = 0u; start < p.probe_vec4s; start += 32u) {
        let at = min(start + local % 32u, p.probe_vec4s - 1u);
        tile_probes[local] = probes[probe_at + at];
        if (local < 32u) {
            tile_weights[local] = probes[p.probes * p.probe_vec4s + at];
        }
        workgroupBarrier();
        let end = min(32u, p.probe_vec4s - start);
#if F == 1
        for (var at = 0u; at < end; at += 2u) {
            let h = rows[row_at + (start + at) / 2u * 32u];
            let g0 = factor * halves(h.x, h.y);
            let g1 = factor * halves(h.z, h.w);
#for i in 0..8
            sum{{i}} += term(tile_weights[at], tile_probes[{{32 * i}}u + at], g0) + term(tile_weights[at + 1u], tile_probes[{{32 * i}}u + at + 1u], g1);
#endfor
        }
#else
        for (var at = 0u; at < end; at++) {
            let g = factor * rows[row_at + (start + at) * 32u];
#for i in 0..8
            sum{{i}} += term(tile_weights[at], tile_probes[{{32 * i}}u + at], g);
#endfor
        }
#endif
        workgroupBarrier();
    }
    let counts = own < p.end_block && (bits[min(own, p.end_block - 1u)] >> (local % 32u) & 1u) != 0u;
#for i in 0..8
    best[{{256 * i}}u + local] = select(LOWEST, -(probe_factors[min(first + {{i}}u, p.probes - 1u)] * sum{{i}}), counts);
#endfor
    workgroupBarrier();
    // 8 probes x 8 blocks.
    if (local < 64u) {
        let probe = local / 8u;
        let part = local % 8u;
        var most = LOWEST;
        for (var i = 0u; i < 32u; i++) {
            // Each thread begins elsewhere, so that they read from different banks.
            most = max(most, best[probe * 256u + part * 32u + (i + local) % 32u]);
        }
        if (first + probe < p.probes && block + part < p.end_block) {
            maxima[(first + probe) * p.row_stride + p.first_out + block + part] = most;
        }
    }
}
