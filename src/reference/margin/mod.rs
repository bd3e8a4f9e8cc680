//! Training objectives of face recognition: what each is, and its value and gradients in plain f64.
//!
//! Rules that hold for all of them: losses are means over the rows whose label is not -1; a row of length up to 1e-12 has no direction,
//! its cosines are 0 and so is its gradient.

pub mod classes;
pub mod pairs;
pub mod regular;
pub mod triplets;

/// What is done where θ + m > π, beyond which cos(θ + m) would rise again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Nothing (InsightFace).
    None,
    /// `c - m sin m` (face.evoLVe).
    Linear,
    /// A margin only where the cosine is positive.
    Easy,
}

/// How margins are differentiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivative {
    /// As they are.
    Exact,
    /// As if they were constants: what InsightFace's PyTorch trainer does.
    StraightThrough,
}

/// A loss on classes: embeddings `x` (B x D) against one weight row per class `w` (C x D), labels of -1 ignored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClassLoss {
    /// `z = x Wᵀ + b`.
    Softmax,
    /// `z = α x/|x| Wᵀ + b` (Ranjan 2017).
    L2Softmax {
        /// The length that embeddings are brought to.
        alpha: f64,
    },
    /// `z = s c`, the normalised softmax; also COCO.
    Nsl {
        /// Scale.
        s: f64,
    },
    /// Target `s (c - m)` (Wang 2018).
    CosFace {
        /// Scale.
        s: f64,
        /// Margin in cosine.
        m: f64,
        /// Other classes with a greater cosine count nothing, for noisy labels.
        interclass_filter: Option<f64>,
    },
    /// Target `s cos(θ + m)` (Deng 2019).
    ArcFace {
        /// Scale.
        s: f64,
        /// Margin in radians.
        m: f64,
        /// Beyond π.
        boundary: Boundary,
        /// Of the margin.
        grad: Derivative,
        /// As CosFace's.
        interclass_filter: Option<f64>,
    },
    /// Target `s (cos(m1 θ + m2) - m3)`.
    Combined {
        /// Scale.
        s: f64,
        /// Factor of the angle.
        m1: f64,
        /// Radians added.
        m2: f64,
        /// Cosine taken off.
        m3: f64,
        /// As CosFace's.
        interclass_filter: Option<f64>,
    },
    /// `z = s (π - 2 θ) / π`, target `s (π - 2 (θ + m)) / π` (Li 2019).
    LiArcFace {
        /// Scale.
        s: f64,
        /// Margin in radians.
        m: f64,
    },
    /// CosFace with a learned margin per class, and `λ (1 - mean margin)` added (Liu 2019).
    AdaptiveFace {
        /// Scale.
        s: f64,
        /// Weight of the margins' own term.
        lambda: f64,
    },
    /// ArcFace whose other classes are weighted by how near they come to the target.
    ArcNegFace {
        /// Scale.
        s: f64,
        /// Margin in radians.
        m: f64,
        /// Height of the weight.
        alpha: f64,
        /// Width of the weight.
        sigma: f64,
    },
    /// `z = |x| |w| c`, target `|x| |w| (λ c + ψ(θ)) / (1 + λ)` (Liu 2016).
    LSoftmax {
        /// 1 to 4.
        m: u8,
        /// See [`Annealing`].
        lambda: f64,
    },
    /// `z = |x| c`, target `|x| (λ c + ψ(θ)) / (1 + λ)` (Liu 2017, SphereFace).
    ASoftmax {
        /// 1 to 4.
        m: u8,
        /// See [`Annealing`].
        lambda: f64,
        /// The gradients of the authors' Caffe layer instead of the exact ones, for comparing trajectories.
        caffe: bool,
    },
}

/// λ of L- and A-softmax over the steps of a training: `max(least, base (1 + gamma t)^-power)`, t from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    /// At the beginning.
    pub base: f64,
    /// Speed.
    pub gamma: f64,
    /// Exponent.
    pub power: f64,
    /// Where it stops.
    pub least: f64,
}

