//! Alignment: where a network's input pixels lie in a photograph, given a face.
