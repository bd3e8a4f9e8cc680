// From a photo to another: a picture of pieces, each an affine map away (the triangles of a face that is turned to the front).
//
//   t = pieces[ids[v][u]]      y[v][u] = alpha_t photo(M_t (u, v)) + (1 - alpha_t) photo(F_t (u, v))      bilinear, black outside
//
// `samples` squared places inside the pixel are averaged, so that a piece that shrinks does not alias.
//
// Layouts   ids: a word a pixel, row by row; y: RGBA, 8 bits each, rows of a multiple of 64 pixels
// Threads   8 x 8 over output pixels. Workgroup memory: none.
#import shared/bilinear

struct Piece {
    ax: f32,          // x = ax * u + bx * v + cx,  pixel centres at integers
    bx: f32,
    cx: f32,
    ay: f32,
    by: f32,
    cy: f32,
    alpha: f32,
    samples: u32,     // along each axis
    fax: f32,         // the same for the other place
    fbx: f32,
    fcx: f32,
    fay: f32,
    fby: f32,
    fcy: f32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(2) var<storage, read> pieces: array<Piece>;
@group(0) @binding(3) var<storage, read> ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.out_w || id.y >= p.out_h) {
        return;
    }
    let t = pieces[ids[id.y * p.out_w + id.x]];
    var sum = vec3<f32>();
    for (var j = 0u; j < t.samples; j++) {
        for (var i = 0u; i < t.samples; i++) {
            let u = f32(id.x) + (f32(i) + 0.5) / f32(t.samples) - 0.5;
            let v = f32(id.y) + (f32(j) + 0.5) / f32(t.samples) - 0.5;
            var rgb = bilinear(1u, t.ax * u + t.bx * v + t.cx, t.ay * u + t.by * v + t.cy);
            if (t.alpha < 1.0) {
                rgb = rgb * t.alpha + bilinear(1u, t.fax * u + t.fbx * v + t.fcx, t.fay * u + t.fby * v + t.fcy) * (1.0 - t.alpha);
            }
            sum += rgb;
        }
    }
    let level = sum / (f32(t.samples * t.samples) * 255.0);
    y[id.y * ((p.out_w + 63u) / 64u * 64u) + id.x] = pack4x8unorm(vec4<f32>(level, 1.0));
}
