//! The inverse cosine transform of 8x8 coefficients in whole numbers (Loeffler, Ligtenberg, Moschytz 1989, with 12 multiplications), scaled
//! and rounded as libjpeg does.

/// Bits after the point of constants, and those kept between the passes.
const CONSTANT: u32 = 13;
const BETWEEN: u32 = 2;

/// Where the coefficients of zigzag order belong, row by row.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56,
    57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A constant with 13 bits after the point.
const fn fix(x: f64) -> i64 {
    (x * (1 << CONSTANT) as f64 + 0.5) as i64
}

/// The samples of a block, row by row.
pub(super) fn samples(coefficients: &[i16], steps: &[u16; 64]) -> [u8; 64] {
    let mut block = [0i64; 64];
    for ((&c, &s), &place) in coefficients.iter().zip(steps).zip(&ZIGZAG) {
        block[place] = i64::from(c) * i64::from(s);
    }
    for column in 0..8 {
        let line = std::array::from_fn(|i| block[column + 8 * i]);
        for (i, v) in pass(line, CONSTANT - BETWEEN).into_iter().enumerate() {
            block[column + 8 * i] = v;
        }
    }
    let mut out = [0; 64];
    for (row, line) in block.chunks_exact(8).enumerate() {
        let line = std::array::from_fn(|i| line[i]);
        for (i, v) in pass(line, CONSTANT + BETWEEN + 3).into_iter().enumerate() {
            out[8 * row + i] = (v + 128).clamp(0, 255) as u8;
        }
    }
    out
}

/// Eight numbers transformed, rounded to `shift` bits less.
fn pass(x: [i64; 8], shift: u32) -> [i64; 8] {
    // Even part: a rotation by 6 of the second and sixth.
    let turned = (x[2] + x[6]) * fix(0.541196100);
    let (low, high) = (turned - x[6] * fix(1.847759065), turned + x[2] * fix(0.765366865));
    let (sum, difference) = ((x[0] + x[4]) << CONSTANT, (x[0] - x[4]) << CONSTANT);
    let even = [sum + high, difference + low, difference - low, sum - high];
    // Odd part.
    let [a, b, c, d] = [x[7], x[5], x[3], x[1]];
    let all = (a + c + b + d) * fix(1.175875602);
    let (outer, inner) = (-(a + d) * fix(0.899976223), -(b + c) * fix(2.562915447));
    let (first, second) = (all - (a + c) * fix(1.961570560), all - (b + d) * fix(0.390180644));
    let odd = [
        d * fix(1.501321110) + outer + second,
        c * fix(3.072711026) + inner + first,
        b * fix(2.053119869) + inner + second,
        a * fix(0.298631336) + outer + first,
    ];
    let round = |v: i64| (v + (1 << (shift - 1))) >> shift;
    std::array::from_fn(|i| if i < 4 { round(even[i] + odd[i]) } else { round(even[7 - i] - odd[7 - i]) })
}
