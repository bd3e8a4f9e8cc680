// The input transform of Winograd F(MxM, 3x3), stride 1:   V = B^T d B   for every (M+2)x(M+2) tile d and channel.
//
// An optional per-channel affine is applied to cells inside the picture, before the zero padding (a batch norm in front of a padded convolution).
//
// Layouts   x: packed NHWC   affine: scale [c4] then shift [c4]   v: [(M+2)^2 planes][tile][c4]
// Threads   64 in a row over (tile, c4), c4 fastest; one tile of 4 channels a thread, all in registers. Workgroup memory: none.
#import shared/winograd
#import shared/index
#import shared/input

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.tiles * p.c4) {
        return;
    }
    let c = i % p.c4;
    let tile = tile_of(i / p.c4, p.tiles_h, p.tiles_w);
    let top = tile.y * {{M}}u - p.pad_h;
    let left = tile.x * {{M}}u - p.pad_w;
    var scale = vec4<f32>(1.0);
    var shift = vec4<f32>();
    if (p.affine != 0u) {
        scale = affine[c];
        shift = affine[p.c4 + c];
    }
    // Places outside wrap around and are masked; the address of a row and the offset of a column are found once.
#for r in 0..M + 2
    let inside_row{{r}} = top + {{r}}u < p.in_h;
    let at_row{{r}} = (tile.n * p.in_h + top + {{r}}u) * p.in_w * p.c4;
#endfor
#for q in 0..M + 2
    let inside_col{{q}} = left + {{q}}u < p.in_w;
    let at_col{{q}} = (left + {{q}}u) * p.c4 + c;
#for r in 0..M + 2
    let inside{{r}}_{{q}} = inside_row{{r}} && inside_col{{q}};
    let d{{r}}_{{q}} = load_x(select(0u, at_row{{r}} + at_col{{q}}, inside{{r}}_{{q}})) * scale + shift;
#endfor
    let column{{q}} = input_line(Line(
#for r in 0..M + 2
        select(vec4<f32>(), d{{r}}_{{q}}, inside{{r}}_{{q}}),
#endfor
    ));
#endfor
    let plane = p.tiles * p.c4;
#for r in 0..M + 2
    {
        let row = input_line(Line(
#for q in 0..M + 2
            column{{q}}.d{{r}},
#endfor
        ));
#for q in 0..M + 2
        v[{{r * (M + 2) + q}}u * plane + i] = row.d{{q}};
#endfor
    }
#endfor
}
