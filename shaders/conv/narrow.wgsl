// Convolution with few output channels as an implicit matrix product. An invocation has pixels of its own with all of their channels; in
// conv/subgroup_gemm and conv/tiled_gemm it has channels of its own, most of which would not exist here.
//
//   y[p][o] = epilogue( sum over taps t, channels c:  x[p*stride + t - pad][c] * w[o][t][c] )
//
// Layouts   x, y: packed NHWC   bias: [o4] then slope [o4]   w: [tap][c4][4 k][O] vec4 of 4 outputs, with SG filled up to whole subgroups
// Threads   LANES in a row; each sums Q pixels, LANES apart, x 4*O channels
//
// SG > 0: a workgroup is a subgroup. A lane loads one vec4 of the weights, or some SG apart, and subgroupBroadcast gives it to all.
// SG = 0: every invocation loads all weights, from one address at a time, which hardware serves once for a subgroup.
// TEX: x and w are textures (shared/texel).
// Workgroup memory: none. Limits: subgroup size is exactly SG; loops stay below 65535 rounds.
// Assumes   out_c4 is at most O, nothing is added behind the activation.
#import shared/conv
#import shared/epilogue
#import shared/index
#import shared/operands

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

fn store(pixel: u32, o: u32, sum: vec4<f32>, b: vec4<f32>, slope: vec4<f32>) {
    if (pixel < p.pixels) {
        let v = activate(sum + b, slope, p.lo, p.hi);
        y[pixel * p.y_row + p.y_first + o] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
    }
}

@compute @workgroup_size({{LANES}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = linear_index(group, groups, {{LANES * Q}}u, lane);
    // The top left input cell of each pixel; may lie outside (wraps, and is masked).
#for j in 0..Q
    let o{{j}} = pixel_of(min(first + {{j * LANES}}u, p.pixels - 1u), p.out_h, p.out_w);
    let n{{j}} = o{{j}}.n * p.in_h;
    let top{{j}} = o{{j}}.y * p.stride_h - p.pad_h;
    let left{{j}} = o{{j}}.x * p.stride_w - p.pad_w;
#for o in 0..O
    var sum{{j}}_{{o}} = vec4<f32>();
#endfor
#endfor
    var wi = 0u;
    // Loops end behind their rounds, as in conv/subgroup_gemm.
    var ky = 0u;
    loop {
        var kx = 0u;
        loop {
#for j in 0..Q
            let row{{j}} = top{{j}} + ky * p.dilation_h;
            let col{{j}} = left{{j}} + kx * p.dilation_w;
            let inside{{j}} = row{{j}} < p.in_h && col{{j}} < p.in_w;
            let at{{j}} = select(0u, ((n{{j}} + row{{j}}) * p.in_w + col{{j}}) * p.x_row, inside{{j}});
#endfor
            var c = 0u;
            loop {
#for j in 0..Q
                let a{{j}} = select(vec4<f32>(), load_x(at{{j}} + c), inside{{j}});
#endfor
#if SG
#for s in 0..(4 * O + SG - 1) / SG
                let w{{s}} = load_w(wi + {{s * SG}}u + lane);
#endfor
                wi += {{(4 * O + SG - 1) / SG * SG}}u;
#for i in 0..4 * O
                let k{{i}} = subgroupBroadcast(w{{i / SG}}, {{i % SG}}u);
#endfor
#else
#for i in 0..4 * O
                let k{{i}} = load_w(wi + {{i}}u);
#endfor
                wi += {{4 * O}}u;
#endif
#for o in 0..O
#for j in 0..Q
                sum{{j}}_{{o}} += a{{j}}.x * k{{o}};
                sum{{j}}_{{o}} += a{{j}}.y * k{{O + o}};
                sum{{j}}_{{o}} += a{{j}}.z * k{{2 * O + o}};
                sum{{j}}_{{o}} += a{{j}}.w * k{{3 * O + o}};
#endfor
#endfor
                continuing {
                    c++;
                    break if c >= p.in_c4;
                }
            }
            continuing {
                kx++;
                break if kx >= p.kernel_w;
            }
        }
        continuing {
            ky++;
            break if ky >= p.kernel_h;
        }
    }
#if SG
    // Entry e < O of the table is the bias of vec4 e, the others are the slopes.
#for s in 0..(2 * O + SG - 1) / SG
    let e{{s}} = {{s * SG}}u + lane;
    let last{{s}} = p.out_c4 - 1u;
    let t{{s}} = bias[select(p.out_c4 + min(e{{s}} - {{O}}u, last{{s}}), min(e{{s}}, last{{s}}), e{{s}} < {{O}}u)];
#endfor
#endif
#for o in 0..O
#if SG
    let b{{o}} = subgroupBroadcast(t{{o / SG}}, {{o % SG}}u);
    let slope{{o}} = subgroupBroadcast(t{{(O + o) / SG}}, {{(O + o) % SG}}u);
#else
    let b{{o}} = bias[min({{o}}u, p.out_c4 - 1u)];
    let slope{{o}} = bias[p.out_c4 + min({{o}}u, p.out_c4 - 1u)];
#endif
#endfor
#for o in 0..O
    if ({{o}}u < p.out_c4) {
#for j in 0..Q
        store(first + {{j * LANES}}u, {{o}}u, sum{{j}}_{{o}}, b{{o}}, slope{{o}});
#endfor
    }
#endfor
}
