//! What was decided about each convolution and product, and what it takes to decide by time.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{ConvAlgorithm, Form, Method, Port, Recorder, Speed};
use crate::error::Result;

/// Why a convolution is computed as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// One method computes it.
    Only,
    /// The cost model found it the cheapest.
    Modelled,
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

/// Records a layer alone by the method that it is given, and returns its inputs.
pub(crate) type RecordLayer = Arc<dyn Fn(&mut Recorder<'_>, Method) -> Result<Vec<Port>> + Send + Sync>;

/// A best form of another algorithm that the model finds so many times slower than the best method is not timed, unless there is no other.
const HOPELESS: f64 = 4.0;
/// The same for other forms of the fastest algorithm, of which at most so many are timed.
const DEARER: f64 = 1.5;
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

    /// What is timed next: the forms that `fastest` may have instead.
    pub(crate) fn forms(&self, fastest: Method) -> Vec<Method> {
        let same = || self.ranked.iter().filter(|(m, _)| m.algorithm == fastest.algorithm);
        let worth = same().next().map_or(0.0, |(_, seconds)| seconds * DEARER);
        same().filter(|(m, seconds)| *m != fastest && *seconds <= worth).map(|(m, _)| *m).take(MORE_FORMS).collect()
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
