// From a photo to a network's input by averaging: each output pixel is the mean of the photo's pixels that it covers, for many rectangles
// of one photo. This is adaptive average pooling (PyTorch's `interpolate(mode="area")`), which detectors resize with.
//
//   columns of output pixel u: floor(u w / out_w) .. ceil((u + 1) w / out_w), rows alike;   outside the photo is black
//
// Where a pixel covers more than 192 columns or rows, 192 evenly spaced ones are read: drivers end an invocation after 65 535 rounds.
//
// Threads   8 x 8 over output pixels; grid z = rectangle. Workgroup memory: none.
#import shared/photo

struct Look {
    slot: u32,        // which input of the batch
    left: i32,
    top: i32,
    pad0: u32,
    w: u32,           // of the rectangle
    h: u32,
    pad1: u32,
    pad2: u32,
    pad3: vec4<u32>,  // as long as the record of a warp: both kinds share a table
}

@group(0) @binding(2) var<storage, read> looks: array<Look>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

struct Bin {
    first: u32,
    count: u32,       // places read
    pixels: u32,      // pixels covered
}

fn bin_of(i: u32, extent: u32, outputs: u32) -> Bin {
    let first = i * extent / outputs;
    let end = ((i + 1u) * extent + outputs - 1u) / outputs;
    let pixels = end - first;
    return Bin(first, min(pixels, 192u), pixels);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.out_w || id.y >= p.out_h) {
        return;
    }
    let look = looks[p.first + id.z];
    let columns = bin_of(id.x, look.w, p.out_w);
    let rows = bin_of(id.y, look.h, p.out_h);
    var sum = vec3<f32>();
    for (var j = 0u; j < rows.count; j++) {
        let row = look.top + i32(rows.first + j * rows.pixels / rows.count);
        for (var i = 0u; i < columns.count; i++) {
            let col = look.left + i32(columns.first + i * columns.pixels / columns.count);
            sum += select(vec3<f32>(), nearest(col, row), is_inside(col, row));
        }
    }
    y[(look.slot * p.out_h + id.y) * p.out_w + id.x] = fed(sum / f32(rows.count * columns.count));
}
