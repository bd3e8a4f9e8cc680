// Geometry of the Winograd transforms F(MxM, 3x3). Mirrored by kernels::conv::winograd::Params.
//
// A tile is MxM outputs, made from (M+2)x(M+2) inputs. Between the transforms lie (M+2)^2 planes [plane][tile][c4], multiplied by
// conv/subgroup_gemm or conv/tiled_gemm as a batched product.
#import shared/winograd_lines

struct Params {
    in_h: u32,
    in_w: u32,
    out_h: u32,
    out_w: u32,
    c4: u32,        // vec4s of the tensor this transform reads or writes
    tiles_h: u32,
    tiles_w: u32,
    tiles: u32,     // of all pictures
    pad_h: u32,
    pad_w: u32,
    affine: u32,    // input: 1 when x * scale + shift is applied inside the picture
    residual: u32,  // output: as in shared/conv
    y_row: u32,
    y_first: u32,
    lo: f32,
    hi: f32,
    post_lo: f32,
    post_hi: f32,
    pooled_h: u32,  // output: size of the map behind 2x2 pooling, to which y_row and y_first belong then
    pooled_w: u32,
}
