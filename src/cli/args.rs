//! Arguments that several subcommands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lookalike::Error;
use lookalike::import::Limits;
use lookalike::model::{Flip, Precision};
use lookalike::tensor::Shape;

/// Arguments of every subcommand.
#[derive(Args)]
pub(crate) struct GlobalArgs {
    /// The adapter: its number or a part of its name, as `devices` lists them. Default: the best one, discrete first.
    #[arg(long, global = true, value_name = "N|NAME")]
    pub(crate) device: Option<String>,
    /// Adapters that search side by side: `all` (but for software ones, unless there is nothing else), or numbers and parts of names. For
    /// search, cluster and bench search.
    #[arg(long, global = true, value_name = "all|N,NAME")]
    pub(crate) devices: Option<String>,
    /// Storage of weights on the device, and of weights in converted files.
    #[arg(long, global = true, value_enum, default_value_t = PrecisionArg::F32)]
    pub(crate) precision: PrecisionArg,
    /// With --precision f16: products on tensor cores, where the adapter has them and they agree with the ordinary kernel when it is opened.
    /// Experimental; activations are rounded to 16 bits, too.
    #[arg(long, global = true)]
    pub(crate) experimental_coop: bool,
    /// Times the ways to compute each convolution and dense layer on this adapter, once, and uses the fastest; later runs with --autotune take
    /// what was chosen. Without it, plans depend on no measurement. For every network of a command. A layer is timed for each batch and size:
    /// a detector that sees pictures as they are takes seconds for every new size of pictures.
    #[arg(long, global = true)]
    pub(crate) autotune: bool,
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No warnings, notes or progress bars.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// -v: adapter and plan. -vv: one line per kernel.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// 32-bit floats.
    F32,
    /// 16-bit floats, arithmetic in 32 bits.
    F16,
}

impl PrecisionArg {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

impl From<PrecisionArg> for Precision {
    fn from(p: PrecisionArg) -> Self {
        match p {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::F16 => Self::F16,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FlipArg {
    /// The picture alone.
    None,
    /// The sum of the embeddings of the picture and its mirror image.
    Sum,
    /// Both, one after the other.
    Concat,
}

impl From<FlipArg> for Flip {
    fn from(flip: FlipArg) -> Self {
        match flip {
            FlipArg::None => Self::None,
            FlipArg::Sum => Self::Sum,
            FlipArg::Concat => Self::Concat,
        }
    }
}

/// How a model is read.
#[derive(Args)]
pub(crate) struct DescribeArg {
    /// TOML that says how to feed the model: pixel order, mean and scale, alignment, embedding, licence.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) describe: Option<PathBuf>,
    /// How much the model file may ask for, as the error about it says: max_model_bytes=16G.
    #[arg(long, value_name = "NAME=N")]
    limit: Vec<LimitArg>,
}

impl DescribeArg {
    /// The default limits with those that were given.
    pub(crate) fn limits(&self) -> Result<Limits, Error> {
        let mut limits = Limits::default();
        self.limit.iter().try_for_each(|l| limits.set(&l.name, l.value))?;
        Ok(limits)
    }
}

/// `max_model_bytes=16G`.
#[derive(Clone, Debug, PartialEq)]
struct LimitArg {
    name: String,
    value: u64,
}

/// `16G`: K, M and G are binary.
fn units(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Where a gallery lies while it is searched.
#[derive(Args)]
pub(crate) struct GalleryPlaceArgs {
    /// Bytes of the gallery's rows that each adapter may hold: 8G. The rest passes through it in every search. Default: all of them.
    #[arg(long, value_name = "N", value_parser = |text: &str| units(text).ok_or_else(|| format!("`{text}` is no number of bytes; write for example 8G")))]
    pub(crate) device_bytes: Option<u64>,
}

impl std::str::FromStr for LimitArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (name, number) = text.split_once('=')?;
            Some(Self { name: name.to_owned(), value: units(number)? })
        };
        parse().ok_or_else(|| format!("`{text}` is not a limit; write for example max_model_bytes=16G"))
    }
}

/// `NAME=1x3x112x112`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShapeArg {
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

impl std::str::FromStr for ShapeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |text: &str| {
            let (name, dims) = text.rsplit_once('=')?;
            let dims: Option<Vec<usize>> = dims.split(['x', ',']).map(|d| d.trim().parse().ok().filter(|&n| n > 0)).collect();
            (!name.is_empty()).then_some(())?;
            Some(Self { name: name.to_owned(), shape: Shape::from(dims?) })
        };
        parse(text).ok_or_else(|| format!("`{text}` is not a shape; write NAME=1x3x112x112"))
    }
}

/// The shapes as the library takes them, checked to name inputs of the model.
pub(crate) fn shapes_of(graph: &lookalike::graph::Graph, shapes: &[ShapeArg]) -> Result<Vec<(String, Shape)>, Error> {
    let names: Vec<_> = graph.inputs.iter().map(|i| graph.name(i.value)).collect();
    for s in shapes {
        if !names.contains(&s.name.as_str()) {
            return Err(Error::Caller(format!("The model has no input named `{}`. Its inputs are {}.", s.name, names.join(", "))));
        }
    }
    Ok(shapes.iter().map(|s| (s.name.clone(), s.shape.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_take_binary_units() {
        assert_eq!("max_rank=9".parse(), Ok(LimitArg { name: "max_rank".to_owned(), value: 9 }));
        assert_eq!("a=3K".parse(), Ok(LimitArg { name: "a".to_owned(), value: 3072 }));
        assert_eq!("a=2G".parse(), Ok(LimitArg { name: "a".to_owned(), value: 2 << 30 }));
        for bad in ["", "a", "a=", "a=K", "a=1KK", "a=-1", "a=1.5G", "a=99999999999G"] {
            assert!(bad.parse::<LimitArg>().is_err(), "{bad}");
        }
    }

    #[test]
    fn shapes_are_parsed_and_nonsense_is_refused() {
        assert_eq!("a=b=1x3x20x20".parse(), Ok(ShapeArg { name: "a=b".to_owned(), shape: Shape::from([1, 3, 20, 20]) }));
        for bad in ["", "x", "=1x2", "x=", "x=1x0", "x=1x-2", "x=1xa", "x=99999999999999999999999"] {
            assert!(bad.parse::<ShapeArg>().is_err(), "{bad}");
        }
    }
}
