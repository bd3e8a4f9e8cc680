// Convolution as an implicit matrix product on cooperative matrices (tensor cores): what conv/tiled_gemm computes, of weights and
// activations rounded to halves, summed in f32.
//
//   y[p][o] = epilogue( sum over taps t, channels c:  half(x[p*stride + t - pad][c]) * w[o][t][c] )
//
// Layouts   x, y, residual: packed NHWC   bias: [o4] then slope [o4]   w: [block][tap][c4][2][16 lanes] 2 k x 4 outputs as halves: tiled_gemm's
// Threads   4 subgroups of SG; tile = 64 pixels x 64 output channels x 16 input channels; a subgroup sums 32 x 32 in matrices of M x M
//
//              64 channels
//            0 [ sub 0 | sub 1 ]      per step of 16 channels: A (64 pixels x 16 k) and B (16 k x 64) are staged as halves, row by row,
//     pixels   [-------+-------]      then 16 / M rounds of (32 / M)^2 products a subgroup.
//           64 [ sub 2 | sub 3 ]      C has no elements a thread could reach: it goes through workgroup memory, 16 pixel rows of each
//                                     subgroup at a time, and from there each thread finishes and stores vec4s.
//
// Workgroup memory: 64 * 24 * 2 + 16 * 72 * 2 + 32 * 68 * 4 = 14,080 bytes; rows are padded by 16 bytes, so that they spread over banks
// and begin at multiples of 16 bytes.
// Grid: (pixel tiles, output blocks of 64, planes). Planes are products of their own, or slices of the channels of one (conv/slices adds them).
// Assumes subgroups of SG invocations; gpu/coop.rs compares it with tiled_gemm before anything relies on that.
enable f16;
enable wgpu_cooperative_matrix;
#import shared/conv
#import shared/epilogue
#import shared/operands

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> tile_x: array<f16, {{64 * 24}}>; // [pixel][16 k], rows of 24
var<workgroup> tile_w: array<f16, {{16 * 72}}>; // [k][64 channels], rows of 72
var<workgroup> tile_y: array<f32, {{32 * 68}}>; // [16 pixels of each half][64 channels], rows of 68

fn stage_x(at: u32, v: vec4<f32>) {
    tile_x[at] = f16(v.x);
    tile_x[at + 1u] = f16(v.y);
    tile_x[at + 2u] = f16(v.z);
    tile_x[at + 3u] = f16(v.w);
}

fn stage_w(at: u32, v: vec4<f32>) {
    tile_w[at] = f16(v.x);
    tile_w[at + 1u] = f16(v.y);
    tile_w[at + 2u] = f16(v.z);
    tile_w[at + 3u] = f16(v.w);
}

// Finishes four channels of row `row` of tile_y.
fn store(row: u32, lane: u32, pixel: u32, block: u32, plane: u32) {
    if (pixel < p.pixels && block < p.out_c4) {
        let at = row * 68u + lane * 4u;
        let sum = vec4<f32>(tile_y[at], tile_y[at + 1u], tile_y[at + 2u], tile_y[at + 3u]);
        var v = activate(sum + bias[block], bias[p.out_c4 + block], p.lo, p.hi);
        if (p.residual != 0u) {
            v += residual[plane + pixel * p.out_c4 + block];
        }
        y[plane + pixel * p.y_row + p.y_first + block] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
    }
}

