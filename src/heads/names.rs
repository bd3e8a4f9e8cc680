//! Heads by name, with parameters as text.

use super::{Annealing, Boundary, ClassLoss, Derivative, Distillation, Head, Mining, PairLoss, TripletLoss};
use crate::error::{Error, Result};

/// Every name, and the parameters of each.
const HEADS: &[(&str, &[&str])] = &[
    ("softmax", &["bias", "label_smoothing"]),
    ("l2_softmax", &["alpha", "bias", "label_smoothing"]),
    ("nsl", &["s", "label_smoothing"]),
    ("l_softmax", &["m", "lambda", "step", "base", "gamma", "power", "lambda_min", "label_smoothing"]),
    ("a_softmax", &["m", "lambda", "step", "base", "gamma", "power", "lambda_min", "grad", "label_smoothing"]),
    ("cosface", &["s", "m", "interclass_filter", "label_smoothing"]),
    ("arcface", &["s", "m", "boundary", "grad", "interclass_filter", "label_smoothing"]),
    ("combined", &["s", "m1", "m2", "m3", "interclass_filter", "label_smoothing"]),
    ("li_arcface", &["s", "m", "label_smoothing"]),
    ("adaptiveface", &["s", "lambda", "label_smoothing"]),
    ("arcnegface", &["s", "m", "alpha", "sigma", "label_smoothing"]),
    ("center", &["alpha", "reduction"]),
    ("regularface", &[]),
    ("contrastive", &["metric", "margin"]),
    ("deepid2_cosine", &["w", "b"]),
    ("siamese", &["b"]),
    ("triplet", &["alpha", "normalize", "reduction"]),
    ("triplet_angular", &["alpha", "normalize", "reduction"]),
    ("triplet_semi_hard", &["alpha", "distance", "normalize", "fallback", "reduction"]),
    ("triplet_batch_hard", &["margin", "distance", "normalize", "reduction"]),
    ("distill", &["kind"]),
];

/// Parameters that were given, for one head.
struct Given<'a> {
    head: &'a str,
    known: &'a [&'a str],
    values: Vec<(&'a str, &'a str)>,
}

impl Given<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, v)| v.trim())
    }

    fn wrong(&self, name: &str, value: &str, wanted: &str) -> Error {
        Error::Caller(format!("The parameter `{name}` of the head `{}` is {wanted}, not `{value}`. Correct it.", self.head))
    }

    /// A number between two, or the default.
    fn number(&self, name: &str, default: f64, least: f64, most: f64) -> Result<f64> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let value = text.parse::<f64>().ok().filter(|v| (least..=most).contains(v));
        value.ok_or_else(|| self.wrong(name, text, &format!("a number from {least} to {most}")))
    }

    fn truth(&self, name: &str, default: bool) -> Result<bool> {
        match self.text(name) {
            None => Ok(default),
            Some("true" | "True" | "1") => Ok(true),
            Some("false" | "False" | "0") => Ok(false),
            Some(other) => Err(self.wrong(name, other, "true or false")),
        }
    }

    /// One of some words; the first is the default.
    fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T> {
        let text = self.text(name).unwrap_or(words[0].0);
        let list = || words.iter().map(|(w, _)| *w).collect::<Vec<_>>().join(" or ");
        words.iter().find(|(w, _)| *w == text).map(|(_, v)| *v).ok_or_else(|| self.wrong(name, text, &list()))
    }

    fn filter(&self) -> Result<Option<f64>> {
        match self.text("interclass_filter") {
            None | Some("none") => Ok(None),
            Some(_) => self.number("interclass_filter", 0.0, -1.0, 1.0).map(Some),
        }
    }

    /// λ itself, or that of a step of an annealing.
    fn lambda(&self, annealing: Annealing) -> Result<f64> {
        let big = 1e9;
        if self.text("lambda").is_some() && self.text("step").is_some() {
            return Err(Error::Caller(format!(
                "The head `{}` takes either `lambda` or the `step` of an annealing. Leave one of them out.",
                self.head
            )));
        }
        let annealing = Annealing {
            base: self.number("base", annealing.base, 0.0, big)?,
            gamma: self.number("gamma", annealing.gamma, 0.0, big)?,
            power: self.number("power", annealing.power, 0.0, 1e3)?,
            least: self.number("lambda_min", annealing.least, 0.0, big)?,
        };
        match self.text("step") {
            Some(_) => Ok(annealing.at(self.number("step", 1.0, 1.0, 1e15)? as u64)),
            None => self.number("lambda", annealing.least, 0.0, big),
        }
    }

    fn whole_margin(&self) -> Result<u8> {
        self.word("m", &[("4", 4), ("1", 1), ("2", 2), ("3", 3)])
    }
}

