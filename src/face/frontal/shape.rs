//! The face that views are fitted to: 68 points in space and the triangles between them.
//!
//! The points are derived from ICT-FaceKit, Copyright (c) 2020 USC Institute for Creative Technologies, MIT licence; see NOTICE.

/// Points of the pairs (i, j), symmetric about x = 0: j lies at (x, y, z), i at (-x, y, z). Centimetres; x to the right of the picture,
/// y up, z to the camera.
#[rustfmt::skip]
const PAIRS: [(usize, usize, [f64; 3]); 29] = [
    (0, 16, [7.363, 3.6763, 3.6567]),
    (1, 15, [7.2762, 1.4911, 3.925]),
    (2, 14, [6.9376, -0.4614, 4.5329]),
    (3, 13, [6.5567, -2.3564, 5.1738]),
    (4, 12, [5.724, -4.4868, 6.1275]),
    (5, 11, [4.3023, -6.2072, 7.3472]),
    (6, 10, [3.0511, -6.9124, 8.771]),
    (7, 9, [1.5369, -7.258, 10.2709]),
    (17, 26, [5.8154, 5.1987, 7.9104]),
    (18, 25, [4.9326, 5.9768, 8.9889]),
    (19, 24, [3.7932, 6.2551, 9.8275]),
    (20, 23, [2.4145, 6.1917, 10.4817]),
    (21, 22, [1.1719, 5.9083, 10.7279]),
    (31, 35, [1.2531, -1.1447, 10.8712]),
    (32, 34, [0.6024, -1.1376, 11.4192]),
    (36, 45, [4.459, 3.4321, 8.6029]),
    (37, 44, [3.8691, 3.8747, 9.3627]),
    (38, 43, [2.7813, 3.9361, 9.5314]),
    (39, 42, [1.844, 3.2522, 9.1956]),
    (40, 47, [2.7292, 3.0847, 9.414]),
    (41, 46, [3.856, 3.0716, 9.2287]),
    (48, 54, [2.5349, -3.5196, 10.1875]),
    (49, 53, [1.7021, -2.7768, 11.221]),
    (50, 52, [0.7282, -2.4223, 11.7294]),
    (59, 55, [1.8008, -4.0565, 10.8984]),
    (58, 56, [1.0343, -4.3023, 11.3885]),
    (60, 64, [2.2092, -3.4901, 10.1277]),
    (61, 63, [0.9963, -3.2968, 11.0867]),
    (67, 65, [1.0692, -3.3797, 11.0401]),
];

/// Points on the plane of symmetry: y and z.
#[rustfmt::skip]
const MIDDLE: [(usize, [f64; 2]); 10] = [
    (8, [-7.5671, 10.432]),
    (27, [3.741, 10.7344]),
    (28, [2.6343, 11.5179]),
    (29, [1.6116, 12.306]),
    (30, [0.4059, 13.0691]),
    (33, [-1.2033, 11.5657]),
    (51, [-2.4825, 11.8387]),
    (57, [-4.377, 11.5492]),
    (62, [-3.3235, 11.281]),
    (66, [-3.3998, 11.2526]),
];

/// Points 0 to 59 (all but the inner lips) are corners of triangles.
pub(crate) const CORNERS: usize = 60;

/// The Delaunay triangulation of these 60 seen from the front, anticlockwise with y up. Four points of the brows lie on a circle, twice;
/// either diagonal would do.
#[rustfmt::skip]
pub(crate) const TRIANGLES: [[usize; 3]; 95] = [
    [0, 1, 36], [0, 36, 17], [1, 2, 41], [1, 41, 36], [2, 3, 31], [2, 31, 41], [3, 4, 48], [3, 48, 31], [4, 5, 48], [5, 6, 59], [5,
    59, 48], [6, 7, 59], [7, 8, 57], [7, 57, 58], [7, 58, 59], [8, 9, 57], [9, 10, 55], [9, 55, 56], [9, 56, 57], [10, 11, 55], [11,
    12, 54], [11, 54, 55], [12, 13, 54], [13, 14, 35], [13, 35, 54], [14, 15, 46], [14, 46, 35], [15, 16, 45], [15, 45, 46], [16, 26,
    45], [17, 36, 37], [17, 37, 18], [18, 37, 19], [19, 20, 24], [19, 37, 38], [19, 38, 20], [20, 21, 22], [20, 22, 23], [20, 23, 24],
    [20, 38, 21], [21, 27, 22], [21, 38, 39], [21, 39, 27], [22, 27, 42], [22, 42, 43], [22, 43, 23], [23, 43, 24], [24, 43, 44], [24,
    44, 25], [25, 44, 26], [26, 44, 45], [27, 28, 42], [27, 39, 28], [28, 29, 42], [28, 39, 29], [29, 30, 47], [29, 39, 40], [29, 40,
    30], [29, 47, 42], [30, 31, 32], [30, 32, 33], [30, 33, 34], [30, 34, 35], [30, 35, 47], [30, 40, 31], [31, 40, 41], [31, 48, 49],
    [31, 49, 50], [31, 50, 32], [32, 50, 33], [33, 50, 51], [33, 51, 52], [33, 52, 34], [34, 52, 35], [35, 46, 47], [35, 52, 53], [35,
    53, 54], [36, 41, 37], [37, 41, 38], [38, 40, 39], [38, 41, 40], [42, 47, 43], [43, 46, 44], [43, 47, 46], [44, 46, 45], [48, 59,
    49], [49, 58, 50], [49, 59, 58], [50, 57, 51], [50, 58, 57], [51, 57, 52], [52, 56, 53], [52, 57, 56], [53, 55, 54], [53, 56, 55],
];