@compute @workgroup_size({{4 * SG}})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32, @builtin(subgroup_id) subgroup: u32) {
    let first = group.x * 64u;
    let x_plane = group.z * p.x_plane;
    let in_c4 = min(p.in_c4, p.x_row - group.z * p.slice_c4);
    let steps = (in_c4 + 3u) / 4u;
    // A subgroup beyond the four that are assumed stays inside the tiles.
    let rows = min(subgroup, 3u) / 2u;
    let columns = min(subgroup, 3u) % 2u * 32u;
    // Staging A: thread = (pixel = local/4 + SG*j, vec4 = local%4), so that four threads read 64 contiguous bytes.
    let load_c4 = local % 4u;
#for j in 0..64 / SG
    let o{{j}} = pixel_of(min(first + {{SG * j}}u + local / 4u, p.pixels - 1u), p.out_h, p.out_w);
    let top{{j}} = o{{j}}.y * p.stride_h - p.pad_h;
    let left{{j}} = o{{j}}.x * p.stride_w - p.pad_w;
#endfor
#for i in 0..32 / M
#for j in 0..32 / M
    var sum{{i}}_{{j}} = coop_mat{{M}}x{{M}}<f32, C>();
#endfor
#endfor
    let taps = p.kernel_h * p.kernel_w;
    let w_block = group.z * p.w_plane + group.y * (taps * p.x_row * 32u);
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
#for j in 0..64 / SG
            let row{{j}} = top{{j}} + ky * p.dilation_h;
            let col{{j}} = left{{j}} + kx * p.dilation_w;
            let inside{{j}} = row{{j}} < p.in_h && col{{j}} < p.in_w;
            let at{{j}} = x_plane + select(0u, ((o{{j}}.n * p.in_h + row{{j}}) * p.in_w + col{{j}}) * p.x_row, inside{{j}});
#endfor
            let w_tap = w_block + (ky * p.kernel_w + kx) * p.x_row * 32u;
            for (var step = 0u; step < steps; step++) {
                let c = step * 4u + load_c4;
#for j in 0..64 / SG
                stage_x(({{SG * j}}u + local / 4u) * 24u + load_c4 * 4u, select(vec4<f32>(), x[at{{j}} + c], inside{{j}} && c < in_c4));
#endfor
                // Staging B: 8 pairs of k x 16 lanes; beyond the last channel the weight may be anything, NaN among it.
#for j in 0..(32 + SG - 1) / SG
                {
                    let pair = local / 16u + {{j * SG / 4}}u;
                    let lane = local % 16u;
                    let wc = step * 4u + pair / 2u;
                    if (pair < 8u) {
                        let half = w[w_tap + (min(wc, in_c4 - 1u) * 2u + pair % 2u) * 16u + lane];
                        let known = wc < in_c4;
                        stage_w(pair * 144u + lane * 4u, select(vec4<f32>(), halves(half.x, half.y), known));
                        stage_w(pair * 144u + 72u + lane * 4u, select(vec4<f32>(), halves(half.z, half.w), known));
                    }
                }
#endfor
                workgroupBarrier();
#for k in 0..16 / M
                {
#for i in 0..32 / M
                    let a{{i}} = coopLoadT<coop_mat{{M}}x{{M}}<f16, A>>(&tile_x[(rows * 32u + {{i * M}}u) * 24u + {{k * M}}u], 24u);
#endfor
#for j in 0..32 / M
                    let b{{j}} = coopLoadT<coop_mat{{M}}x{{M}}<f16, B>>(&tile_w[{{k * M * 72 + j * M}}u + columns], 72u);
#for i in 0..32 / M
                    sum{{i}}_{{j}} = coopMultiplyAdd(a{{i}}, b{{j}}, sum{{i}}_{{j}});
#endfor
#endfor
                }
#endfor
                workgroupBarrier();
            }
        }
    }
    let y_plane = group.z * p.y_plane;
    let lane = local % 16u;
    let block = (p.block0 + group.y) * 16u + lane;
#for r in 0..2
    // Rows r * 16 .. of each subgroup's 32.
#for i in 0..16 / M
#for j in 0..32 / M
    coopStoreT(sum{{r * 16 / M + i}}_{{j}}, &tile_y[(rows * 16u + {{i * M}}u) * 68u + {{j * M}}u + columns], 68u);
#endfor
#endfor
    workgroupBarrier();
#for j in 0..128 / SG
    {
        let row = local / 16u + {{j * SG / 4}}u;
        store(row, lane, first + row / 16u * 32u + {{r * 16}}u + row % 16u, block, y_plane);
    }
#endfor
#if r == 0
    workgroupBarrier();
#endif
#endfor
}
