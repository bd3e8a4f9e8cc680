//! Runs that are under way.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Network, named};
use crate::error::Result;
use crate::gpu::{InFlight, Instance, Warp};
use crate::tensor::Tensor;

/// A batch that the device works on. Dropping it leaves its results there.
#[derive(Debug)]
pub struct Running<'n> {
    pub(super) network: &'n Network,
    pub(super) instance: Arc<Mutex<Instance>>,
    pub(super) flight: InFlight,
    /// Looks are read by the submission.
    pub(super) _warp: Warp,
}

impl Running<'_> {
    /// Waits for the results.
    ///
    /// # Errors
    /// A timeout, a lost device.
    pub fn finish(self) -> Result<Vec<(String, Tensor)>> {
        // Others may start runs of this plan while this one is waited for.
        let landed = self.flight.land(&self.network.gpu)?;
        let instance = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        let results = instance.take(landed)?;
        Ok(named(&instance.plan, results))
    }
}
