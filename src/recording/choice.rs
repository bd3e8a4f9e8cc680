//! What was decided about each convolution and product, and what it takes to decide by time.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{ConvAlgorithm, Form, Method, Port, Recorder, Speed};
use crate::error::Result;
use crate::shader::Shader;

/// Why a convolution is computed as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// One method computes it.
    Only,
    /// The cost model found it the cheapest.
    Modelled,
    /// The cost model found it the cheapest of those whose kernels the network has anyway, where every kernel takes long to compile.
    Frugal,
    /// It was the fastest when it was timed on this adapter.
    Tuned,
    /// [`super::Force`] asks for it.
    Forced,
}

impl Origin {
    /// As it is serialised.
    pub fn name(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Modelled => "modelled",
            Self::Frugal => "frugal",
            Self::Tuned => "tuned",
            Self::Forced => "forced",
        }
    }
}

/// How a convolution of a plan, or a dense layer that is a matrix product, is computed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ConvChoice {
    /// Layer and shape: `layer2.conv1 3x3 64->64 @56`.
    pub layer: String,
    /// The algorithm.
    pub algorithm: ConvAlgorithm,
    /// The form of its matrix product, if it has one.
    pub form: Option<Form>,
    /// Why.
    pub origin: Origin,
    /// What can still be decided by timing.
    #[serde(skip)]
    pub(crate) trial: Option<Trial>,
}

/// What the cost model expects of a layer as it is computed.
#[derive(Clone, Debug)]
pub(crate) struct Price {
    pub(crate) seconds: f64,
    /// The layer's kernels, but for those that come with one of these.
    pub(crate) kernels: Vec<&'static Shader>,
}

/// Records a layer alone by the method that it is given, and returns its inputs.
pub(crate) type RecordLayer = Arc<dyn Fn(&mut Recorder<'_>, Method) -> Result<Vec<Port>> + Send + Sync>;

/// A best form of another algorithm that the model finds so many times slower than the best method is not timed, unless there is no other.
const HOPELESS: f64 = 4.0;
/// The same for other forms of the fastest algorithm by the same kernel. The model knows too little of what one kernel makes of a device beside
/// another: the best form by each other one is always timed.
const DEARER: f64 = 1.5;
/// Other forms that are timed at once: one more than there are other kernels, where that is more.
const MORE_FORMS: usize = 2;

/// A layer whose methods can be timed.
#[derive(Clone)]
pub(crate) struct Trial {
    /// Everything that its time depends on, apart from the device.
    pub(crate) key: String,
    /// All methods with the seconds that they should take, the cheapest first; at least two.
    pub(crate) ranked: Vec<(Method, f64)>,
    pub(crate) record: RecordLayer,
}

impl Trial {
    /// What is timed first: the best form of each algorithm that may be the fastest.
    pub(crate) fn rivals(&self) -> Vec<Method> {
        let mut best: Vec<(Method, f64)> = Vec::new();
        for &(method, seconds) in &self.ranked {
            if best.iter().all(|(b, _)| b.algorithm != method.algorithm) {
                best.push((method, seconds));
            }
        }
        let worth = best.first().map_or(0.0, |b| b.1 * HOPELESS);
        best.iter().enumerate().filter(|(i, (_, seconds))| *i < 2 || *seconds <= worth).map(|(_, (method, _))| *method).collect()
    }

    /// What is timed next, but for what is in `timed`: forms that `fastest` may have instead, the best one by each other kernel first.
    pub(crate) fn forms(&self, fastest: Method, timed: &[(Method, f64)]) -> Vec<Method> {
        let mut strangers: Vec<Method> = Vec::new();
        let mut own = Vec::new();
        for &(method, seconds) in self.ranked.iter().filter(|(m, _)| m.algorithm == fastest.algorithm) {
            if method.kernel() == fastest.kernel() {
                own.push((method, seconds));
            } else if strangers.iter().all(|s| s.kernel() != method.kernel()) {
                strangers.push(method);
            }
        }
        let worth = own.first().map_or(0.0, |(_, seconds)| seconds * DEARER);
        let near = own.into_iter().filter(|(_, seconds)| *seconds <= worth).map(|(m, _)| m);
        let count = MORE_FORMS.max(strangers.len() + 1);
        let new = |method: &Method| *method != fastest && timed.iter().all(|(known, _)| known != method);
        strangers.into_iter().chain(near).filter(new).take(count).collect()
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("key", &self.key).field("ranked", &self.ranked).finish_non_exhaustive()
    }
}

/// What timing has decided on a device so far.
#[derive(Clone, Debug)]
pub(crate) struct Tuning {
    /// Methods by [`Trial::key`].
    pub(crate) known: HashMap<String, Method>,
    /// The device's own, for telling which methods are worth timing.
    pub(crate) speed: Speed,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn other_kernels_are_timed_before_nearer_forms() {
        let trial = |subgroup: f64| {
            let methods = [("gemm m32", 1.0), ("gemm m64", 1.1), ("gemm m32x2", 1.2), ("gemm m128", 1.6), ("gemm p32", subgroup)];
            let ranked = methods.into_iter().chain([("winograd-f2 m32", 5.0)]);
            let ranked = ranked.map(|(name, seconds)| (name.to_owned().try_into().unwrap(), seconds)).collect();
            Trial { key: String::new(), ranked, record: Arc::new(|_, _| Ok(Vec::new())) }
        };
        let method = |name: &str| Method::try_from(name.to_owned()).unwrap();
        let next = |subgroup: f64, fastest: &str| -> Vec<String> {
            trial(subgroup).forms(method(fastest), &[]).into_iter().map(Method::name).collect()
        };
        assert_eq!(next(3.0, "gemm m32"), ["gemm p32", "gemm m64"]);
        assert_eq!(next(50.0, "gemm m32"), ["gemm p32", "gemm m64"]);
        assert_eq!(next(50.0, "gemm p32"), ["gemm m32"]);
        assert!(next(1.0, "winograd-f2 m32").is_empty());
        let timed = ["gemm p32", "gemm m64"].map(|name| (method(name), 1.0));
        let rest: Vec<_> = trial(1.0).forms(method("gemm m32"), &timed).into_iter().map(Method::name).collect();
        assert_eq!(rest, ["gemm m32x2"]);

        let mut more = trial(3.0);
        more.ranked.extend([("gemm m64d", 3.5), ("gemm m32d", 4.0)].map(|(name, seconds)| (method(name), seconds)));
        let next: Vec<_> = more.forms(method("gemm m32"), &[]).into_iter().map(Method::name).collect();
        assert_eq!(next, ["gemm p32", "gemm m64d", "gemm m64"]);
        let next: Vec<_> = more.forms(method("gemm m64d"), &[(method("gemm m32"), 1.0)]).into_iter().map(Method::name).collect();
        assert_eq!(next, ["gemm p32", "gemm m32d"]);
    }
}
