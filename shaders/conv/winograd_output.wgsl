// The output transform of Winograd F(MxM, 3x3):   Y = A^T m A   for every tile, then the epilogue.
//
// POOL: of every 2x2 outputs only the largest number is stored, the maximum pooling that follows: y is the pooled map. A tile holds whole windows.
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

// The output at a pixel.
fn finish(pixel: u32, c: u32, sum: vec4<f32>, b: vec4<f32>, slope: vec4<f32>) -> vec4<f32> {
    var v = activate(sum + b, slope, p.lo, p.hi);
    if (p.residual != 0u) {
        v += load_residual(pixel * p.c4 + c);
    }
    return clamp(v, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
}

#if POOL
// The sums of a window, row by row.
struct Window {
#for i in 0..4
    d{{i}}: vec4<f32>,
#endfor
}

// `row` and `col` are even, and there are at most as many windows as begin inside the map. The last ones may end outside.
fn store(n: u32, row: u32, col: u32, c: u32, sums: Window, b: vec4<f32>, slope: vec4<f32>) {
    if (row / 2u < p.pooled_h && col / 2u < p.pooled_w) {
        let first = (n * p.out_h + row) * p.out_w + col;
        var largest = finish(first, c, sums.d0, b, slope);
#for i in 1..4
        {
            let inside = row + {{i / 2}}u < p.out_h && col + {{i % 2}}u < p.out_w;
            let pixel = select(first, first + {{i / 2}}u * p.out_w + {{i % 2}}u, inside);
            largest = select(largest, max(largest, finish(pixel, c, sums.d{{i}}, b, slope)), inside);
        }
#endfor
        y[((n * p.pooled_h + row / 2u) * p.pooled_w + col / 2u) * p.y_row + p.y_first + c] = largest;
    }
}
#else
fn store(n: u32, row: u32, col: u32, c: u32, sum: vec4<f32>, b: vec4<f32>, slope: vec4<f32>) {
    if (row < p.out_h && col < p.out_w) {
        let pixel = (n * p.out_h + row) * p.out_w + col;
        y[pixel * p.y_row + p.y_first + c] = finish(pixel, c, sum, b, slope);
    }
}
#endif

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
#if POOL
#for r in 0..M / 2
    {
#for k in 0..2
        let row{{k}} = output_line(Line(
#for q in 0..M + 2
            column{{q}}.d{{2 * r + k}},
#endfor
        ));
#endfor
#for q in 0..M / 2
        store(tile.n, oy + {{2 * r}}u, ox + {{2 * q}}u, c, Window(
#for k in 0..2
            row{{k}}.d{{2 * q}}, row{{k}}.d{{2 * q + 1}},
#endfor
        ), b, slope);
#endfor
    }
#endfor
#else
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
#endif
}
