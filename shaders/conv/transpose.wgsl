// Transposed convolution, gathered: every output place sums the input places whose filters reach it.
//
//   y[o place] = bias + sum over taps t:  x[(o + pad - t * dilation) / stride] * w[t]     where that is a whole place of x
//
// Along an axis the taps that meet a whole place are every `step`-th one, step = stride / gcd(stride, dilation), each dilation / gcd
// places before the last; the first of them follows from the inverse of dilation / gcd modulo step.
//
// COLUMNS = 1: x holds the products already, [place][tap][o4], made by the matrix product; this sums them.
// COLUMNS = 0: any number of groups. As in conv/grouped an output vec4 has 4 x 4 blocks of weights over the group_c4 input vec4s it reads.
//
// Layouts   x, y: packed NHWC   bias: [o4]   w: [o4][tap][group_c4][4 k] vec4 of 4 outputs (COLUMNS: not read)
// Threads   64 in a row over (place, o4), o4 fastest; one output vec4 a thread. Workgroup memory: none.
// TEX: x and w are textures (shared/texel).
#import shared/index
#import shared/operands

struct Reach {
    cells: u32,       // of x
    kernel: u32,
    stride: u32,
    pad: u32,         // cells taken off before the output
    divisor: u32,     // gcd(stride, dilation)
    step: u32,        // from one tap that meets a whole place to the next
    back: u32,        // dilation / divisor: places of x between the two
    inverse: u32,     // of `back` modulo `step`
}

struct Params {
    rows: Reach,
    columns: Reach,
    total: u32,       // vec4s of y
    out_h: u32,
    out_w: u32,
    out_c4: u32,
    in_c4: u32,
    group_c4: u32,
    group_in: u32,
    group_out: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

struct Tap {
    index: u32,
    place: i32,       // of x
}

// The first tap that meets a whole place, for an output `at` cells behind the first cell of x; beyond the kernel when there is none.
fn first_tap(at: u32, reach: Reach) -> Tap {
    let index = (at / reach.divisor % reach.step) * reach.inverse % reach.step;
    let place = (i32(at) - i32(index * reach.back * reach.divisor)) / i32(reach.stride);
    return Tap(select(reach.kernel, index, at % reach.divisor == 0u), place);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let block = i % p.out_c4;
    let place = i / p.out_c4;
    let line = place / p.out_w;
    let row = line % p.out_h + p.rows.pad;
    let column = place % p.out_w + p.columns.pad;
    let picture = line / p.out_h * p.rows.cells;
    let first_column = first_tap(column, p.columns);
#if !COLUMNS
    // The first input vec4 of the first channel's group, moved down where group_c4 vec4s from there would pass the end.
    let c0 = min((block * 4u / p.group_out) * p.group_in / 4u, p.in_c4 - p.group_c4);
#endif
    var sum = bias[block];
    var tap_row = first_tap(row, p.rows);
    while (tap_row.index < p.rows.kernel && tap_row.place >= 0) {
        var tap_column = first_column;
        while (tap_column.index < p.columns.kernel && tap_column.place >= 0) {
            if (u32(tap_row.place) < p.rows.cells && u32(tap_column.place) < p.columns.cells) {
                let at = ((picture + u32(tap_row.place)) * p.columns.cells + u32(tap_column.place)) * p.in_c4;
                let tap = tap_row.index * p.columns.kernel + tap_column.index;
#if COLUMNS
                sum += load_x(at + tap * p.out_c4 + block);
#else
                let k = (block * p.rows.kernel * p.columns.kernel + tap) * p.group_c4 * 4u;
                for (var c = 0u; c < p.group_c4; c++) {
                    let v = load_x(at + c0 + c);
                    let wi = k + c * 4u;
                    sum += v.x * load_w(wi);
                    sum += v.y * load_w(wi + 1u);
                    sum += v.z * load_w(wi + 2u);
                    sum += v.w * load_w(wi + 3u);
                }
#endif
            }
            tap_column = Tap(tap_column.index + p.columns.step, tap_column.place - i32(p.columns.back));
        }
        tap_row = Tap(tap_row.index + p.rows.step, tap_row.place - i32(p.rows.back));
    }
    y[i] = sum;
}
