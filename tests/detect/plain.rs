//! The meaning of each network's outputs in f64, written down cell by cell: slow, and nothing in common with the crate's decoding.

/// What a network says of one place: corners in pixels of its input, the score, points.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) corners: [f64; 4],
    pub(crate) score: f64,
    pub(crate) points: Vec<[f64; 2]>,
}

/// Numbers of one picture in an output.
pub(crate) type Numbers<'a> = &'a dyn Fn(&str) -> Vec<f64>;

const FOUR: [(usize, &[f64]); 4] = [(8, &[10.0, 16.0, 24.0]), (16, &[32.0, 48.0]), (32, &[64.0, 96.0]), (64, &[128.0, 192.0, 256.0])];

/// RetinaFace with four levels (`cut` = false, points) and Ultra-Light (`cut` = true, none): square priors in pixels.
pub(crate) fn priors([width, height]: [usize; 2], cut: bool, names: [&str; 3], numbers: Numbers<'_>) -> Vec<Found> {
    let (boxes, scores) = (numbers(names[0]), numbers(names[1]));
    let points = if cut { Vec::new() } else { numbers(names[2]) };
    let mut out = Vec::new();
    let mut k = 0;
    for (stride, sides) in FOUR {
        let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
        for cell in 0..rows * columns {
            let (mut x, mut y) = (((cell % columns) as f64 + 0.5) * stride as f64, ((cell / columns) as f64 + 0.5) * stride as f64);
            for &side in sides {
                let (mut w, mut h) = (side, side);
                if cut {
                    (x, y, w, h) = (x.min(width as f64), y.min(height as f64), w.min(width as f64), h.min(height as f64));
                }
                let o = &boxes[4 * k..4 * k + 4];
                let (cx, cy) = (x + 0.1 * o[0] * w, y + 0.1 * o[1] * h);
                let (bw, bh) = (w * (0.2 * o[2]).exp(), h * (0.2 * o[3]).exp());
                let at = |i: usize| [x + 0.1 * points[10 * k + 2 * i] * w, y + 0.1 * points[10 * k + 2 * i + 1] * h];
                out.push(Found {
                    corners: [cx - bw / 2.0, cy - bh / 2.0, cx + bw / 2.0, cy + bh / 2.0],
                    score: scores[2 * k + 1],
                    points: if cut { Vec::new() } else { (0..5).map(at).collect() },
                });
                k += 1;
            }
        }
    }
    assert_eq!(boxes.len(), 4 * k);
    out
}

/// YuNet: a cell says where the centre lies from its corner, and logarithms of the sides, in strides.
pub(crate) fn yunet([width, height]: [usize; 2], numbers: Numbers<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for stride in [8, 16, 32] {
        let of = |name: &str| numbers(&format!("{name}_{stride}"));
        let (cls, obj, bbox, kps) = (of("cls"), of("obj"), of("bbox"), of("kps"));
        let (columns, s) = (width / stride, stride as f64);
        for k in 0..columns * (height / stride) {
            let (c, r) = ((k % columns) as f64, (k / columns) as f64);
            let (x, y) = (s * (c + bbox[4 * k]), s * (r + bbox[4 * k + 1]));
            let (w, h) = (s * bbox[4 * k + 2].exp(), s * bbox[4 * k + 3].exp());
            out.push(Found {
                corners: [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0],
                score: (cls[k].clamp(0.0, 1.0) * obj[k].clamp(0.0, 1.0)).sqrt(),
                points: (0..5).map(|i| [s * (kps[10 * k + 2 * i] + c), s * (kps[10 * k + 2 * i + 1] + r)]).collect(),
            });
        }
    }
    out
}

/// SCRFD: two anchors at the corner of each cell say how far the sides and points are, in strides.
pub(crate) fn scrfd([width, height]: [usize; 2], numbers: Numbers<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for stride in [8, 16, 32] {
        let of = |name: &str| numbers(&format!("{name}_{stride}"));
        let (score, bbox, kps) = (of("score"), of("bbox"), of("kps"));
        for row in 0..height / stride {
            for column in 0..width / stride {
                for anchor in 0..2 {
                    let k = (row * (width / stride) + column) * 2 + anchor;
                    let (x, y, s) = ((column * stride) as f64, (row * stride) as f64, stride as f64);
                    let b = &bbox[4 * k..4 * k + 4];
                    out.push(Found {
                        corners: [x - s * b[0], y - s * b[1], x + s * b[2], y + s * b[3]],
                        score: score[k],
                        points: (0..5).map(|i| [x + s * kps[10 * k + 2 * i], y + s * kps[10 * k + 2 * i + 1]]).collect(),
                    });
                }
            }
        }
    }
    out
}

fn area(b: [f64; 4], extra: f64) -> f64 {
    (b[2] - b[0] + extra).max(0.0) * (b[3] - b[1] + extra).max(0.0)
}

/// Repeatedly takes the best one and strikes out what shares more than `most` with it.
pub(crate) fn best(mut all: Vec<Found>, threshold: f64, most: f64, extra: f64) -> Vec<Found> {
    all.retain(|f| f.score >= threshold && f.corners[2] > f.corners[0] && f.corners[3] > f.corners[1]);
    let mut kept = Vec::new();
    while let Some(i) = (0..all.len()).max_by(|&a, &b| all[a].score.total_cmp(&all[b].score)) {
        let first = all.remove(i);
        all.retain(|f| {
            let (a, b) = (first.corners, f.corners);
            let common = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])], extra);
            // Two sides that are both apart are no area.
            let none = a[2].min(b[2]) + extra < a[0].max(b[0]) || a[3].min(b[3]) + extra < a[1].max(b[1]);
            let common = if none { 0.0 } else { common };
            common / (area(a, extra) + area(b, extra) - common) <= most
        });
        kept.push(first);
    }
    kept
}
