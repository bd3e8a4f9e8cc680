//! The messages of a Caffe file, as far as they are read: `NetParameter` with its layers and blobs, all borrowed from the file.
//!
//! Field numbers follow `caffe.proto`. The numbers of weights stay where they are until [`super::layers`] makes tensors of them; the little
//! that is kept here is booked before it is kept. Layers of `NetParameter` hold blobs, blobs hold a shape: nothing is followed deeper.

use std::borrow::Cow;

use super::wire::{Fields, Flaw, Value, varint};
use crate::error::{Error, Result};
use crate::import::checkpoint::elements::damaged;
use crate::import::limits::Budget;

/// Fields of `NetParameter`: its layers of both generations.
const V1_LAYERS: u64 = 2;
const LAYERS: u64 = 100;

/// Bytes of a name or a type.
const LONGEST_NAME: usize = 1024;

/// A layer: `LayerParameter`, or `V1LayerParameter` as Caffe wrote before 2015.
#[derive(Default)]
pub(super) struct Layer<'a> {
    pub(super) name: Cow<'a, str>,
    /// The type, as newer files call it.
    pub(super) kind: Cow<'a, str>,
    /// The names of what it reads.
    pub(super) bottoms: Vec<&'a [u8]>,
    /// The name of what it makes.
    pub(super) top: &'a [u8],
    pub(super) blobs: Vec<Blob<'a>>,
    /// An inner product that stores its matrix as `[K, O]`.
    pub(super) transposed: bool,
}

impl<'a> Layer<'a> {
    fn first_top(&mut self, top: &'a [u8]) {
        if self.top.is_empty() {
            self.top = top;
        }
    }
}

/// A tensor: `BlobProto`.
#[derive(Default)]
pub(super) struct Blob<'a> {
    pub(super) dims: Vec<i64>,
    /// Little-endian f32, in pieces.
    pub(super) floats: Vec<&'a [u8]>,
    /// Little-endian f64, in pieces.
    pub(super) doubles: Vec<&'a [u8]>,
    /// Whether there are bytes in the field that forks of Caffe keep halves in.
    pub(super) raw: bool,
}

/// Memory for one more `T` in a vector: it has up to twice the capacity it needs, and half of that besides while it moves; and room for four
/// at least.
const fn each<T>() -> u64 {
    size_of::<T>() as u64 * 4
}

/// Whether the fields of `bytes` fit a `NetParameter` as far as they are there, and there is a layer.
///
/// ONNX files do not fit: their graph is field 7, a truth value here, and their version is field 1, a name here.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let (mut names, mut layers) = (0, 0);
    for field in Fields::new(bytes) {
        match field {
            Ok((1, Value::Part(_))) => names += 1,
            Ok((V1_LAYERS | LAYERS, Value::Part(layer))) if layers > 0 || begins_like_a_layer(layer) => layers += 1,
            Ok((3 | 6 | 8, Value::Part(_)) | (4 | 5 | 7, Value::Number(_)) | (9..LAYERS | 101.., _)) => {}
            Ok(_) => return false,
            // Damaged or cut off later on.
            Err(_) => break,
        }
    }
    names < 2 && layers > 0
}

fn begins_like_a_layer(layer: &[u8]) -> bool {
    matches!(Fields::new(layer).next(), None | Some(Ok((1..=7, Value::Part(_)) | (5, Value::Number(_)))))
}

/// Reads the layers of the file.
pub(super) struct Reader<'f, 'b> {
    pub(super) file: &'f str,
    pub(super) budget: &'b mut Budget,
    blobs: usize,
}

impl<'f, 'b> Reader<'f, 'b> {
    pub(super) fn new(file: &'f str, budget: &'b mut Budget) -> Self {
        Self { file, budget, blobs: 0 }
    }

