//! What is minimised.

use crate::error::{Error, Result};
use crate::heads::{ClassLoss, Head, PairLoss};

/// A head by its name and parameters, as [`Head::from_name`] takes them, at every step of a training.
///
/// Of classes: all; biases of softmax and L2-softmax (`bias`) and the margins of AdaptiveFace, from 0.35 on, are learned too. L- and A-softmax
/// anneal λ over the steps unless `lambda` is given. Of pairs: `contrastive`, `deepid2_cosine`, whose `w` and `b` stay what they are, and `siamese`, which
/// learns no projection but DeepFace's weights of a score, and `b` with them. Of triplets: those that are mined, `triplet_semi_hard` and
/// `triplet_batch_hard`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Objective {
    name: String,
    params: Vec<(String, String)>,
}

impl Objective {
    /// The head `name` with `params` in place of its defaults.
    ///
    /// # Errors
    /// As [`Head::from_name`]; a head that does not learn from embeddings and labels alone; the parameter `step`, which training counts.
    pub fn new(name: &str, params: &[(&str, &str)]) -> Result<Self> {
        let head = Head::from_name(name, params)?;
        if !matches!(head, Head::Classes { .. } | Head::Pairs(_) | Head::Mined { .. }) {
            return Err(Error::Caller(format!(
                "The head `{name}` cannot be trained with embeddings and labels alone. Take one on classes (arcface, cosface, softmax, …), on pairs (contrastive, deepid2_cosine, siamese), triplet_semi_hard or triplet_batch_hard."
            )));
        }
        if params.iter().any(|(name, _)| *name == "step") {
            return Err(Error::Caller(format!(
                "The parameter `step` of the head `{name}` is counted by the training itself. Leave it out; base, gamma, power and lambda_min shape the annealing."
            )));
        }
        if name == "siamese" && !params.is_empty() {
            return Err(Error::Caller(
                "The parameter `b` of the head `siamese` is learned by the training itself. Leave it out.".to_owned(),
            ));
        }
        let params = params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Ok(Self { name: name.to_owned(), params })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The head of step `t`, from 1.
    ///
    /// # Errors
    /// None that [`Objective::new`] lets pass.
    pub fn head(&self, t: u64) -> Result<Head> {
        let mut params: Vec<(&str, &str)> = self.params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let step = t.to_string();
        let anneals = matches!(self.name.as_str(), "l_softmax" | "a_softmax") && !params.iter().any(|(n, _)| *n == "lambda");
        if anneals {
            params.push(("step", &step));
        }
        Head::from_name(&self.name, &params)
    }

    /// What the number begins with that every class has beside its row: its bias, or its margin.
    pub(super) fn number_of_a_class(&self) -> Option<f32> {
        match self.head(1) {
            Ok(Head::Classes { loss: ClassLoss::AdaptiveFace { .. }, .. }) => Some(0.35),
            Ok(Head::Classes { bias: true, .. }) => Some(0.0),
            _ => None,
        }
    }

    /// Whether what is learned is DeepFace's Siamese score: a weight for every number, and the distance they are compared with.
    pub fn is_siamese(&self) -> bool {
        matches!(self.head(1), Ok(Head::Pairs(PairLoss::LogisticL1 { .. })))
    }

    /// Whether it has a class matrix.
    pub fn has_classes(&self) -> bool {
        matches!(self.head(1), Ok(Head::Classes { .. }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn lambda(o: &Objective, t: u64) -> f64 {
        match o.head(t).unwrap() {
            Head::Classes { loss: ClassLoss::ASoftmax { lambda, .. }, .. } => lambda,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn lambda_anneals_unless_it_is_given() {
        let annealed = Objective::new("a_softmax", &[("m", "3"), ("base", "100"), ("lambda_min", "2")]).unwrap();
        assert!((lambda(&annealed, 1) - 100.0 / 1.12).abs() < 1e-9 && lambda(&annealed, 9) > lambda(&annealed, 10));
        assert_eq!(lambda(&annealed, 1_000_000), 2.0);
        let fixed = Objective::new("a_softmax", &[("lambda", "7")]).unwrap();
        assert_eq!((lambda(&fixed, 1), lambda(&fixed, 1000)), (7.0, 7.0));
    }

    #[test]
    fn heads_that_take_more_than_labels_are_refused() {
        for name in ["center", "regularface", "distill", "triplet", "triplet_angular"] {
            assert!(Objective::new(name, &[]).unwrap_err().to_string().contains("alone"), "{name}");
        }
        for (name, _) in Head::names().iter().filter(|(n, _)| Objective::new(n, &[]).is_ok()) {
            let classes = !name.starts_with("triplet") && !["contrastive", "deepid2_cosine", "siamese"].contains(name);
            assert_eq!(Objective::new(name, &[]).unwrap().has_classes(), classes, "{name}");
        }
        let number = |name: &str, params: &[(&str, &str)]| Objective::new(name, params).unwrap().number_of_a_class();
        assert_eq!((number("softmax", &[]), number("softmax", &[("bias", "false")])), (Some(0.0), None));
        assert_eq!((number("adaptiveface", &[]), number("arcface", &[]), number("contrastive", &[])), (Some(0.35), None, None));
        assert!(Objective::new("siamese", &[("b", "3")]).unwrap_err().to_string().contains("learned"));
        assert!(Objective::new("siamese", &[]).unwrap().is_siamese() && !Objective::new("contrastive", &[]).unwrap().is_siamese());
        assert!(Objective::new("a_softmax", &[("step", "3")]).unwrap_err().to_string().contains("counted"));
        assert!(Objective::new("arcfase", &[]).unwrap_err().to_string().contains("arcface"));
    }
}
