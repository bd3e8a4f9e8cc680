//! `lookalike analyze`

use std::path::{Path, PathBuf};

use lookalike::embed::{Classified, Classifier};
use lookalike::face::align::Aligner;
use lookalike::face::{Face, Which};
use lookalike::gpu::{Gpu, Photo, PhotoView};
use lookalike::import::Limits;
use lookalike::model::{Model, Precision};
use lookalike::{Error, Result, zoo};
use serde_json::{Map, Value, json};

use super::args::GlobalArgs;
use super::context::open_gpu;
use super::faces::{FaceArgs, number, place, upload};
use super::pictures;
use super::ui::{Done, Outcome, Ui};

/// What networks say of a face.
const ATTRIBUTES: [&str; 4] = ["age", "gender", "emotion", "race"];
/// Faces in a run.
const BATCH: usize = 8;

/// Age, gender, emotion and race of the faces in pictures, as far as a network for it is given.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pictures, or folders that are searched for pictures.
    #[arg(required = true, value_name = "IMAGE|DIR")]
    pictures: Vec<PathBuf>,
    /// A network over years. Build one with `lookalike zoo build age --weights FILE`.
    #[arg(long, value_name = "FILE")]
    age: Option<PathBuf>,
    /// A network over woman and man.
    #[arg(long, value_name = "FILE")]
    gender: Option<PathBuf>,
    /// A network over emotions.
    #[arg(long, value_name = "FILE")]
    emotion: Option<PathBuf>,
    /// A network over the classes its authors call races.
    #[arg(long, value_name = "FILE")]
    race: Option<PathBuf>,
    #[command(flatten)]
    faces: FaceArgs,
}

/// A network with what puts faces in front of it.
struct Attribute {
    name: &'static str,
    classifier: Classifier,
    aligner: Aligner,
}

impl Attribute {
    fn open(gpu: &Gpu, name: &'static str, path: &Path, precision: Precision) -> Result<Self> {
        let mut model = Model::load(path, &Limits::default())?;
        if model.description.classes.is_none() {
            // A file that says nothing of itself is fed and read as the network of that name in the registry.
            if let Ok(entry) = zoo::find(name) {
                let description = entry.description(&model.graph);
                model.describe(description)?;
            }
        }
        let classifier = Classifier::new(gpu, &model, BATCH, precision)?;
        let aligner = Aligner::new(&model.description, classifier.size())?;
        Ok(Self { name, classifier, aligner })
    }

    /// One answer a face; `None` where it cannot be aligned.
    fn of(&self, photo: &Photo, faces: &[Face]) -> Result<Vec<Option<Classified>>> {
        let looks: Vec<_> = faces.iter().map(|f| self.aligner.align(f, photo.size()).ok().map(|a| a.look)).collect();
        let views: Vec<_> = looks.iter().flatten().map(|&look| PhotoView { photo, look }).collect();
        let mut answers = self.classifier.classify(&views)?.into_iter();
        Ok(looks.iter().map(|look| look.and_then(|_| answers.next())).collect())
    }

    /// The answer for people.
    fn words(&self, answer: &Classified) -> String {
        match answer.expected {
            Some(value) => format!("{} {value:.1}", self.name),
            None => format!("{} {} ({:.0} %)", self.name, self.class(answer), 100.0 * self.probability(answer)),
        }
    }

    fn class(&self, answer: &Classified) -> &str {
        self.classifier.classes().get(answer.class).map_or("", String::as_str)
    }

    fn probability(&self, answer: &Classified) -> f32 {
        answer.probabilities.get(answer.class).copied().unwrap_or(0.0)
    }

    fn json(&self, answer: &Classified) -> Value {
        match answer.expected {
            Some(value) => number(value),
            None => {
                let all: Map<_, _> =
                    self.classifier.classes().iter().zip(&answer.probabilities).map(|(c, p)| (c.clone(), number(*p))).collect();
                json!({ "class": self.class(answer), "probabilities": all })
            }
        }
    }
}

pub(crate) fn run(global: &GlobalArgs, ui: &Ui, args: &Args) -> Outcome {
    let given = [&args.age, &args.gender, &args.emotion, &args.race];
    let missing: Vec<_> = ATTRIBUTES.iter().zip(given).filter(|(_, g)| g.is_none()).map(|(&a, _)| a).collect();
    let how =
        "Build one from published weights (`lookalike zoo build NAME --weights FILE -o NAME.safetensors`) and name it with --NAME FILE.";
    if missing.len() == ATTRIBUTES.len() {
        return Err(Error::Caller(format!("No network is given for age, gender, emotion or race. {how}")).into());
    }
    let paths = pictures::list(&args.pictures)?;
    let gpu = open_gpu(global, ui)?;
    let precision = Precision::from(global.precision);
    let attributes = ATTRIBUTES
        .into_iter()
        .zip(given)
        .filter_map(|(name, path)| path.as_ref().map(|p| Attribute::open(&gpu, name, p, precision)))
        .collect::<Result<Vec<_>>>()?;
    ui.note(&format!("Not answered for want of a network: {}. {how}", missing.join(", ")));
    let finder = args.faces.finder(&gpu, precision, Which::All)?;
    let mut records = Vec::new();
    let (mut read, mut found) = (0, 0);
    pictures::decoded(&paths, 1, |index, decoded| {
        let path = paths[index].display().to_string();
        let picture = match decoded {
            Ok(picture) => picture,
            Err(e) => {
                ui.skipped(&e.to_string());
                return Ok(());
            }
        };
        read += 1;
        let photo = upload(&gpu, &picture)?;
        let faces = finder.find(std::slice::from_ref(&photo))?.pop().unwrap_or_default();
        let answers = attributes.iter().map(|a| a.of(&photo, &faces)).collect::<Result<Vec<_>>>()?;
        found += faces.len();
        if !ui.json && faces.is_empty() {
            ui.line(&format!("{path}  no face"))?;
        }
        let mut list = Vec::new();
        for (i, face) in faces.iter().enumerate() {
            let said: Vec<_> = attributes.iter().zip(&answers).map(|(a, all)| (a, all[i].as_ref())).collect();
            if ui.json {
                let mut record = place(face);
                said.iter().for_each(|(a, answer)| record[a.name] = answer.map_or(Value::Null, |c| a.json(c)));
                list.push(record);
            } else {
                let words: Vec<_> = said.iter().filter_map(|(a, answer)| answer.map(|c| a.words(c))).collect();
                ui.line(&format!("{path}  face {i}  {}", words.join(", ")))?;
            }
        }
        records.push(json!({ "image": path, "faces": list }));
        Ok(())
    })?;
    if read == 0 {
        return Err(Error::Picture(format!("None of {} pictures could be read. See the reasons above.", paths.len())).into());
    }
    if ui.json {
        ui.json(&records)?;
    }
    ui.say_plain(&format!("{found} faces in {read} pictures"));
    Ok(Done::Yes)
}
