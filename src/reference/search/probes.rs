//! Probes as scans take them.

/// A probe: its numbers in units of a power of two, what their products are multiplied by, and its length.
pub(crate) struct Packed {
    pub(crate) numbers: Vec<f64>,
    pub(crate) factor: f64,
    /// `None` where f32 cannot score the probe.
    pub(crate) norm: Option<f64>,
}

/// `x / 2^e` for the largest magnitude in [2^e, 2^(e+1)). The factor is `1 / length` of that for cosines, else `2^e`, for which `|e|` has to
/// be at most `most_exponent`.
pub(crate) fn packed(x: &[f32], cosine: bool, most_exponent: i32) -> Packed {
    let largest = x.iter().fold(0f64, |most, v| if v.is_finite() { most.max(f64::from(v.abs())) } else { f64::INFINITY });
    if largest.is_infinite() {
        return Packed { numbers: vec![0.0; x.len()], factor: 0.0, norm: None };
    }
    let e = if largest < f64::from(f32::MIN_POSITIVE) { 0 } else { largest.log2().floor() as i32 };
    let unit = 2f64.powi(e);
    let numbers: Vec<f64> = x.iter().map(|&v| f64::from(v) / unit).collect();
    let length = numbers.iter().map(|v| v * v).sum::<f64>().sqrt();
    if !cosine && e.abs() > most_exponent {
        return Packed { numbers, factor: 0.0, norm: None };
    }
    let factor = match cosine {
        true if length > 0.0 => 1.0 / length,
        true => 0.0,
        false => unit,
    };
    Packed { numbers, factor, norm: Some(if cosine { length } else { length * unit }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_units_of_the_largest_power_of_two() {
        let p = packed(&[3.0, -4.0], true, 40);
        assert_eq!((p.numbers, p.factor, p.norm), (vec![0.75, -1.0], 0.8, Some(1.25)));
        let p = packed(&[3.0, -4.0], false, 40);
        assert_eq!((p.factor, p.norm), (4.0, Some(5.0)));
        assert!(packed(&[1e30], false, 40).norm.is_none() && packed(&[f32::NAN], true, 40).norm.is_none());
        assert_eq!(packed(&[0.0, 0.0], true, 40).factor, 0.0);
    }
}
