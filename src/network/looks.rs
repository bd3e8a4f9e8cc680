//! Looks that are on the device, recorded with the network behind them.

use std::sync::PoisonError;

use super::Network;
use crate::error::{Error, Result};
use crate::gpu::{Fits, Photo, wgpu};
use crate::recording::Feed;

impl Network {
    /// Records what `fits` found, `size` = width, height, for each place of the batch that the network was compiled for, and the network.
    ///
    /// # Errors
    /// See [`crate::face::align::DeviceAligner::encode_network`].
    pub(crate) fn encode_fits(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        photo: &Photo,
        fits: &Fits,
        size: [usize; 2],
        outputs: &[(&str, &wgpu::Buffer)],
    ) -> Result<()> {
        let shape = self.photo_shape(self.options.batch, None)?;
        if size != [shape[3], shape[2]] {
            let [w, h] = size;
            return Err(Error::Caller(format!(
                "The aligner makes crops of {w}x{h} pixels, but the network takes {}x{}. Make it from the description of the model.",
                shape[3], shape[2]
            )));
        }
        let instance = self.instance(std::slice::from_ref(&shape), &self.nothing(), Feed::Packed)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        let warp = fits.warp(&self.gpu, self.target(&instance)?, size.map(|n| n as u32), &self.input, photo, shape[0])?;
        warp.encode(encoder);
        instance.encode_to(encoder, outputs)
    }
}
