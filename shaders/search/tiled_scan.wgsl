// Scores of probes against a gallery and their maxima over blocks of 32 rows, for hardware GPUs and wherever subgroups are missing. The
// score matrix is never stored. See shared/search for equation and layouts. F: 0 f32, 1 halves, 2 int8.
//
// MANY = 0, tiles of 8 probes: 256 threads, one row each (8 blocks); probes are staged 32 vec4s at a time, rows are read once, coalesced
// MANY = 1, by tiles of 64 probes x 64 rows (2 blocks): 256 threads = 16 x 16, a thread sums 4 probes x 4 rows
//
//            tx: 16 x 4 probes
//      ty 0 [ 4 x 4 | ... ]      per round: 4 groups of vec4s (16 numbers of f32, 64 of int8) of 64 rows and 64 probes are staged
//      ...
//
// Workgroup memory: 12 KiB (MANY = 0), 12 KiB (MANY = 1).
// Grid: (probe tiles, block tiles, parts).
#import shared/search

#if F == 0
@group(0) @binding(1) var<storage, read> rows: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
#endif
#if F == 2
@group(0) @binding(2) var<storage, read> probes: array<vec4<u32>>;
alias Four = vec4<u32>;
alias Sum = i32;

fn product(a: Four, b: Four) -> Sum {
    return dot16(a, b);
}
#else
@group(0) @binding(2) var<storage, read> probes: array<vec4<f32>>;
alias Four = vec4<f32>;
alias Sum = f32;

fn product(a: Four, b: Four) -> Sum {
    return dot(a, b);
}
#endif

// The score of a row of this shard for a probe of the part.
fn score(p: Part, sum: Sum, probe: u32, row: u32) -> f32 {
    let block = row / 32u;
    if (block >= p.end_block || probe >= p.probes) {
        return LOWEST;
    }
    let factor = factors[row];
    let counts = (bits[block] >> (row % 32u) & 1u) != 0u;
    return select(LOWEST, factor.x * (probe_factors[p.first_probe + probe] * f32(sum)) + factor.y, counts);
}

#if MANY
var<workgroup> tile_rows: array<Four, 256>;     // [group][row]
var<workgroup> tile_probes: array<Four, 256>;   // [group][probe]
var<workgroup> best: array<f32, 1024>;          // [ty][probe]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let tx = local % 16u;
    let ty = local / 16u;
    let p = all.parts[group.z];
    let first = group.x * 64u;
    let block = p.first_block + group.y * 2u;
    if (block >= p.end_block || first >= p.probes) {
        return;
    }
    // Staging: thread = (row or probe = local % 64, group = local / 64).
    let row = local % 64u;
    let part = local / 64u;
    let row_at = min(block + row / 32u, p.end_block - 1u) * p.steps * 32u + row % 32u;
    let probe_at = (p.first_probe + min(first + row, p.probes - 1u)) * p.probe_vec4s;
#for i in 0..4
#for r in 0..4
    var sum{{i}}_{{r}} = Sum();
#endfor
#endfor
    for (var at = 0u; at < p.probe_vec4s; at += 4u) {
        tile_probes[local] = probes[probe_at + at + part];
#if F == 1
        if (part < 2u) {
            let h = rows[row_at + (at / 2u + part) * 32u];
            tile_rows[part * 128u + row] = halves(h.x, h.y);
            tile_rows[part * 128u + 64u + row] = halves(h.z, h.w);
        }
#else
        tile_rows[local] = rows[row_at + (at + part) * 32u];
#endif
        workgroupBarrier();
#for q in 0..4
        {
#for r in 0..4
            let g{{r}} = tile_rows[{{64 * q}}u + ty * 4u + {{r}}u];
#endfor
#for i in 0..4
            let v{{i}} = tile_probes[{{64 * q}}u + tx * 4u + {{i}}u];
#for r in 0..4
            sum{{i}}_{{r}} += product(v{{i}}, g{{r}});
#endfor
#endfor
        }
#endfor
        workgroupBarrier();
    }
#for i in 0..4
    {
        var most = LOWEST;
#for r in 0..4
        most = max(most, score(p, sum{{i}}_{{r}}, first + tx * 4u + {{i}}u, block * 32u + ty * 4u + {{r}}u));
#endfor
        best[ty * 64u + tx * 4u + {{i}}u] = most;
    }
#endfor
    workgroupBarrier();
    // 64 probes x 2 blocks; 8 values of ty make a block.
    if (local < 128u) {
        let probe = local % 64u;
        let half = local / 64u;
        var most = LOWEST;
        for (var i = 0u; i < 8u; i++) {
            most = max(most, best[(half * 8u + i) * 64u + probe]);
        }
        if (first + probe < p.probes && block + half < p.end_block) {
            maxima[(first + probe) * p.row_stride + p.first_out + block + half] = most;
        }
    }
}
#else
var<workgroup> tile_probes: array<Four, 256>;   // [probe][32 vec4s]
var<workgroup> best: array<f32, 2048>;          // [probe][row]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let p = all.parts[group.z];
    let first = group.x * 8u;
    let block = p.first_block + group.y * 8u;
    if (block >= p.end_block || first >= p.probes) {
        return;
    }
    let row_at = min(block + local / 32u, p.end_block - 1u) * p.steps * 32u + local % 32u;
#for i in 0..8
    var sum{{i}} = Sum();
#endfor
    // Staging: thread = (probe = local / 32, vec4 = local % 32).
    let probe_at = (p.first_probe + min(first + local / 32u, p.probes - 1u)) * p.probe_vec4s;
    for (var start = 0u; start < p.probe_vec4s; start += 32u) {
        tile_probes[local] = probes[probe_at + min(start + local % 32u, p.probe_vec4s - 1u)];
        workgroupBarrier();
        let end = min(32u, p.probe_vec4s - start);
#if F == 1
        for (var at = 0u; at < end; at += 2u) {
            let h = rows[row_at + (start + at) / 2u * 32u];
            let g0 = halves(h.x, h.y);
            let g1 = halves(h.z, h.w);
#for i in 0..8
            sum{{i}} += product(tile_probes[{{32 * i}}u + at], g0) + product(tile_probes[{{32 * i}}u + at + 1u], g1);
#endfor
        }
#else
        for (var at = 0u; at < end; at++) {
            let g = rows[row_at + (start + at) * 32u];
#for i in 0..8
            sum{{i}} += product(tile_probes[{{32 * i}}u + at], g);
#endfor
        }
#endif
        workgroupBarrier();
    }
#for i in 0..8
    best[{{256 * i}}u + local] = score(p, sum{{i}}, first + {{i}}u, block * 32u + local);
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
#endif
