//! What was decided about each convolution, and what it takes to decide by time.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{ConvAlgorithm, Port, Recorder, Speed};
use crate::error::Result;

/// Why a convolution is computed as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// One algorithm computes it.
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

/// The algorithm of one convolution of a plan.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ConvChoice {
    /// Layer and shape: `layer2.conv1 3x3 64->64 @56`.
    pub layer: String,
    /// How it is computed.
    pub algorithm: ConvAlgorithm,
    /// Why.
    pub origin: Origin,
    /// What can still be decided by timing.
    #[serde(skip)]
    pub(crate) trial: Option<Trial>,
}

/// Records a layer alone by the algorithm that the recorder's [`super::Force`] names, and returns its inputs.
pub(crate) type RecordLayer = Arc<dyn Fn(&mut Recorder<'_>) -> Result<Vec<Port>> + Send + Sync>;

/// A layer whose algorithms can be timed.
#[derive(Clone)]
pub(crate) struct Trial {
    /// Everything that its time depends on, apart from the device.
    pub(crate) key: String,
    /// What is worth timing, the cheapest by the model first; at least two.
    pub(crate) rivals: Vec<ConvAlgorithm>,
    pub(crate) record: RecordLayer,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("key", &self.key).field("rivals", &self.rivals).finish_non_exhaustive()
    }
}

/// What timing has decided on a device so far.
#[derive(Clone, Debug)]
pub(crate) struct Tuning {
    /// Algorithms by [`Trial::key`].
    pub(crate) known: HashMap<String, ConvAlgorithm>,
    /// The device's own, for telling which algorithms are worth timing.
    pub(crate) speed: Speed,
}
