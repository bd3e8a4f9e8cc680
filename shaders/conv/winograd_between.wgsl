// The output transform of one Winograd convolution F(MxM, 3x3) and the input transform of the next one, through workgroup memory.
//
//   m ── A^T m A, epilogue ──▶ map (workgroup memory; y, if something else needs it) ── affine, zero padding, B^T d B ──▶ v
//
// A workgroup takes a band of tile rows of one picture, of some vec4s of channels. The input tiles need a row of pixels above and below the
// band, so the tiles there are transformed by two workgroups:
//
//     . . . . .    transformed for its last row of pixels
//     # # # # #
//     # # # # #    the band: `rows` rows of tiles
//     . . . . .    transformed for its first row
//
// Layouts   m, v: [(M+2)^2 planes][tile][c4]   bias: [c4] then slope [c4]   affine: scale [c4] then shift [c4]   y, residual: packed NHWC
// Threads   128, which go over (tile, vec4), vec4s fastest, first of the tiles transformed, then of the band.
// Workgroup memory   CELLS vec4s: [row][column][vec4]; 16 KiB of 1024.
#import shared/winograd_between

var<workgroup> cells: array<vec4<f32>, {{CELLS}}>;

fn load_m(i: u32) -> vec4<f32> {
    return m[i];
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let place = linear_index(group, groups, 1u, 0u);
    let block = place % p.blocks;
    let band = (place / p.blocks) % p.bands;
    let n = place / (p.blocks * p.bands);
    // Workgroups that only fill up the grid have no tiles.
    let first = select(0u, band * p.rows, n < p.pictures);
    let end = select(0u, min(first + p.rows, p.tiles_h), n < p.pictures);
    let start = max(first, 1u) - 1u;
    let stop = select(0u, min(end + 1u, p.tiles_h), n < p.pictures);
    // Rows of pixels in workgroup memory.
    let top = max(first * {{M}}u, 1u) - 1u;
    let bottom = min(end * {{M}}u + 1u, p.h);
    let plane = p.tiles * p.c4;

    for (var i = local; i < (stop - start) * p.tiles_w * p.lanes; i += 128u) {
        let lane = i % p.lanes;
        let c = block * p.lanes + lane;
        if (c < p.c4) {
            let ty = start + i / p.lanes / p.tiles_w;
            let tx = i / p.lanes % p.tiles_w;
            let at_m = ((n * p.tiles_h + ty) * p.tiles_w + tx) * p.c4 + c;
#for q in 0..M + 2
            let column{{q}} = output_line(Line(
#for r in 0..M + 2
                load_m({{r * (M + 2) + q}}u * plane + at_m),
#endfor
            ));
#endfor
            let own = channel(c);
            let is_own = ty >= first && ty < end;
#for r in 0..M
            {
                let row = output_line(Line(
#for q in 0..M + 2
                    column{{q}}.d{{r}},
#endfor
                ));
                let py = ty * {{M}}u + {{r}}u;
#for q in 0..M
                {
                    let px = tx * {{M}}u + {{q}}u;
                    if (py >= top && py < bottom && px < p.w) {
                        let value = between(row.d{{q}}, ((n * p.h + py) * p.w + px) * p.c4 + c, own, is_own);
                        cells[((py - top) * p.w + px) * p.lanes + lane] = value;
                    }
                }
#endfor
            }
#endfor
        }
    }
    workgroupBarrier();

    for (var i = local; i < (end - first) * p.tiles_w * p.lanes; i += 128u) {
        let lane = i % p.lanes;
        let c = block * p.lanes + lane;
        if (c < p.c4) {
            let ty = first + i / p.lanes / p.tiles_w;
            let tx = i / p.lanes % p.tiles_w;
            // Places outside wrap around and are masked.
#for q in 0..M + 2
            let x{{q}} = tx * {{M}}u + {{q}}u - 1u;
#endfor
#for r in 0..M + 2
            let y{{r}} = ty * {{M}}u + {{r}}u - 1u;
#for q in 0..M + 2
            let inside{{r}}_{{q}} = y{{r}} < p.h && x{{q}} < p.w;
            let d{{r}}_{{q}} = cells[select(0u, ((y{{r}} - top) * p.w + x{{q}}) * p.lanes + lane, inside{{r}}_{{q}})];
#endfor
#endfor
#for q in 0..M + 2
            let column{{q}} = input_line(Line(
#for r in 0..M + 2
                select(vec4<f32>(), d{{r}}_{{q}}, inside{{r}}_{{q}}),
#endfor
            ));
#endfor
            let at_v = ((n * p.tiles_h + ty) * p.tiles_w + tx) * p.c4 + c;
#for r in 0..M + 2
            {
                let row = input_line(Line(
#for q in 0..M + 2
                    column{{q}}.d{{r}},
#endfor
                ));
#for q in 0..M + 2
                v[{{r * (M + 2) + q}}u * plane + at_v] = row.d{{q}};
#endfor
            }
#endfor
        }
    }
}
