// Locally connected layer: a convolution whose filters differ by place (DeepFace L4-L6), or by tile of places (DeepID conv3).
//
//   y[n][p][o] = epilogue( sum over taps t, channels c:  x[n][p*stride + t - pad][c] * w[tile(p)][o][t][c] )
//
// Layouts   x, y, residual: packed NHWC   w: [tile][tap][c4][4 k][o4] vec4 of 4 outputs (F16: halves, [2][o4])   bias: [tile][o4]   slope: [o4]
// Threads   64 in a row over (place, o4), o4 fastest; a thread sums IMAGES pictures, so that a weight is read once for IMAGES of them
//           (the layer is bound by its weights). Workgroup memory: none.   TEX: x, w and residual are textures (shared/texel)
// Grid: (threads folded to x, y; picture groups in z). Weights beyond one binding: block0 is the first tile that is bound, and a
// dispatch covers `places` places from the first place of that tile row.
#import shared/conv
#import shared/epilogue
#import shared/residual
#import shared/operands
#import shared/index

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> slope: array<vec4<f32>>;
#if TEX
@group(0) @binding(5) var residual: texture_2d<f32>;
#else
@group(0) @binding(5) var<storage, read> residual: array<vec4<f32>>;
#endif
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;

fn store(n: u32, place: u32, block: u32, sum: vec4<f32>, s: vec4<f32>) {
    let pixel = n * p.out_h * p.out_w + place;
    if (pixel < p.pixels) {
        let at = pixel * p.out_c4 + block;
        var v = activate(sum, s, p.lo, p.hi);
        if (p.residual != 0u) {
            v += load_residual(at);
        }
        y[at] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    let block = i % p.out_c4;
    let tiles_w = (p.out_w + p.tile_w - 1u) / p.tile_w;
    let place = i / p.out_c4 + p.block0 / tiles_w * p.tile_h * p.out_w;
    if (i / p.out_c4 >= p.places) {
        return;
    }
    let oy = place / p.out_w;
    let ox = place % p.out_w;
    let tile = oy / p.tile_h * tiles_w + ox / p.tile_w;
    let pictures = p.pixels / (p.out_h * p.out_w);
    let first = group.z * {{IMAGES}}u;
#for n in 0..IMAGES
    let n{{n}} = min(first + {{n}}u, pictures - 1u) * p.in_h * p.in_w;
    var sum{{n}} = bias[tile * p.out_c4 + block];
#endfor
    var wi = (tile - p.block0) * p.kernel_h * p.kernel_w * p.in_c4 * p.out_c4 * {{4 / (1 + F16)}}u + block;
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
            let row = oy * p.stride_h + ky * p.dilation_h - p.pad_h;
            let col = ox * p.stride_w + kx * p.dilation_w - p.pad_w;
            if (row < p.in_h && col < p.in_w) {
                let at = row * p.in_w + col;
                for (var c = 0u; c < p.in_c4; c++) {
                    let k = wi + c * p.out_c4 * {{4 / (1 + F16)}}u;
#if F16
                    let h0 = load_w(k);
                    let h1 = load_w(k + p.out_c4);
                    let k0 = halves(h0.x, h0.y);
                    let k1 = halves(h0.z, h0.w);
                    let k2 = halves(h1.x, h1.y);
                    let k3 = halves(h1.z, h1.w);
#else
                    let k0 = load_w(k);
                    let k1 = load_w(k + p.out_c4);
                    let k2 = load_w(k + 2u * p.out_c4);
                    let k3 = load_w(k + 3u * p.out_c4);
#endif
#for n in 0..IMAGES
                    let v{{n}} = load_x((n{{n}} + at) * p.in_c4 + c);
                    sum{{n}} += v{{n}}.x * k0;
                    sum{{n}} += v{{n}}.y * k1;
                    sum{{n}} += v{{n}}.z * k2;
                    sum{{n}} += v{{n}}.w * k3;
#endfor
                }
            }
            wi += p.in_c4 * p.out_c4 * {{4 / (1 + F16)}}u;
        }
    }
    let s = slope[block];
#for n in 0..IMAGES
    store(first + {{n}}u, place, block, sum{{n}}, s);
#endfor
}
