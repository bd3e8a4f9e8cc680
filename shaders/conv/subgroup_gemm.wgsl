// Convolution as an implicit matrix product by subgroup broadcast; also 1x1 convolutions, linear layers and the batched product of Winograd.
//
//   y[p][o] = epilogue( sum over taps t, channels c:  x[p*stride + t - pad][c] * w[o][t][c] )
//
// Layouts   x, y, residual: packed NHWC   bias: [o4] then slope [o4]   w: [block][tap][c4][4 k][lane] vec4 of 4 outputs   (F16: [2][lane] of 2 k x 4 halves)
// Threads   one subgroup = one workgroup; P pixels (32, 28 or 16) x 4*SG output channels
//
//              lane 0   lane 1  ...  lane SG-1        every lane: 4 output channels, P sums in named registers
//   pixel 0   [ o0..3 | o4..7  |    |         ]       inputs: lane l loads pixel l, l+SG, ... (coalesced), and the subgroup
//   pixel 1   [       |        |    |         ]       replays them by subgroupBroadcast with a constant lane
//
// One vec4 load is used for 4*P multiply-adds, which is what counts where a load costs 30 of them (software Vulkan).
// TEX: x and w are textures (shared/texel).
// Workgroup memory: none. Limits: subgroup size is exactly SG; loops stay below 65535 rounds.
// Grid: (pixel tiles, output blocks, planes). Planes are products of their own, or slices of the channels of one (conv/slices adds them).
#import shared/conv
#import shared/epilogue
#import shared/residual
#import shared/operands

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
#if TEX
@group(0) @binding(4) var residual: texture_2d<f32>;
#else
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
#endif
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;

fn store(pixel: u32, block: u32, plane: u32, sum: vec4<f32>, b: vec4<f32>, slope: vec4<f32>) {
    if (pixel < p.pixels) {
        let at = plane + pixel * p.out_c4 + block;
        var v = activate(sum + b, slope, p.lo, p.hi);
        if (p.residual != 0u) {
            v += load_residual(at);
        }
        y[plane + pixel * p.y_row + p.y_first + block] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
    }
}

@compute @workgroup_size({{SG}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group.x * {{P}}u;
    let x_plane = group.z * p.x_plane;
    let in_c4 = min(p.in_c4, p.x_row - group.z * p.slice_c4);
    // The top left input cell of each of this lane's pixels; may lie outside (wraps, and is masked).
#for j in 0..Q
    let o{{j}} = pixel_of(min(first + {{j * SG}}u + lane, p.pixels - 1u), p.out_h, p.out_w);
    let n{{j}} = o{{j}}.n * p.in_h;
    let top{{j}} = o{{j}}.y * p.stride_h - p.pad_h;
    let left{{j}} = o{{j}}.x * p.stride_w - p.pad_w;
#endfor
#for i in 0..P
    var sum{{i}} = vec4<f32>();
#endfor
#if F16
    var wi = group.z * p.w_plane + group.y * (p.kernel_h * p.kernel_w * p.x_row * {{2 * SG}}u) + lane;
#else
    var wi = group.z * p.w_plane + group.y * (p.kernel_h * p.kernel_w * p.x_row * {{4 * SG}}u) + lane;
#endif
    // Every loop has a round at least, and ends behind it: lavapipe goes through a loop that ends before a round once more, with all lanes masked.
    var ky = 0u;
    loop {
        var kx = 0u;
        loop {
#for j in 0..Q
            let row{{j}} = top{{j}} + ky * p.dilation_h;
            let col{{j}} = left{{j}} + kx * p.dilation_w;
            let inside{{j}} = row{{j}} < p.in_h && col{{j}} < p.in_w;
            let at{{j}} = x_plane + select(0u, ((n{{j}} + row{{j}}) * p.in_w + col{{j}}) * p.x_row, inside{{j}});
#endfor
            var c = 0u;
            loop {
#for j in 0..Q
                let a{{j}} = select(vec4<f32>(), load_x(at{{j}} + c), inside{{j}});
#endfor
#if F16
                let h0 = load_w(wi);
                let h1 = load_w(wi + {{SG}}u);
                let k0 = halves(h0.x, h0.y);
                let k1 = halves(h0.z, h0.w);
                let k2 = halves(h1.x, h1.y);
                let k3 = halves(h1.z, h1.w);
                wi += {{2 * SG}}u;
#else
                let k0 = load_w(wi);
                let k1 = load_w(wi + {{SG}}u);
                let k2 = load_w(wi + {{2 * SG}}u);
                let k3 = load_w(wi + {{3 * SG}}u);
                wi += {{4 * SG}}u;
#endif
#for i in 0..P
                let v{{i}} = subgroupBroadcast(a{{i / SG}}, {{i % SG}}u);
                sum{{i}} += v{{i}}.x * k0;
                sum{{i}} += v{{i}}.y * k1;
                sum{{i}} += v{{i}}.z * k2;
                sum{{i}} += v{{i}}.w * k3;
#endfor
                continuing {
                    c++;
                    break if c >= in_c4;
                }
            }
#if F16
            wi += (p.x_row - in_c4) * {{2 * SG}}u;
#else
            wi += (p.x_row - in_c4) * {{4 * SG}}u;
#endif
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
    let block = p.block0 * {{SG}}u + group.y * {{SG}}u + lane;
    if (block >= p.out_c4) {
        return;
    }
    let b = bias[block];
    let slope = bias[p.out_c4 + block];
    let y_plane = group.z * p.y_plane;
#for i in 0..P
    store(first + {{i}}u, block, y_plane, sum{{i}}, b, slope);
#endfor
}
