//! From which maximum on a block may hold one of the k best rows.

/// What stands for "every block that has rows".
pub(crate) const NOTHING: f64 = -2.9e38_f32 as f64;

/// The k-th largest of `maxima` less `slack`.
pub(crate) fn cutoff(maxima: &[f32], k: usize, slack: f64) -> f64 {
    let mut sorted = maxima.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted.get(k - 1).map_or(NOTHING, |&last| (f64::from(last) - slack).max(NOTHING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kth_largest_counts_equals() {
        assert_eq!(cutoff(&[1.0, 3.0, 3.0, 2.0], 2, 0.5), 2.5);
        assert_eq!(cutoff(&[1.0, 3.0, 3.0, 2.0], 3, 0.0), 2.0);
        assert_eq!(cutoff(&[1.0], 2, 0.0), NOTHING);
    }
}
