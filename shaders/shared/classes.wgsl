// Parameters of the margin family, shared by all its kernels. Mirrored by kernels::margin::Params.
struct Params {
    kind: u32,        // which logits, pair loss, triplet loss or mining: order of kernels::margin
    flags: u32,       // see below
    rows: u32,        // embeddings, pairs, triplets
    stride: u32,      // rows of a block of products: rows, padded to a multiple of 4
    classes: u32,     // of the whole matrix
    first: u32,       // class that a block begins with
    count: u32,       // classes in the block
    width: u32,       // the same, padded to a multiple of 4
    chunk: u32,       // first row of partial sums that a dispatch writes
    chunks: u32,      // rows of partial sums in all
    depth: u32,       // vec4s of an embedding
    boundary: u32,    // ArcFace beyond pi: 0 none, 1 linear, 2 easy
    scale: f32,       // s; alpha of L2-softmax
    m1: f32,          // factor of the angle; whole m of L- and A-softmax
    m2: f32,          // added to the angle
    m3: f32,          // taken from the cosine; margins in distance
    cos_m: f32,       // of m2, from the host
    sin_m: f32,
    lambda: f32,      // annealing
    ceiling: f32,     // inter-class filter: other classes above it count nothing
    alpha: f32,
    sigma: f32,
    smoothing: f32,   // label smoothing
    weight: f32,      // 1 / valid rows
}

// Bits of Params.flags.
const UNIT_X: u32 = 1u;            // x is brought to length 1 (linear logits, distances, triplets)
const STRAIGHT_THROUGH: u32 = 2u;  // margins have no derivative
const CAFFE_X: u32 = 4u;           // A-softmax with the authors' gradient of x
const CAFFE_W: u32 = 8u;           // and of W
const PLAIN: u32 = 16u;            // combine adds without a factor
const SOFT: u32 = 32u;             // softplus instead of a hinge
const ANGULAR: u32 = 64u;          // mining by angles
const FALLBACK: u32 = 128u;        // mining: nearest negative outside, else the farthest

@group(0) @binding(0) var<uniform> p: Params;

fn has(flag: u32) -> bool {
    return (p.flags & flag) != 0u;
}