impl Head {
    /// The names of all heads with the parameters each takes.
    pub fn names() -> &'static [(&'static str, &'static [&'static str])] {
        HEADS
    }

    /// The head `name` with the defaults of its paper and `params` in their place.
    ///
    /// # Errors
    /// A name, parameter or value that there is not; what there is, is listed.
    pub fn from_name(name: &str, params: &[(&str, &str)]) -> Result<Self> {
        let Some((head, known)) = HEADS.iter().find(|(n, _)| *n == name) else {
            let all: Vec<_> = HEADS.iter().map(|(n, _)| *n).collect();
            return Err(Error::Caller(format!("There is no head named `{name}`. There are {}.", all.join(", "))));
        };
        let given = Given { head, known, values: params.to_vec() };
        for (i, (param, _)) in params.iter().enumerate() {
            if !given.known.contains(param) {
                let list = if known.is_empty() { "It has none".to_owned() } else { format!("Its parameters are {}", known.join(", ")) };
                return Err(Error::Caller(format!("The head `{name}` has no parameter `{param}`. {list}.")));
            }
            if params[..i].iter().any(|(p, _)| p == param) {
                return Err(Error::Caller(format!("The parameter `{param}` of the head `{name}` is given twice. Give it once.")));
            }
        }
        given.head()
    }
}

/// Scales, margins and the like beyond this are no use and would overflow.
const MOST: f64 = 1e6;

