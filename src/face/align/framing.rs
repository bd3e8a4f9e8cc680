//! Where the pixels of an output look, without landmarks.
//!
//! A transform is `[a, b, c, d, e, f]`: the output pixel centre (u, v) reads the source at x = a u + b v + c, y = d u + e v + f,
//! with pixel centres at integers (the convention of `cv2.warpAffine` with `WARP_INVERSE_MAP`).

/// The transform that shows the rectangle `[x, y, width, height]` (in pixels, edges not centres) in an output of `size` (width, height).
pub fn whole_crop([x, y, width, height]: [f64; 4], size: [usize; 2]) -> [f32; 6] {
    let (sx, sy) = (width / size[0].max(1) as f64, height / size[1].max(1) as f64);
    [sx, 0.0, x + 0.5 * sx - 0.5, 0.0, sy, y + 0.5 * sy - 0.5].map(|v| v as f32)
}

/// The whole picture, whatever its aspect ratio: for crops that are ready.
pub fn stretch(width: u32, height: u32, size: [usize; 2]) -> [f32; 6] {
    whole_crop([0.0, 0.0, f64::from(width), f64::from(height)], size)
}

/// The largest centred rectangle with the aspect ratio of the output.
pub fn centre_crop(width: u32, height: u32, size: [usize; 2]) -> [f32; 6] {
    let (w, h) = (f64::from(width), f64::from(height));
    let ratio = size[0].max(1) as f64 / size[1].max(1) as f64;
    let (cw, ch) = if w > h * ratio { (h * ratio, h) } else { (w, w / ratio) };
    whole_crop([(w - cw) / 2.0, (h - ch) / 2.0, cw, ch], size)
}

/// The same output seen in a mirror: column u shows what column `width - 1 - u` showed.
pub fn mirrored([a, b, c, d, e, f]: [f32; 6], width: usize) -> [f32; 6] {
    let last = width.saturating_sub(1) as f32;
    [-a, b, c + a * last, -d, e, f + d * last]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(t: [f32; 6], u: f64, v: f64) -> [f64; 2] {
        let t = t.map(f64::from);
        [t[0] * u + t[1] * v + t[2], t[3] * u + t[4] * v + t[5]]
    }

    #[test]
    fn a_crop_of_the_output_size_is_the_identity() {
        assert_eq!(stretch(112, 112, [112, 112]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(centre_crop(112, 112, [112, 112]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_centre_crop_keeps_the_aspect_ratio_and_the_centre() {
        let t = centre_crop(300, 200, [96, 112]);
        assert_eq!(t[0], t[4]);
        let [x, y] = look(t, 47.5, 55.5);
        assert!((x - 149.5).abs() < 1e-4 && (y - 99.5).abs() < 1e-4, "{x} {y}");
    }

    #[test]
    fn mirroring_swaps_the_first_and_the_last_column() {
        let t = [0.9, 0.1, 3.0, -0.1, 0.9, 5.0];
        let m = mirrored(t, 112);
        let (p, q) = (look(t, 0.0, 7.0), look(m, 111.0, 7.0));
        assert!((p[0] - q[0]).abs() < 1e-4 && (p[1] - q[1]).abs() < 1e-4);
        let twice = mirrored(m, 112);
        assert!(twice.iter().zip(t).all(|(x, y)| (x - y).abs() < 1e-4));
    }
}
