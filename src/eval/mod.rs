//! Judging embeddings: verification, identification, and the protocols of public test sets.
//!
//! Scores are such that more is more alike; distances go in with their sign changed. What is counted is counted in f64 on the host, what has to be
//! compared with many is compared on the GPU. Sources of the protocols:
//! LFW (Huang 2007; Learned-Miller 2014), IJB (Klare 2015), MegaFace (Kemelmacher-Shlizerman 2016), YouTube Faces (Wolf 2011), open-set rates (Best-Rowden 2014).

mod folds;
mod identification;
mod megaface;
mod search;
mod similarity;
mod verification;
mod video;

pub use folds::{FoldAccuracy, Folds, Threshold, best_threshold};
pub use identification::{Dir, Identification};
pub use megaface::{MegaFace, MegaFaceOptions, megaface};
pub use search::Labelled;
pub use similarity::SimilarityMatrix;
pub use verification::{RocPoint, Separation, TarAtFar};
pub use video::{VideoJudge, VideoScores};
