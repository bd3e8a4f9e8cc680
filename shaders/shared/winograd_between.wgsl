// What lies between the products of two convolutions F(MxM, 3x3) of one map: parameters, bindings, and the epilogue of the first.
// Mirrored by kernels::conv::winograd_between::Params.
//
// Both convolutions have stride 1, the second pads every side by 1, so the map has their height and width and is cut into the same tiles.
//
// KEEP: the first convolution may have a residual, and the map may be needed by something else, which then finds it in y.
#import shared/winograd_lines
#import shared/epilogue
#import shared/index
#import shared/texel

struct Params {
    h: u32,
    w: u32,
    c4: u32,        // vec4s of the map
    pictures: u32,
    tiles_h: u32,
    tiles_w: u32,
    tiles: u32,     // of all pictures
    affine: u32,    // 1 when the second convolution takes map * scale + shift inside the picture
    residual: u32,  // as in shared/conv
    stored: u32,    // 1 when the map is written
    lanes: u32,     // winograd_between: vec4s of the map a workgroup
    rows: u32,      // winograd_between: rows of tiles a workgroup
    bands: u32,     // winograd_between: workgroups that a picture is cut into from top to bottom
    blocks: u32,    // winograd_between: workgroups that its channels are cut into
    lo: f32,
    hi: f32,
    post_lo: f32,
    post_hi: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
#if TEX
@group(0) @binding(1) var m: texture_2d<f32>;
#else
@group(0) @binding(1) var<storage, read> m: array<vec4<f32>>;
#endif
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> affine: array<vec4<f32>>;
#if KEEP
#import shared/residual
#if TEX
@group(0) @binding(4) var residual: texture_2d<f32>;
#else
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
#endif
@group(0) @binding(5) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> v: array<vec4<f32>>;
#endif

// What a channel needs: bias and slope of the first convolution, the affine before the second.
struct Channel {
    bias: vec4<f32>,
    slope: vec4<f32>,
    scale: vec4<f32>,
    shift: vec4<f32>,
}

fn channel(c: u32) -> Channel {
    var own = Channel(bias[c], bias[p.c4 + c], vec4<f32>(1.0), vec4<f32>());
    if (p.affine != 0u) {
        own.scale = affine[c];
        own.shift = affine[p.c4 + c];
    }
    return own;
}

// The map at vec4 number `at` from the sum there, as the second convolution takes it. `own`: no other invocation stores this place.
fn between(sum: vec4<f32>, at: u32, c: Channel, own: bool) -> vec4<f32> {
    var value = activate(sum + c.bias, c.slope, p.lo, p.hi);
#if KEEP
    if (p.residual != 0u) {
        value += load_residual(at);
    }
#endif
    value = clamp(value, vec4<f32>(p.post_lo), vec4<f32>(p.post_hi));
#if KEEP
    if (p.stored != 0u && own) {
        y[at] = value;
    }
#endif
    return value * c.scale + c.shift;
}
