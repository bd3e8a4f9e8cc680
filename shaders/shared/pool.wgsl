// The window of a pooling kernel over packed maps. Its uniform is `p`.
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
    kind: u32,        // 0 max, 1 average, 2 L2, 3 LP
    count_pad: u32,
    norm: u32,        // p of LP
    least: u32,       // bits of what the maximum begins with
    channels: u32,
    real: u32,        // x holds f32
    y_row: u32,       // as in shared/conv
    y_first: u32,
    columns: u32,     // pool/argmax: count the columns before the rows
}

@group(0) @binding(0) var<uniform> p: Params;