/// The ring between the outline of the face and the border of the canvas; 60 to 67 are [`ANCHORS`].
#[rustfmt::skip]
pub(crate) const RING: [[usize; 3]; 31] = [
    [1, 60, 2], [2, 60, 67], [2, 67, 3], [3, 67, 4], [4, 67, 66], [4, 66, 5], [5, 66, 6], [6, 66, 7], [7, 66, 65], [7, 65, 8], [8, 65,
    9], [9, 65, 10], [10, 65, 11], [11, 65, 64], [11, 64, 12], [12, 64, 13], [13, 64, 63], [13, 63, 14], [14, 63, 15], [15, 63, 16],
    [16, 63, 62], [16, 62, 26], [26, 62, 25], [25, 62, 24], [24, 62, 61], [24, 61, 19], [19, 61, 18], [17, 60, 0], [0, 60, 1], [18,
    61, 60], [18, 60, 17],
];

/// Width and height of the canvas in pixels: the input of DeepFace.
pub(crate) const SIDE: u32 = 152;

/// Points on the border of the canvas that hold hair and chin.
pub(crate) const ANCHORS: [[f64; 2]; 8] =
    [[0.0, 0.0], [75.5, 0.0], [151.0, 0.0], [151.0, 75.5], [151.0, 151.0], [75.5, 151.0], [0.0, 151.0], [0.0, 75.5]];

/// Pixels of the canvas for a centimetre.
pub(crate) const SCALE: f64 = 7.5;

/// The 68 points in the order of iBUG 300-W, in centimetres: x to the right of the picture, y up, z to the camera.
pub fn points() -> [[f64; 3]; 68] {
    let mut out = [[0.0; 3]; 68];
    for (i, j, [x, y, z]) in PAIRS {
        out[j] = [x, y, z];
        out[i] = [-x, y, z];
    }
    for (i, [y, z]) in MIDDLE {
        out[i] = [0.0, y, z];
    }
    out
}

/// The triangles over points 0 to 59, anticlockwise as seen by the camera.
pub fn triangles() -> &'static [[usize; 3]] {
    &TRIANGLES
}

/// The point on the other side of the face; points of the middle are their own.
pub fn mirror(point: usize) -> usize {
    let other = |&(i, j, _): &(usize, usize, [f64; 3])| match point {
        _ if point == i => Some(j),
        _ if point == j => Some(i),
        _ => None,
    };
    PAIRS.iter().find_map(other).unwrap_or(point)
}

/// Where a point (or any x and y in its plane) lies on the canvas when the face looks into the camera.
pub(crate) fn canvas([x, y]: [f64; 2]) -> [f64; 2] {
    [76.0 + SCALE * x, 66.0 - SCALE * y]
}

/// The way back.
pub(crate) fn uncanvas([u, v]: [f64; 2]) -> [f64; 2] {
    [(u - 76.0) / SCALE, (66.0 - v) / SCALE]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cross(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    }

    #[test]
    fn no_point_lies_inside_the_circle_of_a_triangle() {
        let p = points().map(|[x, y, _]| [x, y]);
        for t in TRIANGLES {
            let [a, b, c] = t.map(|i| p[i]);
            assert!(cross(a, b, c) > 0.0, "{t:?} is clockwise");
            for (i, d) in p[..CORNERS].iter().enumerate().filter(|(i, _)| !t.contains(i)) {
                let row = |q: [f64; 2]| [q[0] - d[0], q[1] - d[1], (q[0] - d[0]).powi(2) + (q[1] - d[1]).powi(2)];
                let [r, s, t3] = [row(a), row(b), row(c)];
                let det =
                    r[0] * (s[1] * t3[2] - s[2] * t3[1]) - r[1] * (s[0] * t3[2] - s[2] * t3[0]) + r[2] * (s[0] * t3[1] - s[1] * t3[0]);
                assert!(det < 1e-9, "{i} lies inside the circle of {t:?}: {det}");
            }
        }
    }

    #[test]
    fn triangles_and_ring_cover_the_canvas_once() {
        let face: Vec<_> = points()[..CORNERS].iter().map(|&[x, y, _]| canvas([x, y])).chain(ANCHORS).collect();
        // With y down the sense of rotation turns.
        let area = |t: &[usize; 3]| -cross(face[t[0]], face[t[1]], face[t[2]]) / 2.0;
        assert!(TRIANGLES.iter().chain(&RING).all(|t| area(t) > 1.0));
        let total: f64 = TRIANGLES.iter().chain(&RING).map(area).sum();
        assert!((total - 151.0 * 151.0).abs() < 1e-6, "{total}");
    }

    #[test]
    fn mirroring_twice_changes_nothing() {
        let p = points();
        for (i, q) in p.iter().enumerate() {
            assert_eq!(mirror(mirror(i)), i);
            assert_eq!(p[mirror(i)], [if q[0] == 0.0 { 0.0 } else { -q[0] }, q[1], q[2]]);
        }
        let [x, y] = uncanvas(canvas([1.25, -3.5]));
        assert!((x - 1.25).abs() < 1e-12 && (y + 3.5).abs() < 1e-12);
    }
}
