//! Optimisers and what training needs beside them.

pub mod adam;
pub mod sgd;
pub mod squares;
pub mod transpose;
