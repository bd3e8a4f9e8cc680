//! Networks recorded into the caller's commands: on the caller's buffers, or on looks that are on the device.

use std::sync::PoisonError;

use super::Network;
use crate::error::{Error, Result};
use crate::gpu::{Fits, Photo, wgpu};
use crate::recording::Feed;

impl Network {
    /// Records the network into the caller's encoder: no submit, no readback. Inputs and outputs are the caller's buffers, row-major f32;
    /// inputs need `COPY_SRC`, outputs `COPY_DST`. Shapes are those the network was compiled for.
    ///
    /// The buffers of the network are in use until the caller's submission is done: wait for it before the next run or encoding.
    ///
    /// # Errors
    /// A name that is missing or unknown, or a buffer that is too small.
    pub fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        inputs: &[(&str, &wgpu::Buffer)],
        outputs: &[(&str, &wgpu::Buffer)],
    ) -> Result<()> {
        let instance = self.compiled(Feed::Plain)?;
        let instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
        instance.encode_shared(encoder, inputs, outputs)
    }

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
