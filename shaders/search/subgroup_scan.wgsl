// Scores of probes against a gallery and their maxima over blocks of 32 rows, by subgroup broadcast, for software adapters. The score
// matrix is never stored. See shared/search for equation and layouts.
//
// Threads   one subgroup = one workgroup; R * SG rows (a lane: rows lane, lane + SG, ...) x Q * SG probes, or one probe where Q = 0
//
//              lane 0   lane 1  ...  lane SG-1        every lane: R rows, a sum for each of them and each probe in named registers
//   probe 0   [ rows  | rows   |    |         ]       probes: lane l loads probe l, l + SG, ... and the subgroup replays them by
//   probe 1   [       |        |    |         ]       subgroupBroadcast with a constant lane; a single probe is spread along its length
//
// rows and probes are textures (shared/texel). F: 0 f32, 1 halves, 2 int8. Steps of a row: a multiple of 4 (F = 0, 2) or 2 (F = 1).
// Workgroup memory: none. Limits: subgroup size is exactly SG. Grid: (probe tiles, block tiles, parts).
#import shared/search
#import shared/texel

#if F == 0
@group(0) @binding(1) var rows: texture_2d<f32>;
#else
@group(0) @binding(1) var rows: texture_2d<u32>;
#endif
#if F == 2
@group(0) @binding(2) var probes: texture_2d<u32>;
alias Four = vec4<u32>;
alias Sum = i32;
#else
@group(0) @binding(2) var probes: texture_2d<f32>;
alias Four = vec4<f32>;
alias Sum = f32;
#endif

fn load_probe(i: u32) -> Four {
    return textureLoad(probes, texel(i), 0);
}

fn score(sum: Sum, probe_factor: f32, factor: vec2<f32>, counts: bool) -> f32 {
    return select(LOWEST, factor.x * (probe_factor * f32(sum)) + factor.y, counts);
}

