// Weighted distances of probes to a gallery and the maxima of their negatives over blocks of 32 rows, by subgroup broadcast, for software
// adapters. See shared/distance for equation and layouts.
//
// Threads   one subgroup = one workgroup; R * SG rows (a lane: rows lane, lane + SG, ...) x SG probes: lane l loads probe l and the subgroup
//           replays it by subgroupBroadcast with a constant lane; a sum for each row and probe in named registers
//
// rows and probes are textures (shared/texel). F: 0 f32, 1 halves.
// Workgroup memory: none. Limits: subgroup size is exactly SG. Grid: (probe tiles, block tiles, one part whose probes are all there are).
#import shared/search
#import shared/distance
#import shared/texel

#if F == 0
@group(0) @binding(1) var rows: texture_2d<f32>;
#else
@group(0) @binding(1) var rows: texture_2d<u32>;
#endif
@group(0) @binding(2) var probes: texture_2d<f32>;

@compute @workgroup_size({{SG}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let p = all.parts[group.z];
    let block = p.first_block + group.y * {{R * SG / 32}}u;
    let first = group.x * {{SG}}u;
    var any_bits = 0u;
#for b in 0..R * SG / 32
    let inside{{b}} = block + {{b}}u < p.end_block;
    let block{{b}} = min(block + {{b}}u, p.end_block - 1u);
    let bits{{b}} = select(0u, bits[block{{b}}], inside{{b}});
    any_bits |= bits{{b}};
#endfor
#for r in 0..R
    let counts{{r}} = (bits{{r * SG / 32}} >> (lane + {{r * SG % 32}}u) & 1u) != 0u;
    let factor{{r}} = factors[block{{r * SG / 32}} * 32u + {{r * SG % 32}}u + lane].x;
    var at{{r}} = block{{r * SG / 32}} * p.steps * 32u + {{r * SG % 32}}u + lane;
#endfor
#for i in 0..SG
#for r in 0..R
    var sum{{i}}_{{r}} = 0.0;
#endfor
#endfor
    // Where no row counts there is nothing to sum.
    let steps = select(0u, p.steps, any_bits != 0u);
    var probe = min(first + lane, p.probes - 1u) * p.probe_vec4s;
    var weight = p.probes * p.probe_vec4s;
    for (var step = 0u; step < steps; step++) {
#for r in 0..R
        let row{{r}} = textureLoad(rows, texel(at{{r}}), 0);
        at{{r}} += 32u;
#endfor
#if F == 1
        // The two halves of a step one after the other, as in subgroup_scan.
        for (var half = 0u; half < 2u; half++) {
#else
        {
#endif
#for r in 0..R
#if F == 1
            let words{{r}} = select(row{{r}}.xy, row{{r}}.zw, half == 1u);
            let g{{r}} = factor{{r}} * halves(words{{r}}.x, words{{r}}.y);
#else
            let g{{r}} = factor{{r}} * row{{r}};
#endif
#endfor
            let a = textureLoad(probes, texel(probe), 0);
            let w = textureLoad(probes, texel(weight), 0);
            probe += 1u;
            weight += 1u;
#for i in 0..SG
            let v{{i}} = subgroupBroadcast(a, {{i}}u);
#for r in 0..R
            sum{{i}}_{{r}} += term(w, v{{i}}, g{{r}});
#endfor
#endfor
        }
    }
    let own = probe_factors[min(first + lane, p.probes - 1u)];
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
        most{{r * SG / 32}} = max(most{{r * SG / 32}}, select(LOWEST, -(probe_factor * sum{{l}}_{{r}}), counts{{r}}));
#endfor
#for b in 0..R * SG / 32
        let all{{b}} = subgroupMax(most{{b}});
        out{{b}} = select(out{{b}}, all{{b}}, lane == {{l}}u);
#endfor
    }
#endfor
    let number = first + lane;
#for b in 0..R * SG / 32
    if (number < p.probes && inside{{b}}) {
        maxima[number * p.row_stride + p.first_out + block + {{b}}u] = out{{b}};
    }
#endfor
}
