//! Joint Bayesian (Chen et al. 2012): an embedding is its person's mean plus a deviation, both Gaussian.

use nalgebra::DMatrix;

use super::linalg::{eigen, mean, row_major, scatter, symmetric};
use super::{LogRatio, Projection, Samples};
use crate::error::{Error, Result};

/// How the two covariances are estimated anew in every iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MStep {
    /// Expectation maximisation with the posterior's covariance: the likelihood never falls.
    #[default]
    Full,
    /// From the posterior's means alone, as published. Directions in which people differ little shrink with every iteration: stop early.
    Published,
}

/// Choices of [`JointBayesian::fit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointBayesianOptions {
    /// Iterations; 0 keeps the covariances of class means and of deviations from them.
    pub iterations: usize,
    /// How covariances are estimated.
    pub m_step: MStep,
    /// This part of the mean variance within people is added to all of them, so that S_ε can be inverted.
    pub regulariser: f64,
}

impl Default for JointBayesianOptions {
    fn default() -> Self {
        Self { iterations: 20, m_step: MStep::Full, regulariser: 1e-6 }
    }
}

/// The fitted model. Matrices are row-major, `[dimension][dimension]`.
#[derive(Clone, Debug, PartialEq)]
pub struct JointBayesian {
    /// The mean of the samples.
    pub mean: Vec<f64>,
    /// Covariance of people.
    pub s_mu: Vec<f64>,
    /// Covariance within people.
    pub s_eps: Vec<f64>,
    /// V with `V S_ε Vᵀ = 1` and `V S_μ Vᵀ = diag(φ)`.
    pub basis: Vec<f64>,
    /// φ, descending.
    pub phi: Vec<f64>,
    /// Of the samples, in nats.
    pub log_likelihood: f64,
}

/// Both covariances diagonal.
struct Basis {
    /// V.
    forward: DMatrix<f64>,
    /// Its inverse.
    back: DMatrix<f64>,
    phi: Vec<f64>,
    /// `ln |S_ε|`.
    log_determinant: f64,
}

impl Basis {
    fn new(s_mu: &DMatrix<f64>, s_eps: &DMatrix<f64>) -> Result<Self> {
        let singular = || {
            Error::Caller(
                "The embeddings of one person do not differ in every direction, so Joint Bayesian cannot divide by their covariance. Choose a smaller --dimension, or give more embeddings."
                    .to_owned(),
            )
        };
        let l = s_eps.clone().cholesky().ok_or_else(singular)?.unpack();
        let log_determinant = 2.0 * l.diagonal().iter().map(|x| x.ln()).sum::<f64>();
        let half = l.solve_lower_triangular(s_mu).ok_or_else(singular)?;
        let scaled = l.solve_lower_triangular(&half.transpose()).ok_or_else(singular)?;
        let (phi, q) = eigen(symmetric(scaled));
        let forward = l.tr_solve_lower_triangular(&q).ok_or_else(singular)?.transpose();
        if !log_determinant.is_finite() || forward.iter().any(|x| !x.is_finite()) {
            return Err(singular());
        }
        Ok(Self { forward, back: l * q, phi: phi.into_iter().map(|p| p.max(0.0)).collect(), log_determinant })
    }
}

/// What the data say, whatever the covariances: sums of every person, and `Σ x xᵀ`. Centred.
struct Statistics {
    /// `[dimension, person]`.
    sums: DMatrix<f64>,
    counts: Vec<f64>,
    scatter: DMatrix<f64>,
    rows: f64,
}

impl Statistics {
    fn new(samples: &Samples, mean: &[f64]) -> Self {
        let d = samples.dimension();
        let mut sums = DMatrix::zeros(d, samples.people());
        for (mut sum, rows) in sums.column_iter_mut().zip(samples.by_person()) {
            for &row in rows {
                sum.iter_mut().zip(samples.row(row).iter().zip(mean)).for_each(|(s, (x, m))| *s += x - m);
            }
        }
        let counts = samples.by_person().iter().map(|p| p.len() as f64).collect();
        Self { sums, counts, scatter: scatter(samples.numbers(), mean), rows: samples.rows() as f64 }
    }

    /// Covariances of class means and of deviations from them.
    fn start(&self) -> (DMatrix<f64>, DMatrix<f64>) {
        let mut means = self.sums.clone();
        means.column_iter_mut().zip(&self.counts).for_each(|(mut c, m)| c /= *m);
        let between = &means * means.transpose();
        let within = &self.scatter - &means * self.sums.transpose();
        (symmetric(between / self.counts.len() as f64), symmetric(within / self.rows))
    }

