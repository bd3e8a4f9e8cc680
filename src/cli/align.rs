//! `lookalike align`

use std::path::PathBuf;

use lookalike::embed::Picture;
use lookalike::face::align::Aligner;
use lookalike::face::frontal::{Frontaliser, SIDE};
use lookalike::face::{Face, Which};
use lookalike::gpu::{Gpu, Photo};
use lookalike::model::{Align, Precision};
use lookalike::{Error, Result};
use serde_json::{Value, json};

use super::args::{DescribeArg, GlobalArgs};
use super::context::{model_or_builtin, open_gpu};
use super::faces::{FaceArgs, crop, no_face, number, place, upload};
use super::pictures;
use super::sheet::Sheet;
use super::ui::{Done, Outcome, Ui};

/// Writes the faces of photographs as networks see them: one PNG a face.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pictures, or folders that are searched for pictures.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pictures: Vec<PathBuf>,
    /// The folder that the crops go into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A model whose description says how faces are aligned. Default: the built-in embedder.
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    model: Option<PathBuf>,
    #[command(flatten)]
    describe: DescribeArg,
    /// A template instead of a model's: arcface-112, retail-128, dlib-150, facenet-160 and so on; `frontal` turns the head to the front (needs 68
    /// landmarks, see --landmarks).
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Width and height of the crop, for --template. Default: what the template's name says.
    #[arg(long, value_name = "WxH", value_parser = super::faces::size, requires = "template")]
    size: Option<[u32; 2]>,
    #[command(flatten)]
    faces: FaceArgs,
}

/// How crops are made.
enum Cropper {
    Aligned(Aligner),
    Frontal(Frontaliser),
}

impl Cropper {
    fn of(args: &Args) -> Result<Self> {
        let Some(template) = &args.template else {
            let model = model_or_builtin(args.model.as_deref(), &args.describe)?;
            let (_, shape) = model.picture_input(1)?;
            return Ok(Self::Aligned(Aligner::new(&model.description, [shape[3], shape[2]])?));
        };
        if template == "frontal" {
            return Ok(Self::Frontal(Frontaliser::new()));
        }
        let named = args
            .size
            .or_else(|| size_in(template))
            .ok_or_else(|| Error::Caller(format!("The name of the template `{template}` says no size. Give one: --size 112x112.")))?;
        let align = Align { size: named.map(|n| n as usize), template: Some(template.clone()), ..Align::default() };
        Ok(Self::Aligned(Aligner::of(&align)?))
    }
}

/// The size at the end of a template's name: `sphereface-96x112`, `dlib-150`.
fn size_in(template: &str) -> Option<[u32; 2]> {
    let end = template.rsplit('-').next()?;
    let (width, height) = end.split_once('x').unwrap_or((end, end));
    Some([width.parse().ok()?, height.parse().ok()?])
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let paths = pictures::list(&args.pictures)?;
    let gpu = open_gpu(global, ui)?;
    let cropper = Cropper::of(args)?;
    let finder = args.faces.finder(&gpu, Precision::from(global.precision), Which::All)?;
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io("Creating the folder", &args.out, e))?;
    let mut names = pictures::Names::default();
    let mut records = Vec::new();
    let (mut read, mut written) = (0, 0);
    let mut progress = ui.progress(paths.len(), "aligning");
    pictures::decoded(&paths, 1, |index, decoded| {
        let path = &paths[index];
        progress.advance(1);
        let photo = match decoded.and_then(|picture| upload(&gpu, &picture)) {
            Ok(photo) => photo,
            Err(e @ (Error::DeviceLost(_) | Error::Device(_))) => return Err(e.into()),
            Err(e) => {
                progress.interrupt(|| ui.skipped(&e.to_string()));
                return Ok(());
            }
        };
        read += 1;
        let faces = finder.find(std::slice::from_ref(&photo))?.pop().unwrap_or_default();
        if faces.is_empty() {
            progress.interrupt(|| ui.skipped(&no_face(&path.display().to_string()).to_string()));
        }
        let mut crops = Vec::new();
        for face in &faces {
            match cropper.crop(&gpu, &photo, face) {
                Ok((picture, mut record)) => {
                    let out = args.out.join(names.next(path));
                    Sheet::over(picture)?.save(&out)?;
                    written += 1;
                    record["crop"] = json!(out.display().to_string());
                    if !ui.json {
                        ui.line(&out.display().to_string())?;
                    }
                    crops.push(record);
                }
                Err(e @ Error::NoAlignment(_)) => progress.interrupt(|| ui.skipped(&format!("{}: {e}", path.display()))),
                Err(e) => return Err(e.into()),
            }
        }
        records.push(json!({ "image": path.display().to_string(), "faces": crops }));
        Ok(())
    })?;
    progress.finish();
    if read == 0 {
        return Err(Error::Picture(format!("None of {} pictures could be read. See the reasons above.", paths.len())).into());
    }
    if ui.json {
        ui.json(&records)?;
    }
    ui.say_plain(&format!("{written} crops of {read} pictures into {}", args.out.display()));
    Ok(Done::Yes)
}

impl Cropper {
    /// The crop of a face and what --json says of it.
    fn crop(&self, gpu: &Gpu, photo: &Photo, face: &Face) -> Result<(Picture, Value)> {
        let known = place(face);
        let with = |more: Value| {
            let mut all = known.clone();
            if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
                all.extend(more);
            }
            all
        };
        match self {
            Self::Aligned(aligner) => {
                let alignment = aligner.align(face, photo.size())?;
                let picture = crop(gpu, photo, alignment.look, aligner.size())?;
                Ok((
                    picture,
                    with(
                        json!({ "matrix": alignment.to_crop, "residual": number(alignment.residual), "doubtful": alignment.is_doubtful() }),
                    ),
                ))
            }
            Self::Frontal(frontaliser) => {
                let frontal = frontaliser.frontal(gpu, photo, face)?;
                let picture = Picture::new(SIDE, SIDE, frontal.pixels(gpu)?)?;
                Ok((picture, with(json!({ "pose": frontal.pose, "visible": frontal.visible, "flat": frontal.flat }))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_say_their_size() {
        assert_eq!(size_in("arcface-112"), Some([112, 112]));
        assert_eq!(size_in("sphereface-96x112"), Some([96, 112]));
        assert_eq!(size_in("mine"), None);
    }
}