@compute @workgroup_size({{SG}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let p = all.parts[group.z];
    let block = p.first_block + group.y * {{R * SG / 32}}u;
    let first = group.x * {{Q * SG + (Q == 0)}}u;
    if (block >= p.end_block || first >= p.probes) {
        return;
    }
#for b in 0..R * SG / 32
    let inside{{b}} = block + {{b}}u < p.end_block;
    let block{{b}} = min(block + {{b}}u, p.end_block - 1u);
    let bits{{b}} = select(0u, bits[block{{b}}], inside{{b}});
#endfor
#for r in 0..R
    let counts{{r}} = (bits{{r * SG / 32}} >> (lane + {{r * SG % 32}}u) & 1u) != 0u;
    var at{{r}} = block{{r * SG / 32}} * p.steps * 32u + {{r * SG % 32}}u + lane;
#endfor
#for i in 0..Q * SG + (Q == 0)
#for r in 0..R
    var sum{{i}}_{{r}} = Sum();
#endfor
#endfor
    var any_bits = 0u;
#for b in 0..R * SG / 32
    any_bits |= bits{{b}};
#endfor
    // Where no row counts there is nothing to sum.
    let steps = select(0u, p.steps, any_bits != 0u);
#if Q == 0
    let probe = (p.first_probe + first) * p.probe_vec4s + (lane & 3u);
#if F == 1
    for (var step = 0u; step < steps; step += 2u) {
        let spread = load_probe(probe + step * 2u);
#else
    for (var step = 0u; step < steps; step += 4u) {
        let spread = load_probe(probe + step);
#endif
#for u in 0..4
        let v{{u}} = subgroupBroadcast(spread, {{u}}u);
#endfor
#for r in 0..R
#if F == 1
#for u in 0..2
        let h{{r}}_{{u}} = textureLoad(rows, texel(at{{r}} + {{32 * u}}u), 0);
        sum0_{{r}} += dot(v{{2 * u}}, halves(h{{r}}_{{u}}.x, h{{r}}_{{u}}.y));
        sum0_{{r}} += dot(v{{2 * u + 1}}, halves(h{{r}}_{{u}}.z, h{{r}}_{{u}}.w));
#endfor
        at{{r}} += 64u;
#else
#for u in 0..4
#if F == 0
        sum0_{{r}} += dot(v{{u}}, textureLoad(rows, texel(at{{r}} + {{32 * u}}u), 0));
#else
        sum0_{{r}} += dot16(v{{u}}, textureLoad(rows, texel(at{{r}} + {{32 * u}}u), 0));
#endif
#endfor
        at{{r}} += 128u;
#endif
#endfor
    }
#else
#for j in 0..Q
    var probe{{j}} = (p.first_probe + min(first + {{j * SG}}u + lane, p.probes - 1u)) * p.probe_vec4s;
#endfor
    for (var step = 0u; step < steps; step++) {
#for r in 0..R
        let row{{r}} = textureLoad(rows, texel(at{{r}}), 0);
        at{{r}} += 32u;
#endfor
#if F == 1
        // The two halves of a step one after the other: code for all 8 numbers would not fit a processor's cache of instructions.
        for (var half = 0u; half < 2u; half++) {
#else
        {
#endif
#for r in 0..R
#if F == 1
            let words{{r}} = select(row{{r}}.xy, row{{r}}.zw, half == 1u);
            let g{{r}} = halves(words{{r}}.x, words{{r}}.y);
#else
            let g{{r}} = row{{r}};
#endif
#endfor
#for j in 0..Q
            let a{{j}} = load_probe(probe{{j}});
            probe{{j}} += 1u;
#endfor
#for i in 0..Q * SG
            let v{{i}} = subgroupBroadcast(a{{i / SG}}, {{i % SG}}u);
#for r in 0..R
#if F == 2
            sum{{i}}_{{r}} += dot16(v{{i}}, g{{r}});
#else
            sum{{i}}_{{r}} += dot(v{{i}}, g{{r}});
#endif
#endfor
#endfor
        }
    }
#endif
#for r in 0..R
    let factor{{r}} = factors[block{{r * SG / 32}} * 32u + {{r * SG % 32}}u + lane];
#endfor
#if Q == 0
    let probe_factor = probe_factors[p.first_probe + first];
#for b in 0..R * SG / 32
    var most{{b}} = LOWEST;
#endfor
#for r in 0..R
    most{{r * SG / 32}} = max(most{{r * SG / 32}}, score(sum0_{{r}}, probe_factor, factor{{r}}, counts{{r}}));
#endfor
#for b in 0..R * SG / 32
    let all{{b}} = subgroupMax(most{{b}});
    if (lane == 0u && inside{{b}}) {
        maxima[first * p.row_stride + p.first_out + block + {{b}}u] = all{{b}};
    }
#endfor
#else
#for j in 0..Q
    {
        let own = probe_factors[p.first_probe + min(first + {{j * SG}}u + lane, p.probes - 1u)];
#for b in 0..R * SG / 32
        var out{{b}} = LOWEST;
#endfor
#for l in 0..SG
        {
            let probe_factor = subgroupBroadcast(own, {{l}}u);
#for b in 0..R * SG / 32
            var most{{b}} = LOWEST;
#endfor
#for r in 0..R
            most{{r * SG / 32}} = max(most{{r * SG / 32}}, score(sum{{j * SG + l}}_{{r}}, probe_factor, factor{{r}}, counts{{r}}));
#endfor
#for b in 0..R * SG / 32
            let all{{b}} = subgroupMax(most{{b}});
            out{{b}} = select(out{{b}}, all{{b}}, lane == {{l}}u);
#endfor
        }
#endfor
        let number = first + {{j * SG}}u + lane;
#for b in 0..R * SG / 32
        if (number < p.probes && inside{{b}}) {
            maxima[number * p.row_stride + p.first_out + block + {{b}}u] = out{{b}};
        }
#endfor
    }
#endfor
#endif
}
