//! Element by element.

pub(super) mod binary;
pub(super) mod choice;
pub(super) mod prelu;
pub(super) mod unary;
