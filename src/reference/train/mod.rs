//! Optimisers and what training needs beside them.

pub mod adam;
pub mod scale;
pub mod scale_gradient;
pub mod sgd;
pub mod squares;
pub mod transpose;
