// Tiles of Winograd F(MxM, 3x3), and one side of either transform.
//
// M = 2: points 0, 1, -1.   M = 4: points 0, +-sqrt(1/2), +-sqrt(2), whose rounding error is half that of 0, +-1, +-2.
struct Tile {
    n: u32,
    y: u32,
    x: u32,
}

fn tile_of(index: u32, h: u32, w: u32) -> Tile {
    let row = index / w;
    return Tile(row / h, row % h, index % w);
}

struct Line {
#for i in 0..M + 2
    d{{i}}: vec4<f32>,
#endfor
}

struct Outputs {
#for i in 0..M
    d{{i}}: vec4<f32>,
#endfor
}

// B^T times a column (or row) of a tile of inputs.
fn input_line(l: Line) -> Line {
#if M == 2
    return Line(l.d0 - l.d2, l.d1 + l.d2, l.d2 - l.d1, l.d1 - l.d3);
#else
    let r = 1.4142135623730951;
    let even1 = l.d4 - 2.0 * l.d2;
    let odd1 = (0.5 * r) * l.d3 - r * l.d1;
    let even2 = l.d4 - 0.5 * l.d2;
    let odd2 = r * l.d3 - (0.5 * r) * l.d1;
    return Line(
        l.d0 - 2.5 * l.d2 + l.d4,
        even1 + odd1,
        even1 - odd1,
        even2 + odd2,
        even2 - odd2,
        l.d1 - 2.5 * l.d3 + l.d5,
    );
#endif
}

// A^T times a column (or row) of the products.
fn output_line(l: Line) -> Outputs {
#if M == 2
    return Outputs(l.d0 + l.d1 + l.d2, l.d1 - l.d2 - l.d3);
#else
    let r = 1.4142135623730951;
    let s1 = l.d1 + l.d2;
    let t1 = l.d1 - l.d2;
    let s2 = l.d3 + l.d4;
    let t2 = l.d3 - l.d4;
    return Outputs(
        l.d0 + s1 + s2,
        (0.5 * r) * t1 + r * t2,
        0.5 * s1 + 2.0 * s2,
        (0.25 * r) * t1 + (2.0 * r) * t2 + l.d5,
    );
#endif
}
