// The output transform of Winograd F(MxM, 3x3):   Y = A^T m A   for every tile, then the epilogue.
//
// Layouts   m: [(M+2)^2 planes][tile][o4]   bias: [o4] then slope [o4]   y, residual: packed NHWC
// Threads   64 in a row over (tile, o4), o4 fastest; one tile of 4 channels a thread. Workgroup memory: none.
#import shared/winograd
#import shared/epilogue
#import shared/residual
#import shared/index
#import shared/texel

@group(0) @binding(0) var<uniform> p: Params;
#if TEX
@group(0) @binding(1) var m: texture_2d<f32>;
#else
@group(0) @binding(1) var<storage, read> m: array<vec4<f32>>;
#endif
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
#if TEX
@group(0) @binding(3) var residual: texture_2d<f32>;
#else
@group(0) @binding(3) var<storage, read> residual: array<vec4<f32>>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

#if TEX
fn load_m(i: u32) -> vec4<f32> {
    return textureLoad(m, texel(i), 0);
}
#else
fn load_m(i: u32) -> vec4<f32> {
    return m[i];
}
#endif

fn store(n: u32, row: u32, col: u32, c: u32, sum: vec4<f32>, b: vec4<f32>, slope: vec4<f32>) {
    if (row < p.out_h && col < p.out_w) {
        let pixel = (n * p.out_h + row) * p.out_w + col;
        var v = activate(sum + b, slope, p.lo, p.hi);
        if (p.residual != 0u) {
            v += load_residual(pixel * p.c4 + c);
        }
        y[pixel * p.y_row + p.y_first + c] = clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.tiles * p.c4) {
        return;
    }
    let c = i % p.c4;
    let tile = tile_of(i / p.c4, p.tiles_h, p.tiles_w);
    let plane = p.tiles * p.c4;
#for q in 0..M + 2
    let column{{q}} = output_line(Line(
#for r in 0..M + 2
        load_m({{r * (M + 2) + q}}u * plane + i),
#endfor
    ));
#endfor
    let b = bias[c];
    let slope = bias[p.c4 + c];
    let oy = tile.y * {{M}}u;
    let ox = tile.x * {{M}}u;
#for r in 0..M
    {
        let row = output_line(Line(
#for q in 0..M + 2
            column{{q}}.d{{r}},
#endfor
        ));
#for q in 0..M
        store(tile.n, oy + {{r}}u, ox + {{q}}u, c, row.d{{q}}, b, slope);
#endfor
    }
#endfor
}