impl Annealing {
    /// SphereFace's, as its authors' files have it.
    pub const SPHEREFACE: Self = Self { base: 1000.0, gamma: 0.12, power: 1.0, least: 5.0 };
    /// L-softmax's on MNIST.
    pub const L_SOFTMAX: Self = Self { base: 1000.0, gamma: 2.5e-5, power: 35.0, least: 0.0 };

    /// λ of step `t`, from 1.
    pub fn at(&self, t: u64) -> f64 {
        (self.base * (1.0 + self.gamma * t as f64).powf(-self.power)).max(self.least)
    }
}

/// A loss on pairs of embeddings, each of the same person or of different ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PairLoss {
    /// Same: `d²/2`; different: `max(0, m - d)²/2`; d Euclidean (Hadsell 2006; DeepID2's L2 form).
    ContrastiveL2 {
        /// Radius within which different ones are pushed apart.
        margin: f64,
    },
    /// Same: `|d|₁`; different: `max(0, m - |d|₁)` (DeepID2's L1 form).
    ContrastiveL1 {
        /// As above.
        margin: f64,
    },
    /// `(t - σ(w cos + b))²/2` with learned `w` and `b` (DeepID2's cosine form).
    Cosine {
        /// Slope.
        w: f64,
        /// Offset.
        b: f64,
    },
    /// `-ln q` of the same, `-ln (1 - q)` of different ones, `q = σ(b - |d|₁)` with learned `b`: the logistic unit on top of a Siamese network
    /// (DeepFace, Taigman 2014), its weights taken into the rows.
    LogisticL1 {
        /// Offset.
        b: f64,
    },
}

/// How a student's embeddings follow a teacher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distillation {
    /// `mean (1 - cos)²` (ShrinkTeaNet).
    Angular,
    /// `mean |x/|x| - t/|t||²` (VarGFaceNet).
    UnitL2,
    /// Mean of squared differences over all elements.
    L2Mean,
    /// Squared distance, mean over rows.
    L2RowSum,
}

/// What a triplet compares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TripletLoss {
    /// `max(0, |a-p|² - |a-n|² + α)` (FaceNet).
    Squared {
        /// α.
        alpha: f64,
    },
    /// `max(0, |a-p| - |a-n| + m)` (Hermans 2017).
    Euclidean {
        /// m.
        margin: f64,
    },
    /// `softplus(|a-p| - |a-n|)`.
    Soft,
    /// `max(0, ∠(a,p) - ∠(a,n) + α)` (InsightFace).
    Angular {
        /// α in radians.
        alpha: f64,
    },
}

/// How triplets are chosen from a batch with labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mining {
    /// For every ordered pair (a, p) the nearest negative with `d_ap < d_an < d_ap + α`, d the squared distance; with `angular`, the angle.
    SemiHard {
        /// α.
        alpha: f64,
        /// The nearest negative outside d_ap whatever α says, and if there is none the farthest negative.
        fallback: bool,
        /// By angles.
        angular: bool,
    },
    /// For every anchor the farthest positive and the nearest negative.
    BatchHard,
}

/// Row `i` of a matrix of `columns`.
fn row(m: &[f64], columns: usize, i: usize) -> &[f64] {
    &m[i * columns..(i + 1) * columns]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Length and direction; no direction up to a length of 1e-12.
fn unit(v: &[f64]) -> (f64, Vec<f64>) {
    let norm = dot(v, v).sqrt();
    let inverse = if norm > 1e-12 { 1.0 / norm } else { 0.0 };
    (norm, v.iter().map(|x| x * inverse).collect())
}

/// `to += factor * from`.
fn add(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(t, f)| *t += factor * f);
}

/// The gradient by `v` of something whose gradient by the direction `u` of `v` is `g`.
fn through_direction(g: &[f64], u: &[f64], norm: f64) -> Vec<f64> {
    let inverse = if norm > 1e-12 { 1.0 / norm } else { 0.0 };
    let along = dot(g, u);
    g.iter().zip(u).map(|(g, u)| (g - along * u) * inverse).collect()
}
