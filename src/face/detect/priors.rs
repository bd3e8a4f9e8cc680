//! The boxes that single-shot detectors give offsets to.

/// Sizes of prior boxes, level by level.
pub(super) struct Table {
    /// Pixels a cell, and the sides of its square boxes in pixels.
    pub(super) levels: &'static [(usize, &'static [f64])],
    /// Whether boxes are cut to the picture: centres and sides to 0..1.
    pub(super) cut: bool,
}

/// Ultra-Light, and RetinaFace's small relatives.
const FOUR: &[(usize, &[f64])] = &[(8, &[10.0, 16.0, 24.0]), (16, &[32.0, 48.0]), (32, &[64.0, 96.0]), (64, &[128.0, 192.0, 256.0])];

/// Ultra-Light-Fast-Generic-Face-Detector-1MB.
pub(super) const ULTRA_LIGHT: Table = Table { levels: FOUR, cut: true };

/// RetinaFace on MobileNet-0.25 and ResNet-50; `slim` and `RFB` of Face-Detector-1MB-with-landmark. Their numbers of priors differ.
pub(super) const RETINA_FACE: [Table; 2] =
    [Table { levels: &[(8, &[16.0, 32.0]), (16, &[64.0, 128.0]), (32, &[256.0, 512.0])], cut: false }, Table { levels: FOUR, cut: false }];

impl Table {
    /// How many boxes an input of `size` = width, height has.
    pub(super) fn count(&self, size: [usize; 2]) -> usize {
        self.levels.iter().map(|&(stride, sides)| size[0].div_ceil(stride) * size[1].div_ceil(stride) * sides.len()).sum()
    }

    /// Centre x, centre y, width, height of every box in parts of `size`: level by level, row by row, cell by cell.
    pub(super) fn boxes(&self, size: [usize; 2]) -> Vec<[f64; 4]> {
        let [width, height] = size.map(|n| n as f64);
        let mut out = Vec::with_capacity(self.count(size));
        for &(stride, sides) in self.levels {
            for row in 0..size[1].div_ceil(stride) {
                for column in 0..size[0].div_ceil(stride) {
                    let centre = |cell: usize, extent: f64| (cell as f64 + 0.5) * stride as f64 / extent;
                    for side in sides {
                        let prior = [centre(column, width), centre(row, height), side / width, side / height];
                        out.push(if self.cut { prior.map(|x| x.clamp(0.0, 1.0)) } else { prior });
                    }
                }
            }
        }
        out
    }
}

/// The box `[left, top, right, bottom]` of offsets to a prior, in its units. Variances 0.1 and 0.2.
pub(super) fn decoded(prior: [f64; 4], offsets: &[f32]) -> [f64; 4] {
    let o = |i: usize| f64::from(offsets.get(i).copied().unwrap_or(f32::NAN));
    let [cx, cy, w, h] = prior;
    let centre = [cx + o(0) * 0.1 * w, cy + o(1) * 0.1 * h];
    let half = [(o(2) * 0.2).exp() * w / 2.0, (o(3) * 0.2).exp() * h / 2.0];
    [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]]
}

/// The point of an offset to a prior, in its units.
pub(super) fn point([cx, cy, w, h]: [f64; 4], offset: [f32; 2]) -> [f64; 2] {
    [cx + f64::from(offset[0]) * 0.1 * w, cy + f64::from(offset[1]) * 0.1 * h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_inputs_have_the_published_numbers_of_priors() {
        // As the papers' repositories print them.
        assert_eq!(ULTRA_LIGHT.count([320, 240]), 4420);
        assert_eq!(ULTRA_LIGHT.count([640, 480]), 17640);
        assert_eq!(RETINA_FACE[0].count([640, 640]), 16800);
        for table in RETINA_FACE.iter().chain([&ULTRA_LIGHT]) {
            for size in [[320, 240], [33, 65], [1, 1]] {
                assert_eq!(table.boxes(size).len(), table.count(size));
            }
        }
    }

    #[test]
    fn no_offset_leaves_the_prior_and_one_in_units_of_the_variance_moves_it() {
        let prior = [0.5, 0.25, 0.2, 0.1];
        let near = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-7);
        assert!(near(decoded(prior, &[0.0; 4]), [0.4, 0.2, 0.6, 0.3]));
        let doubled = 2f32.ln() / 0.2;
        assert!(near(decoded(prior, &[10.0, -10.0, doubled, 0.0]), [0.5, 0.1, 0.9, 0.2]));
        assert!(decoded(prior, &[]).iter().all(|x| x.is_nan()));
        assert!((point(prior, [5.0, 0.0])[0] - 0.6).abs() < 1e-9);
    }

    #[test]
    fn priors_are_cut_to_the_picture_only_where_the_authors_do() {
        let largest = |t: &Table| t.boxes([320, 240]).iter().flatten().fold(0.0, |a: f64, &b| a.max(b));
        assert_eq!(largest(&ULTRA_LIGHT), 1.0);
        assert!((largest(&RETINA_FACE[1]) - 256.0 / 240.0).abs() < 1e-12);
    }
}
