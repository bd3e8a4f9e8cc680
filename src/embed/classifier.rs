//! Networks that say something of a face in words: age, gender, emotion, race.

use crate::error::{Error, Result};
use crate::gpu::{Gpu, PhotoView};
use crate::model::{Model, Precision};
use crate::network::{CompileOptions, Network};

/// A network over classes that have names.
pub struct Classifier {
    network: Network,
    size: [usize; 2],
    classes: Vec<String>,
    batch: usize,
}

/// What a [`Classifier`] says of a face.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// The class of the largest probability: its place among [`Classifier::classes`].
    pub class: usize,
    /// Probabilities of all classes, in order.
    pub probabilities: Vec<f32>,
    /// Where all classes are numbers (years): the sum of each times its probability.
    pub expected: Option<f32>,
}

impl Classifier {
    /// Compiles `model`, whose description names the classes, for batches of `batch` faces.
    ///
    /// # Errors
    /// [`Error::Model`] when the model does not take pictures of a known size or names no classes; otherwise as [`Network::compile`].
    pub fn new(gpu: &Gpu, model: &Model, batch: usize, precision: Precision) -> Result<Self> {
        let name = &model.description.name;
        let Some(classes) = model.description.classes.clone().filter(|c| !c.is_empty()) else {
            return Err(Error::Model(format!(
                "The model `{name}` does not say what its classes are. List them in the description: classes = [\"woman\", \"man\"]."
            )));
        };
        let batch = batch.max(1);
        let (input, shape) = model.picture_input(batch)?;
        let size = [shape[3], shape[2]];
        let options = CompileOptions { batch, shapes: vec![(input, shape)], precision, ..CompileOptions::default() };
        Ok(Self { network: Network::compile(gpu, model, &options)?, size, classes, batch })
    }

    /// Width and height of the network's input in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// One answer a view, in order.
    ///
    /// # Errors
    /// [`Error::Model`] when the network has another number of outputs than classes; otherwise as [`Network::run_photos`].
    pub fn classify(&self, views: &[PhotoView<'_>]) -> Result<Vec<Classified>> {
        let mut out = Vec::with_capacity(views.len());
        for chunk in views.chunks(self.batch) {
            let outputs = self.network.run_photos(chunk, None)?;
            let fits = |n: usize| n == chunk.len() * self.classes.len();
            let Some((_, tensor)) = outputs.first().filter(|(_, t)| fits(t.len())) else {
                let found = outputs.first().map_or_else(|| "nothing".to_owned(), |(_, t)| t.shape().to_string());
                return Err(Error::Model(format!(
                    "The model's output is {found} for {} faces, but its description names {} classes. Correct `classes`.",
                    chunk.len(),
                    self.classes.len()
                )));
            };
            out.extend(tensor.to_f32().chunks_exact(self.classes.len()).map(|p| classified(&self.classes, p)));
        }
        Ok(out)
    }
}

fn classified(classes: &[String], probabilities: &[f32]) -> Classified {
    let best = |best: usize, i: usize| if probabilities[i] > probabilities[best] { i } else { best };
    let values: Option<Vec<f32>> = classes.iter().map(|c| c.parse().ok()).collect();
    let expected = values.map(|v| v.iter().zip(probabilities).map(|(v, p)| v * p).sum());
    Classified { class: (0..probabilities.len()).fold(0, best), probabilities: probabilities.to_vec(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_an_expectation_and_words_have_not() {
        let years: Vec<String> = ["10", "20", "30"].map(str::to_owned).to_vec();
        let c = classified(&years, &[0.25, 0.25, 0.5]);
        assert_eq!((c.class, c.expected), (2, Some(22.5)));
        let words: Vec<String> = ["woman", "man"].map(str::to_owned).to_vec();
        let c = classified(&words, &[0.5, 0.5]);
        assert_eq!((c.class, c.expected), (0, None));
    }
}