impl Given<'_> {
    fn head(&self) -> Result<Head> {
        let scale = |default: f64| self.number("s", default, 0.0, 1e4);
        let radians = |name: &str, default: f64| self.number(name, default, 0.0, std::f64::consts::PI);
        Ok(match self.head {
            "center" => {
                let mean = self.word("reduction", &[("sum", false), ("mean", true)])?;
                Head::Center { alpha: self.number("alpha", 0.5, 0.0, MOST)?, mean }
            }
            "regularface" => Head::Regular,
            "contrastive" => {
                let margin = self.number("margin", 1.0, 0.0, MOST)?;
                let l1 = self.word("metric", &[("l2", false), ("l1", true)])?;
                Head::Pairs(if l1 { PairLoss::ContrastiveL1 { margin } } else { PairLoss::ContrastiveL2 { margin } })
            }
            "deepid2_cosine" => {
                Head::Pairs(PairLoss::Cosine { w: self.number("w", 5.0, -MOST, MOST)?, b: self.number("b", -2.0, -MOST, MOST)? })
            }
            "siamese" => Head::Pairs(PairLoss::LogisticL1 { b: self.number("b", 0.0, -MOST, MOST)? }),
            "distill" => Head::Distill(self.word(
                "kind",
                &[
                    ("angular", Distillation::Angular),
                    ("unit_l2", Distillation::UnitL2),
                    ("l2_mean", Distillation::L2Mean),
                    ("l2_rowsum", Distillation::L2RowSum),
                ],
            )?),
            "triplet" | "triplet_angular" => {
                let angular = self.head == "triplet_angular";
                let alpha = self.number("alpha", if angular { 0.35 } else { 0.2 }, 0.0, MOST)?;
                let loss = if angular { TripletLoss::Angular { alpha } } else { TripletLoss::Squared { alpha } };
                let normalize = self.truth("normalize", true)?;
                if angular && !normalize {
                    return Err(self.wrong("normalize", "false", "true: angles are those of directions"));
                }
                Head::Triplets { loss, normalize, nonzero: self.word("reduction", &[("mean_all", false), ("mean_nonzero", true)])? }
            }
            "triplet_semi_hard" => {
                let angular = self.word("distance", &[("squared", false), ("angular", true)])?;
                let alpha = self.number("alpha", if angular { 0.35 } else { 0.2 }, 0.0, MOST)?;
                let fallback = self.word("fallback", &[("skip", false), ("farthest_negative", true)])?;
                self.word("reduction", &[("mean_selected", ())])?;
                let loss = if angular { TripletLoss::Angular { alpha } } else { TripletLoss::Squared { alpha } };
                Head::Mined { mining: Mining::SemiHard { alpha, fallback, angular }, loss, normalize: self.truth("normalize", true)? }
            }
            "triplet_batch_hard" => {
                self.word("reduction", &[("mean_anchors", ())])?;
                let angular = self.word("distance", &[("euclidean", false), ("angular", true)])?;
                let soft = self.text("margin") == Some("soft");
                let margin = if soft { 0.0 } else { self.number("margin", 0.3, 0.0, MOST)? };
                let loss = match (angular, soft) {
                    (false, true) => TripletLoss::Soft,
                    (false, false) => TripletLoss::Euclidean { margin },
                    (true, false) => TripletLoss::Angular { alpha: margin },
                    (true, true) => return Err(self.wrong("margin", "soft", "a number where distances are angles")),
                };
                Head::Mined { mining: Mining::BatchHard, loss, normalize: self.truth("normalize", false)? }
            }
            _ => {
                let loss = self.class_loss(&scale, &radians)?;
                let takes_bias = matches!(loss, ClassLoss::Softmax | ClassLoss::L2Softmax { .. });
                let bias = takes_bias && self.truth("bias", true)?;
                Head::Classes { loss, label_smoothing: self.number("label_smoothing", 0.0, 0.0, 1.0)?, bias }
            }
        })
    }

    fn class_loss(&self, scale: &dyn Fn(f64) -> Result<f64>, radians: &dyn Fn(&str, f64) -> Result<f64>) -> Result<ClassLoss> {
        let cosine = |name: &str, default: f64| self.number(name, default, -2.0, 2.0);
        Ok(match self.head {
            "softmax" => ClassLoss::Softmax,
            "l2_softmax" => ClassLoss::L2Softmax { alpha: self.number("alpha", 40.0, 0.0, 1e4)? },
            "nsl" => ClassLoss::Nsl { s: scale(64.0)? },
            "l_softmax" => ClassLoss::LSoftmax { m: self.whole_margin()?, lambda: self.lambda(Annealing::L_SOFTMAX)? },
            "a_softmax" => ClassLoss::ASoftmax {
                m: self.whole_margin()?,
                lambda: self.lambda(Annealing::SPHEREFACE)?,
                caffe: self.word("grad", &[("exact", false), ("caffe", true)])?,
            },
            "cosface" => ClassLoss::CosFace { s: scale(64.0)?, m: cosine("m", 0.35)?, interclass_filter: self.filter()? },
            "arcface" => ClassLoss::ArcFace {
                s: scale(64.0)?,
                m: radians("m", 0.5)?,
                boundary: self.word("boundary", &[("linear", Boundary::Linear), ("none", Boundary::None), ("easy", Boundary::Easy)])?,
                grad: self.word("grad", &[("exact", Derivative::Exact), ("straight_through", Derivative::StraightThrough)])?,
                interclass_filter: self.filter()?,
            },
            "combined" => ClassLoss::Combined {
                s: scale(64.0)?,
                m1: self.number("m1", 1.0, 0.0, 10.0)?,
                m2: radians("m2", 0.3)?,
                m3: cosine("m3", 0.2)?,
                interclass_filter: self.filter()?,
            },
            "li_arcface" => ClassLoss::LiArcFace { s: scale(64.0)?, m: radians("m", 0.45)? },
            "adaptiveface" => ClassLoss::AdaptiveFace { s: scale(30.0)?, lambda: self.number("lambda", 70.0, 0.0, MOST)? },
            "arcnegface" => ClassLoss::ArcNegFace {
                s: scale(64.0)?,
                m: radians("m", 0.5)?,
                alpha: self.number("alpha", 1.2, 0.0, MOST)?,
                sigma: self.number("sigma", 2.0, 1e-6, MOST)?,
            },
            other => return Err(Error::Caller(format!("There is no head named `{other}`."))),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_name_makes_a_head_without_parameters() {
        for (name, _) in HEADS {
            assert!(Head::from_name(name, &[]).is_ok(), "{name}");
        }
    }

    #[test]
    fn unknown_names_and_parameters_list_the_known_ones() {
        assert!(Head::from_name("arcfase", &[]).unwrap_err().to_string().contains("arcface"));
        assert!(Head::from_name("arcface", &[("margin", "0.5")]).unwrap_err().to_string().contains("s, m, boundary, grad"));
        assert!(Head::from_name("arcface", &[("m", "0.5"), ("m", "0.4")]).unwrap_err().to_string().contains("twice"));
        assert!(Head::from_name("arcface", &[("boundary", "soft")]).unwrap_err().to_string().contains("linear or none or easy"));
        for bad in ["nan", "inf", "-1", "4", "", "x"] {
            assert!(Head::from_name("arcface", &[("m", bad)]).is_err(), "{bad}");
        }
        assert!(Head::from_name("a_softmax", &[("m", "5")]).is_err());
    }

    #[test]
    fn annealing_falls_to_its_least() {
        let at = |step: &str| match Head::from_name("a_softmax", &[("step", step)]).unwrap() {
            Head::Classes { loss: ClassLoss::ASoftmax { lambda, .. }, .. } => lambda,
            other => unreachable!("{other:?}"),
        };
        assert!((at("1") - 1000.0 / 1.12).abs() < 1e-9);
        assert!(at("10") > at("100"));
        assert_eq!(at("1000000"), 5.0);
        assert!(Head::from_name("a_softmax", &[("step", "3"), ("lambda", "1")]).is_err());
    }
}
