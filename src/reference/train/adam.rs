//! Adam.

/// What a step depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub decay: f64,
}

/// Step `t` (from 1): both means, freed of their bias towards 0, then `w <- w - rate (mean / (sqrt(square) + epsilon) + decay w)`.
pub fn step(o: &Adam, t: u64, g: &[f64], w: &mut [f64], m: &mut [f64], s: &mut [f64]) {
    let unbiased = |beta: f64| 1.0 / (1.0 - beta.powf(t as f64));
    for (((g, w), m), s) in g.iter().zip(w).zip(m).zip(s) {
        *m = o.beta1 * *m + (1.0 - o.beta1) * g;
        *s = o.beta2 * *s + (1.0 - o.beta2) * g * g;
        let along = *m * unbiased(o.beta1) / ((*s * unbiased(o.beta2)).sqrt() + o.epsilon);
        *w -= o.rate * (along + o.decay * *w);
    }
}
