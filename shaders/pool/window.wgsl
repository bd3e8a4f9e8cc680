// Windowed pooling of packed maps: maximum, average or L2.
//
//   max: max of the cells   average: sum / divisor   L2: sqrt(sum of squares);   cells outside the picture do not exist
//   divisor: existing cells, or, with count_pad, cells of the padded picture (cells beyond the padding never count)
//
// Layouts   x, y: packed NHWC   Threads   64 in a row over (pixel, c4), c4 fastest; one output vec4 a thread. Workgroup memory: none.
#import shared/index

struct Params {
    in_h: u32,
    in_w: u32,
    out_h: u32,
    out_w: u32,
    c4: u32,
    pixels: u32,      // N * out_h * out_w
    kernel_h: u32,
    kernel_w: u32,
    stride_h: u32,
    stride_w: u32,
    pad_h: u32,       // top
    pad_w: u32,       // left
    dilation_h: u32,
    dilation_w: u32,
    padded_h: u32,    // top padding + picture + bottom padding
    padded_w: u32,
    kind: u32,        // 0 max, 1 average, 2 L2
    count_pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

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
    var largest = vec4<f32>(-3.4028234663852886e38);
    var sum = vec4<f32>();
    var squares = vec4<f32>();
    var cells = 0u;
    var padded_cells = 0u;
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        for (var kx = 0u; kx < p.kernel_w; kx++) {
            let row = oy * p.stride_h + ky * p.dilation_h;
            let col = ox * p.stride_w + kx * p.dilation_w;
            padded_cells += select(0u, 1u, row < p.padded_h && col < p.padded_w);
            if (row - p.pad_h < p.in_h && col - p.pad_w < p.in_w) {
                let v = x[((n * p.in_h + row - p.pad_h) * p.in_w + col - p.pad_w) * p.c4 + c];
                largest = max(largest, v);
                sum += v;
                squares += v * v;
                cells += 1u;
            }
        }
    }
    var result = largest;
    if (p.kind == 1u) {
        result = sum / f32(max(select(cells, padded_cells, p.count_pad != 0u), 1u));
    } else if (p.kind == 2u) {
        result = sqrt(squares);
    }
    y[i] = result;
}
