//! Random numbers that are the same everywhere. Integer arithmetic wraps.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of SplitMix64 (Steele et al. 2014).
pub(crate) fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// SplitMix64 from a seed: whole numbers, and what is drawn with them.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        let out = mix(self.0);
        self.0 = self.0.wrapping_add(GOLDEN);
        out
    }

    /// Uniform in `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// `count` of the numbers below `n`, each once, in random order; all of them where there are not so many.
    pub(crate) fn sample(&mut self, n: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        let count = count.min(n);
        for i in 0..count {
            let other = i + self.below(n - i);
            all.swap(i, other);
        }
        all.truncate(count);
        all
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Real numbers for one purpose: a picture of a person, a step of a training.
pub(crate) struct Stream(Random);

impl Stream {
    pub(crate) fn new(seed: u64, what: u64, number: u64) -> Self {
        Self(Random(mix(seed ^ mix(what ^ mix(number)))))
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next() >> 11) as f64 + 0.5) * (-53f64).exp2()
    }

    /// Uniform in (-a, a).
    pub(crate) fn symmetric(&mut self, a: f64) -> f64 {
        a * (2.0 * self.uniform() - 1.0)
    }

    /// `n` standard normal numbers (Box-Muller), clamped to -2..2: no person is a monster.
    pub(crate) fn normal(&mut self, n: usize) -> Vec<f64> {
        let mut out = Vec::with_capacity(n + 1);
        while out.len() < n {
            let (u1, u2) = (self.uniform(), self.uniform());
            let r = (-2.0 * u1.ln()).sqrt();
            let angle = 2.0 * std::f64::consts::PI * u2;
            out.extend([r * angle.cos(), r * angle.sin()]);
        }
        out.truncate(n);
        out.iter_mut().for_each(|x| *x = x.clamp(-2.0, 2.0));
        out
    }
}
