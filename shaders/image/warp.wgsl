// From decoded pictures to a network's input: an affine warp, channel order and normalisation, for a whole batch of different pictures.
//
//   (x, y) = T (u, v)  per picture;   y[n][v][u] = (bilinear sample of the picture - mean) * scale,  outside the picture = nearest edge pixel
//
// Where T shrinks, `samples` x `samples` places inside the output pixel are averaged, so that nothing aliases.
//
// Layouts   pixels: u8 RGB, four bytes a u32, rows without gaps   pictures: one record a picture   y: packed NHWC, one vec4 a pixel (3 or 1 channels)
// Threads   8 x 8 over output pixels; grid z = picture. Workgroup memory: none.
struct Params {
    out_w: u32,
    out_h: u32,
    order: u32,       // 0 RGB, 1 BGR, 2 grey (0.299 R + 0.587 G + 0.114 B)
    pad0: u32,
    mean: vec4<f32>,  // of channels in the network's order
    scale: vec4<f32>,
}

struct Picture {
    first: u32,       // byte offset of the first pixel
    width: u32,
    height: u32,
    samples: u32,     // along each axis
    ax: f32,          // x = ax * u + bx * v + cx,  pixel centres at integers
    bx: f32,
    cx: f32,
    ay: f32,
    by: f32,
    cy: f32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> pictures: array<Picture>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

fn byte(at: u32) -> f32 {
    return f32((pixels[at / 4u] >> (at % 4u * 8u)) & 255u);
}

fn texel(picture: Picture, col: i32, row: i32) -> vec3<f32> {
    let c = u32(clamp(col, 0, i32(picture.width) - 1));
    let r = u32(clamp(row, 0, i32(picture.height) - 1));
    let at = picture.first + (r * picture.width + c) * 3u;
    return vec3<f32>(byte(at), byte(at + 1u), byte(at + 2u));
}

fn bilinear(picture: Picture, x: f32, y: f32) -> vec3<f32> {
    let cell = floor(vec2<f32>(x, y));
    let w = vec2<f32>(x, y) - cell;
    let col = i32(cell.x);
    let row = i32(cell.y);
    let upper = texel(picture, col, row) * (1.0 - w.x) + texel(picture, col + 1, row) * w.x;
    let lower = texel(picture, col, row + 1) * (1.0 - w.x) + texel(picture, col + 1, row + 1) * w.x;
    return upper * (1.0 - w.y) + lower * w.y;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= p.out_w || id.y >= p.out_h) {
        return;
    }
    let picture = pictures[id.z];
    var sum = vec3<f32>();
    for (var j = 0u; j < picture.samples; j++) {
        for (var i = 0u; i < picture.samples; i++) {
            let u = f32(id.x) + (f32(i) + 0.5) / f32(picture.samples) - 0.5;
            let v = f32(id.y) + (f32(j) + 0.5) / f32(picture.samples) - 0.5;
            sum += bilinear(picture, picture.ax * u + picture.bx * v + picture.cx, picture.ay * u + picture.by * v + picture.cy);
        }
    }
    let rgb = sum / f32(picture.samples * picture.samples);
    var out = vec4<f32>(rgb, 0.0);
    if (p.order == 1u) {
        out = vec4<f32>(rgb.zyx, 0.0);
    } else if (p.order == 2u) {
        out = vec4<f32>(dot(rgb, vec3<f32>(0.299, 0.587, 0.114)), 0.0, 0.0, 0.0);
    }
    // The fourth mean and scale are 0 (for grey: the last three), which keeps the spare lanes 0.
    y[(id.z * p.out_h + id.y) * p.out_w + id.x] = (out - p.mean) * p.scale;
}
