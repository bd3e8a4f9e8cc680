//! Layers that come together in most tables: a convolution, its normalisation, its activation.

use super::{Kernel, Map, Net};

impl Net<'_> {
    /// Convolution and batch normalisation (`.bn`), linear.
    pub(crate) fn conv_bn(&mut self, name: &str, x: Map, out: usize, kernel: Kernel) -> Map {
        let x = self.conv(name, x, out, kernel);
        self.bn(&format!("{name}.bn"), x)
    }

    /// Convolution, batch normalisation (`.bn`), PReLU (`.prelu`).
    pub(crate) fn conv_bn_prelu(&mut self, name: &str, x: Map, out: usize, kernel: Kernel) -> Map {
        let x = self.conv_bn(name, x, out, kernel);
        self.prelu(&format!("{name}.prelu"), x)
    }
}
