//! What theory says of scales, so that a head can reach the probability that is wanted of it.

/// The least scale `s` with which the normalised softmax and CosFace can give the target the probability `p` (0 < p < 1) when all
/// `classes` (at least 2) lie as far from each other as they can: `(C - 1) / C · ln((C - 1) p / (1 - p))` (Wang 2018).
pub fn least_scale(classes: usize, p: f64) -> f64 {
    let c = classes as f64;
    (c - 1.0) / c * ((c - 1.0) * p / (1.0 - p)).ln()
}

/// The least length α of embeddings with which L2-softmax can give the target the probability `p` on average (at least 3 classes):
/// `ln(p (C - 2) / (1 - p))` (Ranjan 2017).
pub fn least_alpha(classes: usize, p: f64) -> f64 {
    (p * (classes as f64 - 2.0) / (1.0 - p)).ln()
}

/// The greatest margin of CosFace that `classes` (at least 2) can satisfy, if the embedding has at least one dimension less:
/// `C / (C - 1)` (Wang 2018).
pub fn greatest_margin(classes: usize) -> f64 {
    classes as f64 / (classes as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_papers() {
        assert!((least_alpha(10_000, 0.9) - 11.4).abs() < 0.01);
        assert!((greatest_margin(2) - 2.0).abs() < 1e-12);
    }

    /// Classes at the corners of a simplex, each embedding on its class: the bound is the scale that gives just this probability.
    #[test]
    fn the_least_scale_reaches_its_probability_on_a_simplex() {
        for (classes, p) in [(3, 0.9), (10, 0.99), (1000, 0.5)] {
            let s = least_scale(classes, p);
            let others = (classes - 1) as f64 * (-s / (classes - 1) as f64).exp();
            assert!((s.exp() / (s.exp() + others) - p).abs() < 1e-12);
        }
    }
}
