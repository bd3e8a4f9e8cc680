// Windowed pooling of packed maps: maximum, average, L2 or another norm.
//
//   MAX: max of the cells, of i32 with INT   else average: sum / divisor, or L2: sqrt(sum of squares);   cells outside the picture do not exist
//   divisor: existing cells, or, with count_pad, cells of the padded picture (cells beyond the padding never count)
//   LP:  (sum of |x|^p)^(1/p)
//
// Layouts   x, y: packed NHWC   Threads   64 in a row over (pixel, c4), c4 fastest; one output vec4 a thread. Workgroup memory: none.
// TEX: x is a texture (shared/texel)
#import shared/index
#import shared/pool
#if LP
#import shared/power
#endif

#if INT
alias Cell = vec4<i32>;

@group(0) @binding(1) var<storage, read> x: array<Cell>;

fn load_x(i: u32) -> Cell {
    return x[i];
}
#else
alias Cell = vec4<f32>;

#import shared/input
#endif
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
    let least = Cell(bitcast<i32>(p.least));
#else
    let least = Cell(-3.4028234663852886e38);
#endif
#if MAX
    var largest = least;
#else
    var sum = Cell();
#if !LP
    var squares = Cell();
    var cells = 0u;
    var padded_cells = 0u;
#endif
#endif
#if K
#for ky in 0..K
    let row{{ky}} = oy * p.stride_h + {{ky}}u * p.dilation_h - p.pad_h;
    let col{{ky}} = ox * p.stride_w + {{ky}}u * p.dilation_w - p.pad_w;
#endfor
#for ky in 0..K
#for kx in 0..K
    {
        let inside = row{{ky}} < p.in_h && col{{kx}} < p.in_w;
        let v = load_x(select(0u, ((n * p.in_h + row{{ky}}) * p.in_w + col{{kx}}) * p.c4 + c, inside));
        largest = max(largest, select(least, v, inside));
    }
#endfor
#endfor
#else
    // Loops end behind their rounds, as in conv/subgroup_gemm, and load without a branch: a cell outside is the first one, not counted.
    var ky = 0u;
    loop {
        var kx = 0u;
        loop {
            let row = oy * p.stride_h + ky * p.dilation_h;
            let col = ox * p.stride_w + kx * p.dilation_w;
            let inside = row - p.pad_h < p.in_h && col - p.pad_w < p.in_w;
            let v = load_x(select(0u, ((n * p.in_h + row - p.pad_h) * p.in_w + col - p.pad_w) * p.c4 + c, inside));
#if MAX
            largest = max(largest, select(least, v, inside));
#else
            let cell = select(Cell(), v, inside);
#if LP
            sum += power(abs(cell), p.norm);
#else
            cells += u32(inside);
            padded_cells += u32(row < p.padded_h && col < p.padded_w);
            sum += cell;
            squares += cell * cell;
#endif
#endif
            continuing {
                kx++;
                break if kx >= p.kernel_w;
            }
        }
        continuing {
            ky++;
            break if ky >= p.kernel_h;
        }
    }
#endif
#if MAX
    // Spare lanes stay 0, also where a dilated window steps over the picture.
    let lanes = vec4<u32>(c * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    y[at] = select(Cell(), largest, lanes < vec4<u32>(p.channels));
#else
#if LP
    y[at] = root(sum, p.norm);
#else
    if (p.kind == 1u) {
        y[at] = sum / f32(max(select(cells, padded_cells, p.count_pad != 0u), 1u));
    } else {
        y[at] = sqrt(squares);
    }
#endif
#endif
}
