// From a photo to a network's input: affine warps, channel order and normalisation, for many faces of one photo.
//
//   (x, y) = T (u, v)  per look;   y[slot][v][u] = (bilinear sample of the photo - mean) * scale
//
// Outside the photo is its nearest pixel, or black. With `samples` > 1, that many squared places inside the output pixel are averaged, so
// that a warp that shrinks does not alias.
//
// Threads   8 x 8 over output pixels; grid z = look. Workgroup memory: none.
#import shared/bilinear

struct Look {
    slot: u32,        // which input of the batch
    samples: u32,     // along each axis
    black: u32,       // outside is black
    wrong: u32,       // of image/fit
    ax: f32,          // x = ax * u + bx * v + cx,  pixel centres at integers
    bx: f32,
    cx: f32,
    ay: f32,
    by: f32,
    cy: f32,
    residual: f32,    // of image/fit
    scale: f32,       // of image/fit
}

@group(0) @binding(2) var<storage, read> looks: array<Look>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.out_w || id.y >= p.out_h) {
        return;
    }
    let look = looks[p.first + id.z];
    var sum = vec3<f32>();
    for (var j = 0u; j < look.samples; j++) {
        for (var i = 0u; i < look.samples; i++) {
            let u = f32(id.x) + (f32(i) + 0.5) / f32(look.samples) - 0.5;
            let v = f32(id.y) + (f32(j) + 0.5) / f32(look.samples) - 0.5;
            sum += bilinear(look.black, look.ax * u + look.bx * v + look.cx, look.ay * u + look.by * v + look.cy);
        }
    }
    y[(look.slot * p.out_h + id.y) * p.out_w + id.x] = fed(sum / f32(look.samples * look.samples));
}
