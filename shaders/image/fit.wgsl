// Where the crops of faces lie in a photo: one transform a face, in the form that image/warp takes.
//
//   landmarks onto points   the least-squares similarity (Umeyama 1991, in two dimensions without a decomposition) or affine map,
//                           turned round: from pixels of the crop to pixels of the photo
//   a box                   grown by a margin, as it lies or turned until the eyes are level
//
// Points are centred before anything is summed: numbers of the size of a face, not of a photo.
//
// Layouts   faces: [face][left, top, right, bottom, then x, y of each landmark]; y: [face] as image/warp reads it
// Threads   64 in a row over faces; folded grid. Workgroup memory: none.
#import shared/index

const SIMILARITY: u32 = 0u;
const AFFINE: u32 = 1u;
const GROWN: u32 = 2u;
const STRETCHED: u32 = 3u;
const LEVEL: u32 = 4u;

// What is wrong with a face; the order of face::align::device.
const FINE: u32 = 0u;
const NOT_FINITE: u32 = 1u;
const COINCIDE: u32 = 2u;
const NEARLY: u32 = 3u;
const EYES: u32 = 4u;
const EMPTY: u32 = 5u;

// A flat set of points has a determinant this small beside its entries; products of f32 leave some 1e-7.
const FLAT: f32 = 1e-6;

struct Params {
    faces: u32,
    landmarks: u32,             // of a face
    placement: u32,             // one of the above
    points: u32,                // of the crop, up to 5
    averaged: u32,               // as many samples a pixel as it covers of the photo
    origin: u32,                // the landmark that distances are measured from
    width: f32,                 // of the crop
    height: f32,
    photo_width: f32,
    photo_height: f32,
    margin_x: f32,              // parts of the crop outside of the box
    margin_y: f32,
    eyes: vec4<f32>,            // first landmark and number of each eye's
    onto: array<vec4<f32>, 5>,  // x, y of a point; first landmark and number of those whose mean goes there
}

