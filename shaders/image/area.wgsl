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

// Pixels along an axis that an output pixel covers, and the places that are read.
struct Bin {
    first: u32,
    count: u32,       // places
    whole: u32,       // pixels from one place to the next: whole + rest / count
    rest: u32,
}

fn bin_of(i: u32, extent: u32, outputs: u32) -> Bin {
    let first = i * extent / outputs;
    let end = ((i + 1u) * extent + outputs - 1u) / outputs;
    let pixels = end - first;
    let count = min(pixels, 192u);
    return Bin(first, count, pixels / count, pixels % count);
}

// Place i is floor(i (whole + rest / count)) pixels behind the first one: the division is carried on from place to place.
struct Place {
    at: u32,
    carried: u32,     // count-ths of a pixel
}

fn next(place: Place, bin: Bin) -> Place {
    let carried = place.carried + bin.rest;
    let over = carried >= bin.count;
    return Place(place.at + bin.whole + u32(over), select(carried, carried - bin.count, over));
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
    // Loops end behind their rounds, as in conv/subgroup_gemm: there is at least one round.
    var y_place = Place(rows.first, 0u);
    var j = 0u;
    loop {
        let row = look.top + i32(y_place.at);
        var x_place = Place(columns.first, 0u);
        var i = 0u;
        loop {
            let col = look.left + i32(x_place.at);
            sum += select(vec3<f32>(), nearest(col, row), is_inside(col, row));
            x_place = next(x_place, columns);
            continuing {
                i++;
                break if i >= columns.count;
            }
        }
        y_place = next(y_place, rows);
        continuing {
            j++;
            break if j >= rows.count;
        }
    }
    y[(look.slot * p.out_h + id.y) * p.out_w + id.x] = fed(sum / f32(rows.count * columns.count));
}
