//! How fast a device is, in three numbers.

use super::{Caps, GemmFamily};

/// What a device reaches at best. [`crate::gpu::Gpu::speed`] measures it; [`Speed::typical`] is what plans are made with.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Speed {
    /// Billions of floating point operations a second in a kernel that does nothing else.
    pub gflops: f64,
    /// Billions of bytes a second, read and written, of a large copy.
    pub gbps: f64,
    /// Microseconds that a launch takes when it does nothing and waits for the one before.
    pub launch_us: f64,
}

impl Speed {
    /// A constant for each kind of device, so that a plan depends on no measurement: lavapipe on two cores of an EPYC (measured), and a
    /// graphics card of the middle (data sheets: 12.7 TFLOP/s, 360 GB/s).
    pub fn typical(caps: &Caps) -> Self {
        match caps.gemm {
            GemmFamily::Subgroup(_) => Self { gflops: 60.0, gbps: 15.0, launch_us: 20.0 },
            GemmFamily::Tiled => Self { gflops: 12_700.0, gbps: 360.0, launch_us: 5.0 },
        }
    }

    /// Whether it can be divided by.
    pub(crate) fn is_sound(&self) -> bool {
        [self.gflops, self.gbps].iter().all(|v| v.is_finite() && *v > 0.0) && self.launch_us.is_finite() && self.launch_us >= 0.0
    }
}
