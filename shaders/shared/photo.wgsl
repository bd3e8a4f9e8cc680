// A decoded picture as a texture, and where a network's input takes its pixels. Mirrored by kernels::image::photo::Params.
//
// Layouts   photo: RGBA, 8-bit normalised; rows one after the other in texture rows of `pitch` texels: the width, as usual, or a power of two
//           y: packed NHWC, one vec4 a pixel (3 or 1 channels)
struct Params {
    out_w: u32,
    out_h: u32,
    order: u32,       // 0 RGB, 1 BGR, 2 grey (0.299 R + 0.587 G + 0.114 B)
    width: u32,       // of the photo
    height: u32,
    pitch: u32,
    first: u32,       // first record of this dispatch
    pad0: u32,
    mean: vec4<f32>,  // of channels in the network's order
    scale: vec4<f32>,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var photo: texture_2d<f32>;

// Grey levels 0..255, exactly.
fn texel(col: i32, row: i32) -> vec3<f32> {
    var at = vec2<i32>(col, row);
    if (p.pitch != p.width) {
        let i = u32(row) * p.width + u32(col);
        at = vec2<i32>(i32(i & (p.pitch - 1u)), i32(i >> firstTrailingBit(p.pitch)));
    }
    return round(textureLoad(photo, at, 0).xyz * 255.0);
}

fn is_inside(col: i32, row: i32) -> bool {
    return col >= 0 && row >= 0 && col < i32(p.width) && row < i32(p.height);
}

// The nearest pixel of the photo.
fn nearest(col: i32, row: i32) -> vec3<f32> {
    return texel(clamp(col, 0, i32(p.width) - 1), clamp(row, 0, i32(p.height) - 1));
}

// Channel order and normalisation.
fn fed(rgb: vec3<f32>) -> vec4<f32> {
    var out = vec4<f32>(rgb, 0.0);
    if (p.order == 1u) {
        out = vec4<f32>(rgb.zyx, 0.0);
    } else if (p.order == 2u) {
        out = vec4<f32>(dot(rgb, vec3<f32>(0.299, 0.587, 0.114)), 0.0, 0.0, 0.0);
    }
    // The fourth mean and scale are 0 (for grey: the last three), which keeps the spare lanes 0.
    return (out - p.mean) * p.scale;
}
