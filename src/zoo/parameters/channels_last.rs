//! Weights of programs that compute with channels last, where the order of a row depends on the network.

use crate::import::checkpoint::layout;
use crate::tensor::Tensor;

/// Rows in the order C, H, W from rows in the order H, W, C. `shape` ends in C, H, W: `[O, C, H, W]` of a linear layer over a map,
/// `[ty, tx, O, I, kh, kw]` of a locally connected one. `None` unless `tensor` has those rows as its last axis.
pub(super) fn turned(tensor: &Tensor, shape: &[usize]) -> Option<Tensor> {
    let (outer, &[c, h, w]) = shape.split_last_chunk::<3>()?;
    let (&row, rows) = tensor.shape().dims().split_last()?;
    if rows != outer || rows.is_empty() || row != c * h * w {
        return None;
    }
    let axes = outer.len();
    let order: Vec<usize> = (0..axes).chain([axes + 2, axes, axes + 1]).collect();
    layout::turned(&tensor.clone().reshaped([outer, &[h, w, c]].concat())?, &order)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::{Checkpoint, Layers, Parameters, Role};
    use super::*;
    use crate::import::checkpoint::{Format, StateDict};

    /// Element `[o, y, x, c]` of two rows over a map of 3 channels, 2 x 2.
    fn stored(rows: &[usize]) -> Tensor {
        let n = rows.iter().product::<usize>() * 12;
        Tensor::from_f32([rows, &[12]].concat(), (0..n).map(|i| i as f32).collect()).unwrap()
    }

    #[test]
    fn a_linear_layer_over_a_map_of_keras_gets_its_rows_in_order() {
        for (format, second) in [(Format::Keras, 3.0), (Format::Safetensors, 1.0)] {
            let mut dict = StateDict::new(format);
            dict.insert("f", "fc.weight", stored(&[2])).unwrap();
            let sources: [&mut dyn Parameters; 2] = [&mut Checkpoint::new(&dict), &mut Layers::new(&dict)];
            for source in sources {
                let got = source.tensor("fc.weight", Role::Weight, &[2, 3, 2, 2]).unwrap();
                assert_eq!(got.shape().dims(), [2, 3, 2, 2]);
                // Channel 0 at row 0, column 1.
                assert_eq!(got.to_f32()[1], second);
            }
        }
    }

    #[test]
    fn windows_of_a_locally_connected_layer_too() {
        let mut dict = StateDict::new(Format::Keras);
        dict.insert("f", "local.weight", stored(&[1, 2, 2])).unwrap();
        let got = Checkpoint::new(&dict).tensor("local.weight", Role::LocalWeight, &[1, 2, 2, 3, 2, 2]).unwrap();
        // Window 1, output 1: the fourth row; input 2 at row 1, column 0.
        assert_eq!(got.to_f32()[3 * 12 + 2 * 4 + 2], 36.0 + 2.0 * 3.0 + 2.0);
    }

    #[test]
    fn other_shapes_are_left_alone() {
        assert_eq!(turned(&stored(&[2]), &[2, 12]), None);
        assert_eq!(turned(&stored(&[2]), &[3, 3, 2, 2]), None);
        assert_eq!(turned(&stored(&[2]), &[2, 3, 2, 3]), None);
        assert_eq!(turned(&stored(&[]), &[3, 2, 2]), None);
    }
}