struct Look {
    slot: u32,
    samples: u32,
    black: u32,
    wrong: u32,
    ax: f32,
    bx: f32,
    cx: f32,
    ay: f32,
    by: f32,
    cy: f32,
    residual: f32,  // rms over the distance of the first two points
    scale: f32,     // pixels of the crop for one of the photo
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> faces: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<Look>;

// By bits: compilers may take comparisons for granted.
fn is_finite(v: f32) -> bool {
    return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u;
}

fn is_finite_point(v: vec2<f32>) -> bool {
    return is_finite(v.x) && is_finite(v.y);
}

// Landmark number i of the face whose numbers begin at `base`.
fn landmark(base: u32, i: u32) -> vec2<f32> {
    let at = base + 4u + 2u * i;
    return vec2<f32>(faces[at], faces[at + 1u]);
}

// The mean of `count` landmarks from `first` on, as a distance from the origin.
fn mean_of(base: u32, first: f32, count: f32) -> vec2<f32> {
    let origin = landmark(base, p.origin);
    var sum = vec2<f32>();
    for (var i = 0u; i < u32(count); i++) {
        sum += landmark(base, u32(first) + i) - origin;
    }
    return sum / max(count, 1.0);
}

// From the crop's pixels, centred at `crop`, to the photo's, centred at `place`.
fn looks(face: u32, m: mat2x2<f32>, crop: vec2<f32>, place: vec2<f32>, wrong: u32) -> Look {
    var look: Look;
    look.slot = face;
    look.black = 1u;
    let c = place - m * crop;
    let longest = max(length(m[0]), length(m[1]));
    look.samples = select(1u, u32(clamp(ceil(longest), 1.0, 32.0)), p.averaged != 0u);
    let determinant = m[0].x * m[1].y - m[1].x * m[0].y;
    let finite = is_finite_point(m[0]) && is_finite_point(m[1]) && is_finite_point(c) && abs(determinant) > 0.0;
    look.wrong = select(wrong, select(NEARLY, FINE, finite), wrong == FINE);
    if (look.wrong != FINE) {
        // Beyond every photo: black.
        look.samples = 1u;
        look.cx = -1e6;
        look.cy = -1e6;
        return look;
    }
    look.ax = m[0].x;
    look.bx = m[1].x;
    look.cx = c.x;
    look.ay = m[0].y;
    look.by = m[1].y;
    look.cy = c.y;
    look.scale = 1.0 / sqrt(abs(determinant));
    return look;
}

fn onto_points(face: u32, base: u32) -> Look {
    let n = f32(p.points);
    var source: array<vec2<f32>, 5>;
    var mean = vec2<f32>();
    var middle = vec2<f32>();
    var wrong = FINE;
    for (var i = 0u; i < p.points; i++) {
        source[i] = mean_of(base, p.onto[i].z, p.onto[i].w);
        if (!is_finite_point(source[i])) {
            wrong = NOT_FINITE;
        }
        mean += source[i] / n;
        middle += p.onto[i].xy / n;
    }
    // Sums over pairs of centred points: photo by photo, crop by photo.
    var ss = vec3<f32>();  // xx, xy, yy
    var ts = mat2x2<f32>();
    for (var i = 0u; i < p.points; i++) {
        let s = source[i] - mean;
        let t = p.onto[i].xy - middle;
        ss += vec3<f32>(s.x * s.x, s.x * s.y, s.y * s.y);
        ts += mat2x2<f32>(t * s.x, t * s.y);
    }
    var to_crop = mat2x2<f32>();
    let spread = ss.x + ss.z;
    if (p.placement == SIMILARITY) {
        let a = (ts[0].x + ts[1].y) / spread;
        let b = (ts[0].y - ts[1].x) / spread;
        to_crop = mat2x2<f32>(a, b, -b, a);
        if (wrong == FINE && !(spread > 1e-12)) {
            wrong = COINCIDE;
        }
    } else {
        let determinant = ss.x * ss.z - ss.y * ss.y;
        let size = dot(ss, ss) + ss.y * ss.y;
        let back = mat2x2<f32>(ss.z, -ss.y, -ss.y, ss.x) * (1.0 / determinant);
        to_crop = ts * back;
        if (wrong == FINE && (!(size > 1e-24) || !(abs(determinant) > FLAT * size))) {
            wrong = COINCIDE;
        }
    }
    let size = dot(to_crop[0], to_crop[0]) + dot(to_crop[1], to_crop[1]);
    let determinant = to_crop[0].x * to_crop[1].y - to_crop[1].x * to_crop[0].y;
    if (wrong == FINE && (!(size > 1e-24) || !(abs(determinant) > FLAT * size))) {
        wrong = NEARLY;
    }
    let to_photo = mat2x2<f32>(to_crop[1].y, -to_crop[0].y, -to_crop[1].x, to_crop[0].x) * (1.0 / determinant);
    var squares = 0.0;
    for (var i = 0u; i < p.points; i++) {
        let off = to_crop * (source[i] - mean) - (p.onto[i].xy - middle);
        squares += dot(off, off);
    }
    var look = looks(face, to_photo, middle, landmark(base, p.origin) + mean, wrong);
    look.residual = sqrt(squares / n) / max(distance(p.onto[0].xy, p.onto[1].xy), 1e-9);
    return look;
}

// Centre and extent along one axis, cut to the photo.
fn cut(centre: f32, side: f32, end: f32) -> vec2<f32> {
    // Pixel centres at integers: the photo reaches from -0.5 to its size - 0.5.
    let low = max(centre - 0.5 * side, -0.5);
    let high = min(centre + 0.5 * side, end - 0.5);
    return vec2<f32>(0.5 * (low + high), high - low);
}

fn of_box(face: u32, base: u32) -> Look {
    let low = vec2<f32>(faces[base], faces[base + 1u]);
    let high = vec2<f32>(faces[base + 2u], faces[base + 3u]);
    var wrong = FINE;
    var turn = vec2<f32>(1.0, 0.0);
    if (p.placement == LEVEL) {
        let across = mean_of(base, p.eyes.z, p.eyes.w) - mean_of(base, p.eyes.x, p.eyes.y);
        let apart = length(across);
        if (is_finite(apart) && apart > 1e-6) {
            turn = across / apart;
        } else {
            wrong = EYES;
        }
    }
    var side = (high - low) / (1.0 - vec2<f32>(p.margin_x, p.margin_y));
    var centre = 0.5 * (low + high);
    if (!is_finite_point(low) || !is_finite_point(high) || high.x <= low.x || high.y <= low.y) {
        wrong = select(wrong, EMPTY, wrong == FINE);
    }
    if (p.placement == STRETCHED) {
        let x = cut(centre.x, side.x, p.photo_width);
        let z = cut(centre.y, side.y, p.photo_height);
        centre = vec2<f32>(x.x, z.x);
        side = vec2<f32>(x.y, z.y);
    } else {
        let ratio = p.width / p.height;
        side = vec2<f32>(max(side.x, side.y * ratio), max(side.y, side.x / ratio));
    }
    if (wrong == FINE && !(side.x > 0.0 && side.y > 0.0)) {
        wrong = EMPTY;
    }
    let s = side / vec2<f32>(p.width, p.height);
    let m = mat2x2<f32>(turn.x * s.x, turn.y * s.x, -turn.y * s.y, turn.x * s.y);
    return looks(face, m, 0.5 * (vec2<f32>(p.width, p.height) - 1.0), centre, wrong);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let face = linear_index(group, groups, 64u, local);
    if (face >= p.faces) {
        return;
    }
    let base = face * (4u + 2u * p.landmarks);
    if (p.placement <= AFFINE) {
        y[face] = onto_points(face, base);
    } else {
        y[face] = of_box(face, base);
    }
}