    /// All layers, in the order in which pictures pass them.
    pub(super) fn layers<'a>(&mut self, bytes: &'a [u8]) -> Result<Vec<Layer<'a>>> {
        let mut layers = Vec::new();
        for field in Fields::new(bytes) {
            let (number, value) = field.map_err(|flaw| self.flawed(flaw, "the network"))?;
            if let (V1_LAYERS | LAYERS, Value::Part(part)) = (number, value) {
                self.budget.limits().check_nodes(self.file, layers.len() + 1)?;
                // Besides the layer, an entry in the table that finds the scale of a normalisation.
                self.budget.reserve(self.file, each::<Layer<'_>>() + 128)?;
                layers.push(if number == LAYERS { self.layer(part)? } else { self.v1_layer(part)? });
            }
        }
        Ok(layers)
    }

    fn layer<'a>(&mut self, part: &'a [u8]) -> Result<Layer<'a>> {
        let mut layer = Layer::default();
        for field in Fields::new(part) {
            match field.map_err(|flaw| self.flawed_in("the layer", &layer.name, flaw))? {
                (1, Value::Part(name)) => layer.name = self.text(name)?,
                (2, Value::Part(kind)) => layer.kind = self.text(kind)?,
                (3, Value::Part(bottom)) => self.bottom(&mut layer, bottom)?,
                (4, Value::Part(top)) => layer.first_top(top),
                (7, Value::Part(blob)) => self.blob(&mut layer, blob)?,
                // `InnerProductParameter`
                (117, Value::Part(options)) => {
                    for option in Fields::new(options) {
                        if let (6, Value::Number(n)) =
                            option.map_err(|flaw| self.flawed_in("the options of the layer", &layer.name, flaw))?
                        {
                            layer.transposed = n != 0;
                        }
                    }
                }
                (1..=4 | 7 | 117, _) => return Err(self.mistyped("the layer", &layer.name)),
                _ => {}
            }
        }
        Ok(layer)
    }

    fn v1_layer<'a>(&mut self, part: &'a [u8]) -> Result<Layer<'a>> {
        let mut layer = Layer::default();
        for field in Fields::new(part) {
            match field.map_err(|flaw| self.flawed_in("the layer", &layer.name, flaw))? {
                (1, Value::Part(_)) => {
                    return Err(Error::Unsupported(format!(
                        "The checkpoint `{}` has the form that Caffe wrote until 2013 (V0), which is not supported. \
                         Bring it up to date with Caffe's `upgrade_net_proto_binary`.",
                        self.file
                    )));
                }
                (2, Value::Part(bottom)) => self.bottom(&mut layer, bottom)?,
                (3, Value::Part(top)) => layer.first_top(top),
                (4, Value::Part(name)) => layer.name = self.text(name)?,
                (5, Value::Number(kind)) => layer.kind = v1_type(kind),
                (6, Value::Part(blob)) => self.blob(&mut layer, blob)?,
                (1..=6, _) => return Err(self.mistyped("the layer", &layer.name)),
                _ => {}
            }
        }
        Ok(layer)
    }

    fn bottom<'a>(&mut self, layer: &mut Layer<'a>, bottom: &'a [u8]) -> Result<()> {
        self.budget.reserve(self.file, each::<&[u8]>())?;
        layer.bottoms.push(bottom);
        Ok(())
    }

    fn blob<'a>(&mut self, layer: &mut Layer<'a>, part: &'a [u8]) -> Result<()> {
        self.blobs += 1;
        self.budget.limits().check_initializers(self.file, self.blobs)?;
        self.budget.reserve(self.file, each::<Blob<'_>>())?;
        let mut blob = Blob::default();
        // Before there were shapes: num, channels, height, width.
        let mut old = [0; 4];
        let mut shaped = false;
        for field in Fields::new(part) {
            let name = &layer.name;
            match field.map_err(|flaw| self.flawed_in("a blob of the layer", name, flaw))? {
                (number @ 1..=4, Value::Number(n)) => {
                    if let Some(size) = old.get_mut(number as usize - 1) {
                        *size = n.cast_signed();
                    }
                }
                (5, Value::Part(piece) | Value::Four(piece)) => {
                    self.budget.reserve(self.file, each::<&[u8]>())?;
                    blob.floats.push(piece);
                }
                (7, Value::Part(shape)) => {
                    shaped = true;
                    self.shape(&mut blob.dims, shape, name)?;
                }
                (8, Value::Part(piece) | Value::Eight(piece)) => {
                    self.budget.reserve(self.file, each::<&[u8]>())?;
                    blob.doubles.push(piece);
                }
                (12, Value::Part(raw)) => blob.raw = !raw.is_empty(),
                (1..=5 | 7 | 8, _) => return Err(self.mistyped("a blob of the layer", name)),
                _ => {}
            }
        }
        if !shaped {
            blob.dims = old.to_vec();
        }
        layer.blobs.push(blob);
        Ok(())
    }

    /// `BlobShape`: sizes, packed or one by one.
    fn shape(&mut self, dims: &mut Vec<i64>, part: &[u8], name: &str) -> Result<()> {
        let limits = *self.budget.limits();
        let mut push = |n: u64| {
            limits.check_rank(name, dims.len() + 1)?;
            dims.push(n.cast_signed());
            Ok::<_, Error>(())
        };
        for field in Fields::new(part) {
            match field.map_err(|flaw| self.flawed_in("a shape of the layer", name, flaw))? {
                (1, Value::Number(n)) => push(n)?,
                (1, Value::Part(mut packed)) => {
                    while !packed.is_empty() {
                        push(varint(&mut packed).map_err(|flaw| self.flawed_in("a shape of the layer", name, flaw))?)?;
                    }
                }
                (1, _) => return Err(self.mistyped("a shape of the layer", name)),
                _ => {}
            }
        }
        Ok(())
    }

    /// A name or a type. Messages repeat it, and every tensor of the layer.
    fn text<'a>(&self, part: &'a [u8]) -> Result<Cow<'a, str>> {
        if part.len() > LONGEST_NAME {
            return Err(damaged(self.file, &format!("has a layer whose name or type has {} bytes", part.len())));
        }
        std::str::from_utf8(part).map(Cow::Borrowed).map_err(|_| damaged(self.file, "has a layer whose name or type is not UTF-8"))
    }

    fn flawed_in(&self, what: &str, name: &str, flaw: Flaw) -> Error {
        self.flawed(flaw, &if name.is_empty() { format!("{what} without a name") } else { format!("{what} `{name}`") })
    }

    fn flawed(&self, flaw: Flaw, part: &str) -> Error {
        match flaw {
            Flaw::Cut => damaged(self.file, &format!("ends in the middle of a field in {part}")),
            Flaw::Broken(reason) => damaged(self.file, &format!("is no readable Caffe file: {reason} (in {part})")),
        }
    }

    fn mistyped(&self, what: &str, name: &str) -> Error {
        self.flawed_in(what, name, Flaw::Broken("a field is of another kind than Caffe gives it"))
    }
}

/// `V1LayerParameter.LayerType`, as far as layers of it have blobs.
fn v1_type(number: u64) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        4 => "Convolution",
        14 => "InnerProduct",
        39 => "Deconvolution",
        other => return Cow::Owned(format!("V1 type {other}")),
    })
}
