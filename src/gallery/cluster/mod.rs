//! Groups of faces that belong together.
