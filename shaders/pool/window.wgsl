// Windowed pooling of packed maps: maximum, average, L2 or another norm.
//
//   max: max of the cells   average: sum / divisor   L2: sqrt(sum of squares);   cells outside the picture do not exist
//   divisor: existing cells, or, with count_pad, cells of the padded picture (cells beyond the padding never count)
//   with LP = 1:  (sum of |x|^p)^(1/p)   with INT = 1: the maximum of i32
//
// Layouts   x, y: packed NHWC   Threads   64 in a row over (pixel, c4), c4 fastest; one output vec4 a thread. Workgroup memory: none.
#import shared/index
#import shared/lanes
#import shared/pool
#if LP
#import shared/power
#endif

#if INT
alias Cell = vec4<i32>;
#else
alias Cell = vec4<f32>;
#endif

@group(0) @binding(1) var<storage, read> x: array<Cell>;
@group(0) @binding(2) var<storage, read_write> y: array<Cell>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.pixels * p.c4) {
        return;
    }
    let c = i % p.c4;
    let pixel = i / p.c4;
    let ox = pixel % p.out_w;
    let oy = pixel / p.out_w % p.out_h;
    let n = pixel / (p.out_w * p.out_h);
    let at = pixel * p.y_row + p.y_first + c;
#if INT
    var largest = Cell(bitcast<i32>(p.least));
#else
    var largest = Cell(-3.4028234663852886e38);
#endif
    var sum = Cell();
    var squares = Cell();
    var cells = 0u;
    var padded_cells = 0u;
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
            let row = oy * p.stride_h + ky * p.dilation_h;
            let col = ox * p.stride_w + kx * p.dilation_w;
#if !LP && !INT
            padded_cells += select(0u, 1u, row < p.padded_h && col < p.padded_w);
#endif
            if (row - p.pad_h < p.in_h && col - p.pad_w < p.in_w) {
                let v = x[((n * p.in_h + row - p.pad_h) * p.in_w + col - p.pad_w) * p.c4 + c];
#if LP
                sum += power(abs(v), p.norm);
#else
                largest = max(largest, v);
#endif
#if !LP && !INT
                sum += v;
                squares += v * v;
#endif
                cells += 1u;
            }
        }
    }
#if LP
    y[at] = root(sum, p.norm);
#endif
#if INT
    // Spare lanes stay 0, also where a dilated window steps over the picture.
    let lanes = vec4<u32>(c * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    y[at] = select(Cell(), largest, lanes < vec4<u32>(p.channels));
#endif
#if !LP && !INT
    if (cells == 0u) {
        // A dilated window can step over the picture; spare lanes stay 0.
        largest = keep_channels(largest, c, p.channels);
    }
    var result = largest;
    if (p.kind == 1u) {
        result = sum / f32(max(select(cells, padded_cells, p.count_pad != 0u), 1u));
    } else if (p.kind == 2u) {
        result = sqrt(squares);
    }
    y[at] = result;
#endif
}
