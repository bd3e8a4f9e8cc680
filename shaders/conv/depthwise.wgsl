// Depthwise convolution: every channel has its own filter.
//
//   y[p][c] = epilogue( sum over taps t:  x[p*stride + t - pad][c] * w[t][c] )
//
// Layouts   x, y, residual: packed NHWC   bias: [c4] then slope [c4]   w: [tap][c4]
// Threads   64 in a row; a thread computes OX x OY outputs of 4 channels. K = 3 unrolls a 3x3 kernel with stride S, so that each input
//           is loaded once a thread; K = 0 is any kernel with one output a thread (7x7 global depthwise).
//
//      input window of a thread, K = 3, S = 1, OX x OY = 4 x 2:   6 x 4 loads for 72 multiply-adds of vec4
//
// RES: without, there is no residual to add. lavapipe computes both sides of a branch, so one on `residual` would fetch in vain (a tenth of the time).
// Workgroup memory: none.
#import shared/conv
#import shared/epilogue
#import shared/residual
#import shared/index
#import shared/input

@group(0) @binding(0) var<uniform> p: Params;
#if TEX
@group(0) @binding(2) var w: texture_2d<f32>;
#else
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
#endif
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
#if TEX
@group(0) @binding(4) var residual: texture_2d<f32>;
#else
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
#endif
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;

#if TEX
fn load_w(i: u32) -> vec4<f32> {
    return textureLoad(w, texel(i), 0);
}
#else
fn load_w(i: u32) -> vec4<f32> {
    return w[i];
}
#endif

fn load(n: u32, row: u32, col: u32, c: u32) -> vec4<f32> {
    let inside = row < p.in_h && col < p.in_w;
    let at = select(0u, ((n * p.in_h + row) * p.in_w + col) * p.in_c4, inside);
    return select(vec4<f32>(), load_x(at + c), inside);
}

fn store(n: u32, row: u32, col: u32, c: u32, sum: vec4<f32>, slope: vec4<f32>) {
    if (row < p.out_h && col < p.out_w) {
        let at = ((n * p.out_h + row) * p.out_w + col) * p.out_c4 + c;
        var v = activate(sum, slope, p.lo, p.hi);
#if RES
        if (p.residual != 0u) {
            v += load_residual(at);
        }
#endif
        y[at] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    let tiles_x = (p.out_w + {{OX - 1}}u) / {{OX}}u;
    let tiles_y = (p.out_h + {{OY - 1}}u) / {{OY}}u;
    let c = i % p.out_c4;
    let tile = pixel_of(i / p.out_c4, tiles_y, tiles_x);
    if (tile.n * p.out_h * p.out_w >= p.pixels) {
        return;
    }
    let oy = tile.y * {{OY}}u;
    let ox = tile.x * {{OX}}u;
    let top = oy * p.stride_h - p.pad_h;
    let left = ox * p.stride_w - p.pad_w;
    let b = bias[c];
    let slope = bias[p.out_c4 + c];
#for j in 0..OY
#for i in 0..OX
    var sum{{j}}_{{i}} = b;
#endfor
#endfor
#if K == 3
#for k in 0..9
    let w{{k / 3}}_{{k % 3}} = load_w({{k}}u * p.out_c4 + c);
#endfor
    // Places outside wrap around and are masked; the address of a row and the offset of a column are found once.
#for q in 0..(OX - 1) * S + 3
    let inside_col{{q}} = left + {{q}}u < p.in_w;
    let at_col{{q}} = (left + {{q}}u) * p.in_c4 + c;
#endfor
#for r in 0..(OY - 1) * S + 3
    let inside_row{{r}} = top + {{r}}u < p.in_h;
    let at_row{{r}} = (tile.n * p.in_h + top + {{r}}u) * p.in_w * p.in_c4;
#for q in 0..(OX - 1) * S + 3
    let inside{{r}}_{{q}} = inside_row{{r}} && inside_col{{q}};
    let v{{r}}_{{q}} = select(vec4<f32>(), load_x(select(0u, at_row{{r}} + at_col{{q}}, inside{{r}}_{{q}})), inside{{r}}_{{q}});
#for j in 0..OY
#for i in 0..OX
#if r >= j * S && r < j * S + 3 && q >= i * S && q < i * S + 3
    sum{{j}}_{{i}} += v{{r}}_{{q}} * w{{r - j * S}}_{{q - i * S}};
#endif
#endfor
#endfor
#endfor
#endfor
#else
    // As in conv/subgroup_gemm, loops end behind their rounds.
    var ky = 0u;
    loop {
        var kx = 0u;
        loop {
            sum0_0 += load(tile.n, top + ky * p.dilation_h, left + kx * p.dilation_w, c) * load_w((ky * p.kernel_w + kx) * p.out_c4 + c);
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
#endif
#for j in 0..OY
#for i in 0..OX
    store(tile.n, oy + {{j}}u, ox + {{i}}u, c, sum{{j}}_{{i}}, slope);
#endfor
#endfor
}
