//! Stochastic gradient descent.

/// What a step depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub rate: f64,
    /// Share of the velocity that stays.
    pub momentum: f64,
    /// Looks ahead along the new velocity.
    pub nesterov: bool,
    /// Decoupled weight decay.
    pub decay: f64,
}

/// `v <- momentum v + g`, `w <- w - rate (u + decay w)` with `u = v`, or `g + momentum v` with Nesterov's momentum.
pub fn step(o: &Sgd, g: &[f64], w: &mut [f64], v: &mut [f64]) {
    for ((g, w), v) in g.iter().zip(w).zip(v) {
        *v = o.momentum * *v + g;
        let along = if o.nesterov { g + o.momentum * *v } else { *v };
        *w -= o.rate * (along + o.decay * *w);
    }
}
