// Geometry of a convolution-like kernel. Mirrored by kernels::conv::Params; the build compares the two.
//
// Activations are NHWC with channels in vec4 ("packed"): x[n][h][w][c4]. Lanes beyond the channel count hold 0, always.
struct Params {
    in_h: u32,
    in_w: u32,
    in_c4: u32,       // vec4s per input pixel that are read
    x_row: u32,       // vec4s per input pixel in memory, and from the first of one slice to that of the next where planes are slices of
    slice_c4: u32,    // them (0 elsewhere): a plane reads at most in_c4, and none beyond x_row
    out_h: u32,
    out_w: u32,
    out_c4: u32,      // vec4s per output pixel
    out_c: u32,       // channels per output pixel
    y_row: u32,       // vec4s per pixel of the tensor that is written, and the first of them: less than all where a Concat follows
    y_first: u32,
    kernel_h: u32,
    kernel_w: u32,
    stride_h: u32,
    stride_w: u32,
    pad_h: u32,       // top
    pad_w: u32,       // left
    dilation_h: u32,
    dilation_w: u32,
    pixels: u32,      // output pixels of all pictures: N * out_h * out_w
    block0: u32,      // first output block of this dispatch (weights larger than a binding are split)
    x_plane: u32,     // vec4s between the planes of a batched product or slices of one (0 without planes)
    w_plane: u32,
    y_plane: u32,
    group_c4: u32,    // grouped: input vec4s an output vec4 reads, input and output channels of a group
    group_in: u32,
    group_out: u32,
    tile_h: u32,      // locally connected: output places that share a filter bank, and places of this dispatch
    tile_w: u32,
    places: u32,
    residual: u32,    // 1 when the residual is added
    lo: f32,          // epilogue, see shared/epilogue
    hi: f32,
    post_lo: f32,
    post_hi: f32,
}

// A pixel index taken apart.
struct Pixel {
    n: u32,
    y: u32,
    x: u32,
}

fn pixel_of(index: u32, h: u32, w: u32) -> Pixel {
    let row = index / w;
    return Pixel(row / h, row % h, index % w);
}
