//! Boxes of MTCNN: 1-based, both corners inside, x right, y down.

use crate::face::detect::MtcnnRules;
use crate::face::detect::real::Real;

/// Side of the window that the first network slides over a level.
const WINDOW: f64 = 12.0;
/// Scale from one level to the next.
pub(super) const FACTOR: f64 = 0.709;

/// A rectangle of pixels, 0-based, that may reach beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crop {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Scales of the levels of a picture, largest first.
pub(super) fn pyramid([w, h]: [u32; 2], min_face: f64) -> Vec<f64> {
    let mut scale = WINDOW / min_face;
    let mut side = f64::from(w.min(h)) * scale;
    let mut scales = Vec::new();
    while side >= WINDOW {
        scales.push(scale);
        scale *= FACTOR;
        side *= FACTOR;
    }
    scales
}

/// Width and height of a level in pixels.
pub(super) fn level(rules: MtcnnRules, picture: [u32; 2], scale: f64) -> [usize; 2] {
    picture.map(|n| match rules {
        MtcnnRules::FacenetPytorch => (f64::from(n) * scale + 1.0) as usize,
        MtcnnRules::Authors => (f64::from(n) * scale).ceil() as usize,
    })
}

/// The box of a cell (column, row) of a level, which stands for a window every two pixels.
pub(super) fn cell_to_box<T: Real>(cell: [usize; 2], scale: f64) -> [T; 4] {
    let corner = |c: usize, add: f64| (T::of(2.0 * c as f64 + add) / T::of(scale)).trunc();
    let [x, y] = cell;
    [corner(x, 1.0), corner(y, 1.0), corner(x, WINDOW), corner(y, WINDOW)]
}

/// Moved by offsets in parts of the sides. `extra` is what sides have beyond the difference of corners: 0 for proposals, then 1.
pub(super) fn calibrate<T: Real>([x1, y1, x2, y2]: [T; 4], offsets: [f32; 4], extra: T) -> [T; 4] {
    let (w, h) = (x2 - x1 + extra, y2 - y1 + extra);
    let [a, b, c, d] = offsets.map(T::from);
    [x1 + a * w, y1 + b * h, x2 + c * w, y2 + d * h]
}

/// The square around the same centre with the longer side.
pub(super) fn square<T: Real>([x1, y1, x2, y2]: [T; 4]) -> [T; 4] {
    let (w, h) = (x2 - x1, y2 - y1);
    let side = w.or_more(h);
    let half = T::from(0.5);
    let (left, top) = (x1 + w * half - side * half, y1 + h * half - side * half);
    [left, top, left + side, top + side]
}

/// The points of a box from the third network's numbers: five x, then five y, in parts of the sides. 0-based.
pub(super) fn points<T: Real>([x1, y1, x2, y2]: [T; 4], raw: &[f32]) -> Vec<[T; 2]> {
    let one = T::from(1.0);
    let (w, h) = (x2 - x1 + one, y2 - y1 + one);
    let (xs, ys) = raw.split_at(raw.len() / 2);
    xs.iter().zip(ys).map(|(&x, &y)| [w * T::from(x) + x1 - one, h * T::from(y) + y1 - one]).collect()
}

/// The pixels of a box that the next network sees: padded with black beyond the picture, or clipped to it. `None` where there are none.
pub(super) fn crop<T: Real>(rules: MtcnnRules, corners: [T; 4], [width, height]: [u32; 2]) -> Option<Crop> {
    // Beyond this no picture reaches, nor may a look.
    const FAR: f64 = 65535.0;
    let [mut x1, mut y1, mut x2, mut y2] = corners.map(|v| v.wide().trunc());
    // Which the next lines would make a corner of the picture.
    if [x1, y1, x2, y2].iter().any(|v| v.is_nan()) {
        return None;
    }
    if rules == MtcnnRules::FacenetPytorch {
        (x1, y1) = (x1.max(1.0), y1.max(1.0));
        (x2, y2) = (x2.min(f64::from(width)), y2.min(f64::from(height)));
    }
    let fits = |from: f64, to: f64| from.abs() <= FAR && to >= from && to - from < FAR;
    (fits(x1, x2) && fits(y1, y2)).then(|| Crop {
        left: x1 as i32 - 1,
        top: y1 as i32 - 1,
        width: (x2 - x1) as u32 + 1,
        height: (y2 - y1) as u32 + 1,
    })
}

#[cfg(test)]
#[path = "geometry_tests.rs"]
mod tests;