    /// One iteration: the next covariances.
    fn step(&self, basis: &Basis, m_step: MStep) -> (DMatrix<f64>, DMatrix<f64>) {
        let Basis { forward: v, back, phi, .. } = basis;
        let sums = v * &self.sums;
        // The posterior mean of a person with m samples is φ / (mφ + 1) of their sum, its variance φ / (mφ + 1).
        let mut people = sums.clone();
        let (mut variance_of_people, mut variance_of_rows) = (vec![0.0; phi.len()], vec![0.0; phi.len()]);
        for (mut column, &m) in people.column_iter_mut().zip(&self.counts) {
            for (k, x) in column.iter_mut().enumerate() {
                let variance = phi[k] / (m * phi[k] + 1.0);
                *x *= variance;
                variance_of_people[k] += variance;
                variance_of_rows[k] += m * variance;
            }
        }
        let mut weighted = people.clone();
        weighted.column_iter_mut().zip(&self.counts).for_each(|(mut c, m)| c *= *m);
        let cross = &people * sums.transpose();
        let mut s_mu = &people * people.transpose();
        // Σ (x - μ)(x - μ)ᵀ
        let mut s_eps = v * &self.scatter * v.transpose() - &cross - cross.transpose() + weighted * people.transpose();
        if m_step == MStep::Full {
            for k in 0..phi.len() {
                s_mu[(k, k)] += variance_of_people[k];
                s_eps[(k, k)] += variance_of_rows[k];
            }
        }
        let home = |s: DMatrix<f64>, n: f64| symmetric(back * s * back.transpose()) / n;
        (home(s_mu, self.counts.len() as f64), home(s_eps, self.rows))
    }

    fn log_likelihood(&self, basis: &Basis) -> f64 {
        let sums = &basis.forward * &self.sums;
        let squares = (&basis.forward * &self.scatter).component_mul(&basis.forward).sum();
        let (mut determinants, mut explained) = (self.rows * basis.log_determinant, 0.0);
        for (column, m) in sums.column_iter().zip(&self.counts) {
            for (x, phi) in column.iter().zip(&basis.phi) {
                determinants += (m * phi).ln_1p();
                explained += phi / (m * phi + 1.0) * x * x;
            }
        }
        -0.5 * (self.rows * basis.phi.len() as f64 * std::f64::consts::TAU.ln() + determinants + squares - explained)
    }
}

impl JointBayesian {
    /// Learns both covariances.
    ///
    /// # Errors
    /// [`Error::Caller`] without pairs of one person and of two, or when embeddings of one person do not differ in every direction.
    pub fn fit(samples: &Samples, options: &JointBayesianOptions) -> Result<Self> {
        samples.need_pairs()?;
        let mean = mean(samples.numbers(), samples.dimension());
        let statistics = Statistics::new(samples, &mean);
        let regularised = |mut s: DMatrix<f64>| {
            let more = options.regulariser * s.trace() / s.nrows() as f64;
            (0..s.nrows()).for_each(|k| s[(k, k)] += more);
            s
        };
        let (mut s_mu, s_eps) = statistics.start();
        let mut s_eps = regularised(s_eps);
        let mut basis = Basis::new(&s_mu, &s_eps)?;
        for _ in 0..options.iterations {
            let (next_mu, next_eps) = statistics.step(&basis, options.m_step);
            (s_mu, s_eps) = (next_mu, regularised(next_eps));
            basis = Basis::new(&s_mu, &s_eps)?;
        }
        Ok(Self {
            mean,
            s_mu: row_major(&s_mu),
            s_eps: row_major(&s_eps),
            log_likelihood: statistics.log_likelihood(&basis),
            basis: row_major(&basis.forward),
            phi: basis.phi,
        })
    }

    /// φ as a description has it.
    pub fn phi_f32(&self) -> Vec<f32> {
        self.phi.iter().map(|&p| p as f32).collect()
    }

    /// `V (x - mean)`: what the model's last layer does.
    pub fn projection(&self) -> Projection {
        Projection::centred(self.basis.clone(), &self.mean)
    }

    /// A and G of the published form `r = xᵀ A x + yᵀ A y - 2 xᵀ G y`, row-major, for x and y without their mean. The log-likelihood ratio
    /// is `r / 2` plus [`JointBayesian::constant`].
    pub fn published_matrices(&self) -> [Vec<f64>; 2] {
        let d = self.phi.len();
        let v = DMatrix::from_row_slice(d, d, &self.basis);
        let between = |diagonal: &dyn Fn(f64) -> f64| {
            let mut scaled = v.clone();
            scaled.row_iter_mut().zip(&self.phi).for_each(|(mut row, &p)| row *= diagonal(p));
            row_major(&symmetric(v.transpose() * scaled))
        };
        // 1 / (φ + 1) - (φ + 1) / (2φ + 1)
        [between(&|p| -p * p / ((p + 1.0) * (2.0 * p + 1.0))), between(&|p| -p / (2.0 * p + 1.0))]
    }

    /// The log-likelihood ratio of two embeddings at the mean.
    pub fn constant(&self) -> f64 {
        LogRatio::of(&self.phi).constant
    }
}
