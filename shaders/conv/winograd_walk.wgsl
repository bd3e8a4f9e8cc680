// The output transform of one Winograd convolution F(MxM, 3x3) and the input transform of the next one, for software adapters, where workgroup
// memory is as slow as any other. An invocation walks over a picture's tiles for one vec4 of channels, row by row, and transforms each once.
//
//   m ── A^T m A, epilogue ──▶ a tile of the map (registers; y, if something else needs it) ── affine, zero padding, B^T d B ──▶ v
//
// An input tile is an output tile and a border of one pixel. With d0 and d5 the border (M = 4), all of B^T d but its last line is known without
// d5, and of that line all but a term. So of the row of tiles above two numbers are kept for every column of pixels, and of the tile to the left
// two for every line:
//
//     above, left    the last row (column) of pixels, d0 of the tile below (to the right)
//     under, open    the last line without its d5, which the tile below (to the right) closes
//
// Those of the row above move up by a tile with every tile, so that the ones wanted are always the first: moving registers costs less than
// private arrays do, which the driver loads and stores number by number and takes seconds to compile.
//
// Layouts   m, v: [(M+2)^2 planes][tile][c4]   bias: [c4] then slope [c4]   affine: scale [c4] then shift [c4]   y, residual: packed NHWC
// Threads   8 in a row over (picture, c4), c4 fastest. Workgroup memory: none.
// Assumes   at most TILES tiles in a row.
#import shared/winograd_between

fn load_m(i: u32) -> vec4<f32> {
    return textureLoad(m, texel(i), 0);
}

// The last line of a transform from what it is without its last term.
fn close(open: vec4<f32>, last: vec4<f32>) -> vec4<f32> {
#if M == 2
    return open - last;
#else
    return open + last;
#endif
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 8u, local);
    if (i >= p.pictures * p.c4) {
        return;
    }
    let c = i % p.c4;
    let n = i / p.c4;
    let own = channel(c);
    let plane = p.tiles * p.c4;
    let count = p.tiles_h * p.tiles_w;
    // The vec4 of this tile in a plane, and how far before it that of the tile above is.
    var at = n * count * p.c4 + c;
    let row_of_tiles = p.tiles_w * p.c4;
#for k in 0..TILES
#for q in 0..M
    var above{{k}}_{{q}} = vec4<f32>();
    var under{{k}}_{{q}} = vec4<f32>();
#endfor
#endfor
#for k in 0..TILES
    let last{{k}} = p.tiles_w == {{k + 1}}u;
#endfor
#for a in 0..M + 2
    var left{{a}} = vec4<f32>();
    var open{{a}} = vec4<f32>();
#endfor
    var tile = 0u;
    var ty = 0u;
    var tx = 0u;
    // Ends at the bottom: software adapters run a body once more, for nothing, where a loop ends at its top.
    loop {
#for q in 0..M + 2
        let sums{{q}} = output_line(Line(
#for r in 0..M + 2
            load_m({{r * (M + 2) + q}}u * plane + at),
#endfor
        ));
#endfor
#for r in 0..M
        let y{{r}} = ty * {{M}}u + {{r}}u;
        let row{{r}} = output_line(Line(
#for q in 0..M + 2
            sums{{q}}.d{{r}},
#endfor
        ));
#endfor
#for q in 0..M
        let x{{q}} = tx * {{M}}u + {{q}}u;
#for r in 0..M
        let inside{{r}}_{{q}} = y{{r}} < p.h && x{{q}} < p.w;
        let value{{r}}_{{q}} = between(row{{r}}.d{{q}}, ((n * p.h + y{{r}}) * p.w + x{{q}}) * p.c4 + c, own, inside{{r}}_{{q}});
        let d{{r + 1}}_{{q}} = select(vec4<f32>(), value{{r}}_{{q}}, inside{{r}}_{{q}});
#endfor
        let column{{q}} = input_line(Line(
            above0_{{q}},
#for r in 0..M
            d{{r + 1}}_{{q}},
#endfor
            vec4<f32>(),
        ));
        let closed{{q}} = close(under0_{{q}}, d1_{{q}});
#for k in 0..TILES - 1
        above{{k}}_{{q}} = select(above{{k + 1}}_{{q}}, d{{M}}_{{q}}, last{{k}});
        under{{k}}_{{q}} = select(under{{k + 1}}_{{q}}, column{{q}}.d{{M + 1}}, last{{k}});
#endfor
        above{{TILES - 1}}_{{q}} = d{{M}}_{{q}};
        under{{TILES - 1}}_{{q}} = column{{q}}.d{{M + 1}};
#endfor
        // Lines 0 to M of this tile, and the last line of the one above.
        let begins = tx == 0u;
#for a in 0..M + 2
#if a <= M
        let is_there{{a}} = true;
        let to{{a}} = at;
#else
        let is_there{{a}} = ty > 0u;
        let to{{a}} = at - row_of_tiles;
#endif
        {
#for q in 0..M
#if a <= M
            let l{{q}} = column{{q}}.d{{a}};
#else
            let l{{q}} = closed{{q}};
#endif
#endfor
            let line = input_line(Line(
                select(left{{a}}, vec4<f32>(), begins),
#for q in 0..M
                l{{q}},
#endfor
                vec4<f32>(),
            ));
            if (is_there{{a}}) {
#for q in 0..M + 1
                v[{{a * (M + 2) + q}}u * plane + to{{a}}] = line.d{{q}};
#endfor
            }
            // Of the tile before, which may be the last of another row.
            if (is_there{{a}} && tile > {{a / (M + 1)}}u * p.tiles_w) {
                v[{{a * (M + 2) + M + 1}}u * plane + to{{a}} - p.c4] = close(open{{a}}, select(l0, vec4<f32>(), begins));
            }
            left{{a}} = l{{M - 1}};
            open{{a}} = line.d{{M + 1}};
        }
#endfor
        continuing {
            tile += 1u;
            at += p.c4;
            tx = select(tx + 1u, 0u, tx + 1u == p.tiles_w);
            ty += select(0u, 1u, tx == 0u);
            break if tile == count;
        }
    }
    // What the last tile leaves open, and in the picture's last row of tiles the last line.
#for a in 0..M + 1
    v[{{a * (M + 2) + M + 1}}u * plane + at - p.c4] = close(open{{a}}, vec4<f32>());
#endfor
    if (p.tiles_h > 1u) {
        v[{{(M + 1) * (M + 2) + M + 1}}u * plane + at - p.c4 - row_of_tiles] = close(open{{M + 1}}, vec4<f32>());
    }
    at -= row_of_tiles;
    tx = 0u;
    var left = vec4<f32>();
    loop {
#for q in 0..M
        let l{{q}} = close(under0_{{q}}, vec4<f32>());
#for k in 0..TILES - 1
        under{{k}}_{{q}} = under{{k + 1}}_{{q}};
#endfor
#endfor
        let line = input_line(Line(
            left,
#for q in 0..M
            l{{q}},
#endfor
            vec4<f32>(),
        ));
#for q in 0..M + 1
        v[{{(M + 1) * (M + 2) + q}}u * plane + at] = line.d{{q}};
#endfor
        if (tx > 0u) {
            v[{{(M + 1) * (M + 2) + M + 1}}u * plane + at - p.c4] = close(open0, l0);
        }
        left = l{{M - 1}};
        open0 = line.d{{M + 1}};
        continuing {
            tx += 1u;
            at += p.c4;
            break if tx == p.tiles_w;
        }
    }
    v[{{(M + 1) * (M + 2) + M + 1}}u * plane + at - p.c4] = close(open0, vec4<f32>());
}
