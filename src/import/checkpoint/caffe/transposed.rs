//! Networks that were trained on pictures with rows and columns exchanged, as Matlab hands them to Caffe: MTCNN's published files.

use crate::error::{Error, Result};
use crate::import::checkpoint::StateDict;
use crate::import::checkpoint::layout::turned;

/// MTCNN for upright pictures, from its published Caffe files; the order of layers stays. Takes as much memory as `dict` again.
///
/// Kernels `[O, I, kh, kw]` change rows with columns. The numbers that the first linear layer `[O, C * s * s]` takes, counted in channels,
/// columns and rows of the upright map, are counted in columns, rows, channels afterwards: the order of facenet-pytorch. A landmark head
/// `[10, 128]`, which R-Net's file has and its network lacks, is left out. Boxes and landmarks are x before y either way.
///
/// # Errors
/// [`Error::Model`] when the first linear layer does not follow a square map.
pub fn upright(dict: &StateDict) -> Result<StateDict> {
    let mut result = StateDict::new(dict.format);
    // Channels of the map, until it is flattened.
    let mut channels = None;
    let mut unused = None;
    for (name, tensor) in dict.iter() {
        let tensor = match (tensor.shape().dims(), channels) {
            (&[out, _, _, _], _) => {
                channels = Some(out);
                turned(tensor, &[0, 1, 3, 2])
            }
            (&[out, columns], Some(c)) => {
                channels = None;
                let side = columns.checked_div(c).unwrap_or(0).isqrt();
                let map = tensor.clone().reshaped([out, c, side, side]).ok_or_else(|| {
                    Error::Model(format!(
                        "The tensor `{name}` ({}) of the checkpoint does not follow a square map of {c} channels. \
                         It belongs to another network; give a file of MTCNN.",
                        tensor.shape()
                    ))
                })?;
                turned(&map, &[0, 2, 3, 1]).and_then(|t| t.reshaped([out, columns]))
            }
            (&[10, 128], None) => {
                unused = name.strip_suffix(".weight");
                continue;
            }
            _ if unused.is_some_and(|head| name.strip_prefix(head) == Some(".bias")) => continue,
            _ => Some(tensor.clone()),
        };
        // The number of axes was just looked at.
        result.insert("of MTCNN", name, tensor.unwrap_or_else(|| crate::tensor::Tensor::zeros([0])))?;
    }
    Ok(result)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::import::checkpoint::Format;
    use crate::tensor::Tensor;

    fn counted(shape: &[usize]) -> Tensor {
        Tensor::from_f32(shape.to_vec(), (0..shape.iter().product()).map(|i| i as f32).collect()).unwrap()
    }

    #[test]
    fn kernels_and_flattened_maps_are_turned() {
        let mut dict = StateDict::new(Format::Caffe);
        for (name, shape) in [
            ("conv3.weight", &[2, 1, 2, 2][..]),
            ("conv3.bias", &[2]),
            ("conv4.weight", &[1, 8]),
            ("conv5-1.weight", &[3, 1]),
            ("conv5-3.weight", &[10, 128]),
            ("conv5-3.bias", &[10]),
        ] {
            dict.insert("test", name, counted(shape)).unwrap();
        }
        let upright = upright(&dict).unwrap();
        assert_eq!(upright.iter().map(|(n, _)| n).collect::<Vec<_>>(), ["conv3.weight", "conv3.bias", "conv4.weight", "conv5-1.weight"]);
        let numbers = |name: &str| upright.get(name).unwrap().to_f32().into_owned();
        assert_eq!(numbers("conv3.weight"), [0., 2., 1., 3., 4., 6., 5., 7.]);
        // Two channels of two columns of two rows, channels innermost.
        assert_eq!(numbers("conv4.weight"), [0., 4., 1., 5., 2., 6., 3., 7.]);
        assert_eq!(numbers("conv5-1.weight"), [0., 1., 2.]);
    }

    #[test]
    fn another_network_is_refused() {
        let mut dict = StateDict::new(Format::Caffe);
        dict.insert("test", "conv.weight", counted(&[2, 1, 3, 3])).unwrap();
        dict.insert("test", "fc.weight", counted(&[1, 12])).unwrap();
        assert!(upright(&dict).unwrap_err().to_string().contains("`fc.weight` (1x12)"));
    }
}
