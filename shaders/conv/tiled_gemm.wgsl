// Convolution as an implicit matrix product through workgroup memory; also 1x1 convolutions, linear layers and Winograd's product.
//
//   y[p][o] = epilogue( sum over taps t, channels c:  x[p*stride + t - pad][c] * w[o][t][c] )
//
// Layouts   x, y, residual: packed NHWC   bias: [o4] then slope [o4]   w: [block][tap][c4][4 k][16 lanes] vec4 of 4 outputs (F16: halves, [2][16])
// Threads   256 = 16 x 16; tile = 16*PX pixels x 64 output channels x 16 input channels; a thread sums PX pixels x 4 channels
//
//            tx: 16 lanes of 4 channels
//      ty 0 [ PX pixels x 4 ch | ... ]      per step of 16 channels: A (16*PX pixels x 4 vec4) and B (16 k x 16 vec4) are staged,
//      ty 1 [                  | ... ]      then 4 rounds of 4 k each: PX vec4 of A, 4 vec4 of B, 16*PX multiply-adds
//      ...
//
// DOUBLE: two of each tile. While one is multiplied, the loads for the other are under way, and a step needs one barrier instead of two.
//
// Workgroup memory: (64*PX + 256) * 16 bytes = 8 KiB for PX = 4, 12 KiB for PX = 8; twice that with DOUBLE, for which PX is at most 4: no more than
// 16 KiB are certain.
// Grid: (pixel tiles, output blocks of 64, planes). Planes are products of their own, or slices of the channels of one (conv/slices adds them).
#import shared/conv
#import shared/epilogue
#import shared/operands

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> tile_x: array<vec4<f32>, {{64 * PX * (1 + DOUBLE)}}>; // [c4][pixel]
var<workgroup> tile_w: array<vec4<f32>, {{256 * (1 + DOUBLE)}}>; // [k][lane]

// One for each pixel of a thread.
struct Sums {
#for i in 0..PX
    s{{i}}: vec4<f32>,
#endfor
}

// Adds the products of the tiles number `tile`.
fn multiply(sums: ptr<function, Sums>, tile: u32, tx: u32, ty: u32) {
    let from_x = tile * {{64 * PX}}u + ty * {{PX}}u;
    let from_w = tile * 256u + tx;
#for q in 0..4
    {
#for k in 0..4
        let k{{k}} = tile_w[from_w + {{(4 * q + k) * 16}}u];
#endfor
#for i in 0..PX
        let v{{i}} = tile_x[from_x + {{q * 16 * PX + i}}u];
        (*sums).s{{i}} += v{{i}}.x * k0;
        (*sums).s{{i}} += v{{i}}.y * k1;
        (*sums).s{{i}} += v{{i}}.z * k2;
        (*sums).s{{i}} += v{{i}}.w * k3;
#endfor
    }
#endfor
}

fn store(pixel: u32, block: u32, plane: u32, sum: vec4<f32>, b: vec4<f32>, slope: vec4<f32>) {
    if (pixel < p.pixels) {
        let at = plane + pixel * p.out_c4 + block;
        var v = activate(sum + b, slope, p.lo, p.hi);
        if (p.residual != 0u) {
            v += residual[at];
        }
        y[plane + pixel * p.y_row + p.y_first + block] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let tx = local % 16u;
    let ty = local / 16u;
    let first = group.x * {{16 * PX}}u;
    let x_plane = group.z * p.x_plane;
    let in_c4 = min(p.in_c4, p.x_row - group.z * p.slice_c4);
    let steps = (in_c4 + 3u) / 4u;
    // Staging: thread = (pixel = local/4 + 64*j, vec4 = local%4), so that four threads read 64 contiguous bytes.
    let load_c4 = local % 4u;
#for j in 0..(PX + 3) / 4
    let o{{j}} = pixel_of(min(first + {{64 * j}}u + local / 4u, p.pixels - 1u), p.out_h, p.out_w);
    let top{{j}} = o{{j}}.y * p.stride_h - p.pad_h;
    let left{{j}} = o{{j}}.x * p.stride_w - p.pad_w;
#endfor
    var sums = Sums();
#if DOUBLE
    // The tile that is filled next; whether the other one is full.
    var next = 0u;
    var full = false;
#endif
    let taps = p.kernel_h * p.kernel_w;
    let w_block = group.z * p.w_plane + group.y * (taps * p.x_row * {{64 / (1 + F16)}}u);
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
#for j in 0..(PX + 3) / 4
            let row{{j}} = top{{j}} + ky * p.dilation_h;
            let col{{j}} = left{{j}} + kx * p.dilation_w;
            let inside{{j}} = row{{j}} < p.in_h && col{{j}} < p.in_w;
            let at{{j}} = x_plane + select(0u, ((o{{j}}.n * p.in_h + row{{j}}) * p.in_w + col{{j}}) * p.x_row, inside{{j}});
#endfor
            let w_tap = w_block + (ky * p.kernel_w + kx) * p.x_row * {{64 / (1 + F16)}}u;
            for (var step = 0u; step < steps; step++) {
                let c = step * 4u + load_c4;
#for j in 0..(PX + 3) / 4
#if PX >= 4
                let x{{j}} = select(vec4<f32>(), x[at{{j}} + c], inside{{j}} && c < in_c4);
#else
                var x{{j}} = vec4<f32>();
                if (local / 4u < {{16 * PX}}u) {
                    x{{j}} = select(vec4<f32>(), x[at{{j}} + c], inside{{j}} && c < in_c4);
                }
#endif
#endfor
                // Thread = (k = local/16, lane = local%16); beyond the last channel the weight may be anything, x is 0 there but must stay finite.
                let k = local / 16u;
                let wc = step * 4u + k / 4u;
#if F16
                let half = w[w_tap + (min(wc, in_c4 - 1u) * 2u + (k % 4u) / 2u) * 16u + tx];
                let pair = select(half.xy, half.zw, k % 2u == 1u);
                let value = vec4<f32>(unpack2x16float(pair.x), unpack2x16float(pair.y));
#else
                let value = w[w_tap + (min(wc, in_c4 - 1u) * 4u + k % 4u) * 16u + tx];
#endif
#if DOUBLE
                if (full) {
                    multiply(&sums, 1u - next, tx, ty);
                }
                let tile = next;
#else
                let tile = 0u;
#endif
                let to_x = tile * {{64 * PX}}u + load_c4 * {{16 * PX}}u + local / 4u;
#for j in 0..(PX + 3) / 4
#if PX >= 4
                tile_x[to_x + {{64 * j}}u] = x{{j}};
#else
                if (local / 4u < {{16 * PX}}u) {
                    tile_x[to_x] = x{{j}};
                }
#endif
#endfor
                tile_w[tile * 256u + local] = select(vec4<f32>(), value, wc < in_c4);
                workgroupBarrier();
#if DOUBLE
                next = 1u - next;
                full = true;
#else
                multiply(&sums, 0u, tx, ty);
                workgroupBarrier();
#endif
            }
        }
    }
#if DOUBLE
    multiply(&sums, 1u - next, tx, ty);
#endif
    let block = p.block0 * 16u + group.y * 16u + tx;
    if (block >= p.out_c4) {
        return;
    }
    let b = bias[block];
    let slope = bias[p.out_c4 + block];
    let y_plane = group.z * p.y_plane;
#for i in 0..PX
    store(first + ty * {{PX}}u + {{i}}u, block, y_plane, sums.s{{i}}, b, slope);
#endfor
}
