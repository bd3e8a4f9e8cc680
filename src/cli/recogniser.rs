//! From pictures to embeddings, for every command that enrols or searches.

use std::path::PathBuf;

use lookalike::Result;
use lookalike::embed::{EmbedOptions, Embedder, Embedding, Fit, Picture};
use lookalike::gallery::GalleryModel;
use lookalike::model::{Flip, Model, Precision};

use super::args::{DescribeArg, GlobalArgs};
use super::context::{model_or_builtin, open_gpu};
use super::embed::FlipArg;
use super::ui::Ui;

/// Which network looks at pictures, and how.
#[derive(clap::Args)]
pub(crate) struct RecogniserArgs {
    /// A model file or an .onnx. Default: the built-in embedder.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    describe: DescribeArg,
    /// The pictures are aligned crops already.
    #[arg(long)]
    aligned: bool,
    /// Mirror augmentation. Default: what the model's description says.
    #[arg(long, value_enum)]
    flip: Option<FlipArg>,
    /// Pictures in a run of the network.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
}

impl RecogniserArgs {
    /// The model that was named, and what a gallery has to know of it.
    pub(crate) fn load(&self) -> Result<(Model, GalleryModel)> {
        let model = model_or_builtin(self.model.as_deref(), &self.describe)?;
        let identity = GalleryModel::new(&model, self.flip.map(Flip::from));
        Ok((model, identity))
    }
}

/// A face that was seen in a picture.
pub(crate) struct Seen {
    pub(crate) embedding: Embedding,
    /// How good the face is, where somebody measured it.
    pub(crate) quality: Option<f32>,
    /// Left, top, right, bottom in pixels, where the face was looked for.
    pub(crate) bounds: Option<[f32; 4]>,
}

/// Looks at pictures.
pub(crate) struct Recogniser {
    embedder: Embedder,
}

impl Recogniser {
    pub(crate) fn open(global: &GlobalArgs, ui: &Ui, args: &RecogniserArgs, model: &Model) -> Result<Self> {
        let gpu = open_gpu(global, ui)?;
        let options = EmbedOptions {
            batch: args.batch as usize,
            precision: Precision::from(global.precision),
            flip: args.flip.map(Flip::from),
            fit: if args.aligned { Fit::Aligned } else { Fit::CentreCrop },
        };
        let embedder = Embedder::new(&gpu, model, &options)?;
        if !args.aligned {
            ui.note("Faces are not detected yet: the centre of each picture is embedded. Use --aligned for crops that are ready.");
        }
        Ok(Self { embedder })
    }

    /// How many pictures are best looked at together.
    pub(crate) fn batch(&self) -> usize {
        self.embedder.batch()
    }

    /// The faces of every picture, in order. A picture in which there is none has an empty list.
    pub(crate) fn see(&self, pictures: &[Picture]) -> Result<Vec<Vec<Seen>>> {
        let embeddings = self.embedder.embed(pictures)?;
        Ok(embeddings.into_iter().map(|embedding| vec![Seen { embedding, quality: None, bounds: None }]).collect())
    }
}
