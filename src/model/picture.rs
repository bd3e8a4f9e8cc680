//! What a model takes pictures by.

use super::{Channels, Description, Model};
use crate::error::{Error, Result};
use crate::graph::{Dim, Input, describe_dims};
use crate::tensor::Shape;

impl Model {
    /// The name and shape of the only input, where that is a batch of pictures. What the graph leaves free, the description's alignment says.
    ///
    /// # Errors
    /// [`Error::Model`] when there are several inputs, or the one is not a picture of known size.
    pub fn picture_input(&self, batch: usize) -> Result<(String, Shape)> {
        let graph = &self.graph;
        let [input] = graph.inputs.as_slice() else {
            return Err(Error::Model(format!("The model has {} inputs, but pictures fill one. Use `run` for it.", graph.inputs.len())));
        };
        let name = graph.name(input.value);
        let shape = picture_shape(input, &self.description, batch).ok_or_else(|| {
            Error::Model(format!(
                "The input `{name}` ({}) is not a picture of known size (batch, channels, height, width). Give the size in [align] of the \
                 description.",
                describe_dims(&input.dims)
            ))
        })?;
        Ok((name.to_owned(), shape))
    }
}

fn picture_shape(input: &Input, description: &Description, batch: usize) -> Option<Shape> {
    let [_, channels, height, width] = input.dims.as_slice() else { return None };
    let size = description.align.as_ref().map(|a| a.size);
    let known = |dim: &Dim, from: Option<usize>| match dim {
        Dim::Fixed(n) => Some(*n),
        Dim::Free(_) => from,
    };
    let shape = [
        batch,
        known(channels, Some(if description.input.channels == Channels::Gray { 1 } else { 3 }))?,
        known(height, size.map(|s| s[1]))?,
        known(width, size.map(|s| s[0]))?,
    ];
    (!shape.contains(&0)).then(|| Shape::from(shape))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::{Graph, Op};

    fn model(dims: [Option<usize>; 4]) -> Model {
        let mut graph = Graph::default();
        let x = graph.add_input("data", dims.iter().map(|d| d.map_or_else(|| Dim::Free("n".to_owned()), Dim::Fixed)).collect());
        graph.outputs = vec![graph.add_node("y", Op::Identity, &[x])];
        Model {
            graph,
            description: Description::default(),
            digest: Default::default(),
            import: None,
            limits: crate::import::Limits::default(),
        }
    }

    #[test]
    fn the_size_comes_from_the_input_or_the_description() {
        let fixed = model([None, Some(3), Some(112), Some(96)]);
        assert_eq!(fixed.picture_input(4).unwrap().1, Shape::from([4, 3, 112, 96]));
        let mut free = model([None, Some(3), None, None]);
        assert!(free.picture_input(1).is_err());
        free.description.align = Some(crate::model::Align { size: [96, 112], ..Default::default() });
        assert_eq!(free.picture_input(1).unwrap().1, Shape::from([1, 3, 112, 96]));
    }
}
