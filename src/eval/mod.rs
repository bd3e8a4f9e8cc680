//! Judging embeddings: verification, identification, and the protocols of public test sets.
//!
//! Everything here takes scores (more = more alike) and works in f64; distances go in with their sign changed. Sources of the protocols:
//! LFW (Huang 2007; Learned-Miller 2014), IJB (Klare 2015), MegaFace (Kemelmacher-Shlizerman 2016), open-set rates (Best-Rowden 2014).

mod folds;
mod identification;
mod verification;

pub use folds::{FoldAccuracy, Folds, Threshold, best_threshold};
pub use identification::{Dir, Identification};
pub use verification::{RocPoint, Separation, TarAtFar};
