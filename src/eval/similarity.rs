//! All similarities of two sets of embeddings, as a matrix product on the GPU.

use crate::error::{Error, Result};
use crate::gallery::index::Metric;
use crate::gpu::Gpu;
use crate::graph::{Dim, Graph, Op};
use crate::model::{Description, Model};
use crate::network::{CompileOptions, Network};
use crate::tensor::{Shape, Tensor};

/// Rows and columns are filled up to multiples of this, so that few shapes need plans of their own.
const STEP: usize = 32;
/// Rows of either side of one product: with the columns it bounds what is computed at once.
const BLOCK: usize = 2048;

/// Computes matrices of similarities for embeddings of one length.
///
/// Products are sums in f32, so a cosine is right to about 1e-6. Distances are taken from products in f64 and lose digits where two long
/// vectors are close: an error of about 1e-6 of the larger squared length before the root. Searches with
/// [`crate::gallery::index::GalleryIndex`] are exact.
pub struct SimilarityMatrix {
    network: Network,
    dimension: usize,
    form: Form,
}

/// What becomes of a product.
#[derive(Clone, Copy)]
enum Form {
    Product,
    Cosine,
    Distance,
}

impl SimilarityMatrix {
    /// Compiles the product.
    ///
    /// # Errors
    /// [`Error::Caller`] for embeddings without numbers and metrics that are no products; otherwise as [`Network::compile`].
    pub fn new(gpu: &Gpu, dimension: usize, metric: Metric) -> Result<Self> {
        if dimension == 0 {
            return Err(Error::Caller("Embeddings of 0 numbers have no similarity. Give at least one number a row.".to_owned()));
        }
        let form = match metric {
            Metric::Cosine => Form::Cosine,
            Metric::Dot => Form::Product,
            Metric::Euclidean => Form::Distance,
            _ => {
                let text =
                    format!("The metric {metric:?} is no matrix product. Score pairs with `Scoring`, or search with `GalleryIndex`.");
                return Err(Error::Caller(text));
            }
        };
        let mut graph = Graph::default();
        let a = graph.add_input("a", vec![Dim::Free("rows".to_owned()), Dim::Fixed(dimension)]);
        let b = graph.add_input("b", vec![Dim::Free("depth".to_owned()), Dim::Free("columns".to_owned())]);
        let y = graph.add_node("products", Op::MatMul, &[a, b]);
        graph.outputs.push(y);
        let model = Model::new(&graph, Description { name: "similarity".to_owned(), ..Description::default() })?;
        let shape = |s: [usize; 2]| Shape::from(s.to_vec());
        let shapes = vec![("a".to_owned(), shape([STEP, dimension])), ("b".to_owned(), shape([dimension, STEP]))];
        let network = Network::compile(gpu, &model, &CompileOptions { batch: STEP, shapes, plans: 16, ..CompileOptions::default() })?;
        Ok(Self { network, dimension, form })
    }

    /// `[a][b]`, row-major: the similarity of every row of `a` to every row of `b`; more is more alike, distances are negative.
    ///
    /// # Errors
    /// [`Error::Caller`] when the numbers are no whole rows; an error of the device.
    pub fn of(&self, a: &[f32], b: &[f32]) -> Result<Vec<f32>> {
        let d = self.dimension;
        if !a.len().is_multiple_of(d) || !b.len().is_multiple_of(d) {
            return Err(Error::Caller(format!(
                "{} and {} numbers are no whole rows of {d} numbers. Give embeddings of one model.",
                a.len(),
                b.len()
            )));
        }
        let (n, m) = (a.len() / d, b.len() / d);
        let mut out = vec![0.0; n * m];
        for (i, left) in a.chunks(BLOCK * d).enumerate() {
            for (j, right) in b.chunks(BLOCK * d).enumerate() {
                let (rows, columns) = (left.len() / d, right.len() / d);
                let products = self.products(left, right)?;
                let width = columns.next_multiple_of(STEP);
                for r in 0..rows {
                    let at = (i * BLOCK + r) * m + j * BLOCK;
                    out[at..at + columns].copy_from_slice(&products[r * width..r * width + columns]);
                }
            }
        }
        self.finish(&mut out, &lengths(a, d), &lengths(b, d));
        Ok(out)
    }

    /// Products of all rows, `[a][b filled up]`.
    fn products(&self, a: &[f32], b: &[f32]) -> Result<Vec<f32>> {
        let d = self.dimension;
        let (n, m) = ((a.len() / d).next_multiple_of(STEP), (b.len() / d).next_multiple_of(STEP));
        let mut left = a.to_vec();
        left.resize(n * d, 0.0);
        let mut right = vec![0.0; d * m];
        for (column, row) in b.chunks_exact(d).enumerate() {
            row.iter().enumerate().for_each(|(k, &x)| right[k * m + column] = x);
        }
        let lost = || Error::Device("A matrix of similarities has no result. Report this.".to_owned());
        let tensor = |shape: [usize; 2], v| Tensor::from_f32(shape, v).ok_or_else(lost);
        let (left, right) = (tensor([n, d], left)?, tensor([d, m], right)?);
        let product = self.network.run(&[("a", &left), ("b", &right)])?.pop().ok_or_else(lost)?.1;
        Ok(product.to_f32().to_vec())
    }

    /// Similarities from products.
    fn finish(&self, products: &mut [f32], a: &[f64], b: &[f64]) {
        for (row, &la) in products.chunks_exact_mut(b.len().max(1)).zip(a) {
            for (v, &lb) in row.iter_mut().zip(b) {
                let product = f64::from(*v);
                *v = match self.form {
                    Form::Product => *v,
                    Form::Cosine if la * lb == 0.0 => 0.0,
                    Form::Cosine => (product / (la * lb)) as f32,
                    Form::Distance => -(la * la + lb * lb - 2.0 * product).max(0.0).sqrt() as f32,
                };
            }
        }
    }
}

/// The length of every row.
fn lengths(rows: &[f32], dimension: usize) -> Vec<f64> {
    rows.chunks_exact(dimension).map(|r| r.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()).collect()
}
