//! The loop's body.

use super::checkpoint::State;
use super::layer::{Batch, Form, Layer};
use super::learned::Learned;
use super::objective::Objective;
use super::optimizer::{Optimizer, Update};
use super::rate::Rate;
use super::sampler::{Sampler, Sampling};
use super::samples::Samples;
use super::start;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Memory, Work, numbers};
use crate::heads::{Classes, Embedded, Ground, Head, MOST_CLASSES, MOST_ROWS, PairLoss, Step, pairs, triplets};
use crate::kernels::train::{squares, transpose};
use crate::model::{LastLayer, Similarity};
use crate::score::Scoring;
use crate::tensor::Tensor;

/// What is trained, and how.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TrainOptions {
    /// What is minimised.
    pub objective: Objective,
    /// Numbers of an embedding behind the projection; `None`: as many as before it. The projection begins as the identity where both
    /// are as many, else as a random isometry.
    pub dimension: Option<usize>,
    /// Whether `b` is learned.
    pub bias: bool,
    /// How weights follow their gradients.
    pub optimizer: Optimizer,
    /// How far, over the steps.
    pub rate: Rate,
    /// Decoupled weight decay, of everything but the bias.
    pub weight_decay: f64,
    /// The greatest norm of the whole gradient; a longer one is shortened to it.
    pub clip: Option<f64>,
    /// Which rows a step sees.
    pub sampling: Sampling,
    /// Of batches and of random beginnings.
    pub seed: u64,
}

impl TrainOptions {
    /// Defaults for `objective`: SGD with momentum 0.9 and weight decay 5e-4; batches of 128 in shuffled order for classes, of 16 people with
    /// 4 pictures for pairs and triplets.
    pub fn new(objective: Objective) -> Self {
        let classes = objective.has_classes();
        Self {
            dimension: None,
            bias: false,
            optimizer: Optimizer::SGD,
            rate: Rate::constant(if classes { 0.01 } else { 0.1 }),
            weight_decay: 5e-4,
            clip: None,
            sampling: if classes { Sampling::Shuffled { batch: 128 } } else { Sampling::People { people: 16, pictures: 4 } },
            seed: 1,
            objective,
        }
    }

    fn check(&self, samples: &Samples) -> Result<()> {
        self.optimizer.check()?;
        self.rate.check()?;
        let positive = |v: f64| v.is_finite() && v > 0.0;
        if !(self.weight_decay == 0.0 || positive(self.weight_decay)) || !self.clip.is_none_or(positive) {
            return Err(Error::Caller(format!(
                "A weight decay of {} and a gradient norm of {:?} make no training. Weight decay is 0 or more, the norm is positive.",
                self.weight_decay, self.clip
            )));
        }
        if self.dimension == Some(0) || self.dimension.is_some_and(|d| d > 1 << 16) {
            return Err(Error::Caller("Embeddings have 1 to 65536 numbers. Choose another dimension.".to_owned()));
        }
        if self.objective.is_siamese() && (self.bias || self.dimension.is_some()) {
            return Err(Error::Caller(
                "The weights of a Siamese score are one a number of an embedding: there is no other dimension and no bias. Leave them out."
                    .to_owned(),
            ));
        }
        let (rows, most) = (self.sampling.rows(samples), if self.objective.has_classes() { MOST_ROWS } else { triplets::MOST_ROWS });
        if rows > most || samples.people() > MOST_CLASSES {
            return Err(Error::Limits(format!(
                "A batch of {rows} embeddings of {} people is too large: at most {most} embeddings of {MOST_CLASSES} people are possible.",
                samples.people()
            )));
        }
        Ok(())
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Progress {
    /// Which it was, from 1.
    pub step: u64,
    /// Which epoch it belongs to, from 0.
    pub epoch: u64,
    /// The mean loss of the batch, before the step.
    pub loss: f64,
    /// The learning rate.
    pub rate: f64,
    /// Euclidean norm of the gradient by everything that is learned, before it is shortened.
    pub gradient_norm: f64,
}

/// A training in progress.
pub struct Trainer<'a> {
    ground: Ground<'a>,
    samples: &'a Samples,
    options: TrainOptions,
    sampler: Sampler,
    layer: Layer,
    classes: Option<Classes>,
    /// The blocks of the class matrix.
    blocks: Vec<Learned>,
    /// Their biases or margins, where those are learned; or the one number that a Siamese distance is compared with.
    numbers: Vec<Learned>,
    embedded: Embedded,
    embedded_sums: Memory,
    done: u64,
}

impl<'a> Trainer<'a> {
    /// A training that has not begun.
    ///
    /// # Errors
    /// Options that do not fit each other or the samples, too little memory, or a lost device.
    pub fn new(gpu: &'a Gpu, samples: &'a Samples, options: &TrainOptions) -> Result<Self> {
        options.check(samples)?;
        let start = start::of(samples, options)?;
        let with_states = |data: Vec<f32>| {
            let zeros = vec![vec![0.0; data.len()]; options.optimizer.states()];
            std::iter::once(data).chain(zeros).collect()
        };
        let [projection, classes, numbers] = [start.layer, start.classes, start.numbers].map(with_states);
        let state = State { done: 0, projection, classes, numbers };
        Self::from_state(gpu, samples, options, state)
    }

    pub(super) fn from_state(gpu: &'a Gpu, samples: &'a Samples, options: &TrainOptions, state: State) -> Result<Self> {
        options.check(samples)?;
        let ground = Ground::new(gpu, true);
        let has_classes = options.objective.has_classes();
        let sampler = Sampler::new(options.sampling, samples, options.seed, !has_classes)?;
        let form = Form::new(options, samples.dimension());
        let outputs = form.outputs;
        let rows = options.sampling.rows(samples);
        let (stride, depth) = (rows.next_multiple_of(4), outputs.div_ceil(4));
        let layer = Layer::new(&ground, form, &state.projection, stride * depth)?;
        let (mut blocks, mut numbers) = (Vec::new(), Vec::new());
        let classes = if has_classes { Some(Classes::new(&ground, &state.classes[0], outputs, &state.numbers[0], stride)?) } else { None };
        if let Some(classes) = &classes {
            for ((matrix, gradient), rows) in classes.matrices.iter().zip(classes.gradients()).zip(classes.ranges()) {
                let states: Vec<&[f32]> = state.classes[1..].iter().map(|s| &s[rows.start * outputs..rows.end * outputs]).collect();
                blocks.push(Learned::new(&ground, matrix.clone(), gradient.clone(), [rows.len(), outputs], rows.len(), &states)?);
            }
        }
        if let Some(classes) = &classes {
            for (matrix, range) in classes.numbers().zip(classes.ranges()) {
                let states: Vec<&[f32]> = state.numbers[1..].iter().map(|s| &s[range.clone()]).collect();
                let gradient = ground.vec4s("gradients", matrix.vec4s)?;
                numbers.push(Learned::new(&ground, matrix, gradient, [1, range.len()], 0, &states)?);
            }
        }
        if options.objective.is_siamese() {
            let states: Vec<&[f32]> = state.numbers[1..].iter().map(Vec::as_slice).collect();
            let matrix = ground.learned("threshold", &[state.numbers[0][0], 0.0, 0.0, 0.0])?;
            numbers.push(Learned::new(&ground, matrix, ground.vec4s("gradients", 1)?, [1, 1], 0, &states)?);
        }
        let written = || ground.written("embeddings", stride * depth);
        let embedded = Embedded { rows, stride, depth, y: written()?, transposed: written()? };
        let embedded_sums = ground.numbers("sums", squares::sums(stride * depth))?;
        let (options, done) = (options.clone(), state.done);
        Ok(Self { ground, samples, options, sampler, layer, classes, blocks, numbers, embedded, embedded_sums, done })
    }

    /// Steps that are done.
    pub fn steps(&self) -> u64 {
        self.done
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.sampler.per_epoch()
    }

    pub(super) fn samples(&self) -> &Samples {
        self.samples
    }

    pub(super) fn options(&self) -> &TrainOptions {
        &self.options
    }

    /// One step. After an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::Caller`] when the loss or the gradient is not finite; a lost device.
    pub fn step(&mut self) -> Result<Progress> {
        let number = self.done + 1;
        let rows = self.sampler.batch(self.done);
        let labels: Vec<i64> = rows.iter().map(|&i| self.samples.classes()[i] as i64).collect();
        let batch = self.layer.upload(&self.ground, rows.iter().map(|&i| self.samples.row(i)), self.embedded.stride)?;
        let size = self.embed(&batch)?;
        let mut out = Step::default();
        let (loss, norm) = if size.is_finite() {
            let (dy, by_numbers) = self.objective(number, &labels, &mut out)?;
            self.numbers.iter_mut().zip(by_numbers).for_each(|(learned, gradient)| learned.gradient = gradient);
            (out.loss, self.gradient(&batch, &dy)?.sqrt())
        } else {
            (size, size)
        };
        if !loss.is_finite() || !norm.is_finite() {
            return Err(Error::Caller(format!(
                "The training stopped at step {number}: its loss ({loss}) or the norm of its gradient ({norm}) is not finite. The weights are those of step {}. Go on from there with a smaller learning rate, a longer warm-up, or clipped gradients.",
                self.done
            )));
        }
        let rate = self.options.rate.at(number);
        let scale = self.options.clip.filter(|&most| norm > most).map_or(1.0, |most| most / norm);
        let update = Update { step: number, rate, decay: self.options.weight_decay, scale };
        let mut work = Work::new(self.ground.gpu, "the update");
        for learned in self.learned() {
            learned.update(&self.ground, &mut work, &self.options.optimizer, &update)?;
        }
        work.run(&[])?;
        let epoch = self.done / self.sampler.per_epoch();
        self.done = number;
        Ok(Progress { step: number, epoch, loss, rate, gradient_norm: norm })
    }

    /// Sends a batch through the layer; the sum of squares of all that comes out, which is not finite if one number is not.
    fn embed(&self, batch: &Batch) -> Result<f64> {
        let Embedded { stride, depth, y, transposed, .. } = &self.embedded;
        let caps = &self.ground.caps;
        let mut work = Work::new(self.ground.gpu, "the projections");
        self.layer.forward(&self.ground, &mut work, batch, &self.embedded)?;
        y.refresh(&mut work)?;
        work.launch(&transpose::launch(caps, *stride, depth * 4), &[&y.buffer, &transposed.buffer])?;
        transposed.refresh(&mut work)?;
        work.launch(&squares::launch(caps, stride * depth), &[&y.buffer, &self.embedded_sums])?;
        let done = work.run(&[(&self.embedded_sums, squares::sums(stride * depth) as u64 * 4)])?;
        total(done.part(0))
    }

    fn learned(&self) -> impl Iterator<Item = &Learned> {
        std::iter::once(&self.layer.learned).chain(&self.blocks).chain(&self.numbers)
    }

    /// The loss of the batch behind the layer, into `out`, and its gradients by that batch and by the further numbers.
    fn objective(&self, number: u64, labels: &[i64], out: &mut Step) -> Result<(Memory, Vec<Memory>)> {
        let (ground, embedded) = (&self.ground, &self.embedded);
        let found = match (self.options.objective.head(number)?, &self.classes) {
            (Head::Classes { loss, label_smoothing, .. }, Some(classes)) => {
                return classes.step(ground, &loss, label_smoothing, embedded, labels, out);
            }
            (Head::Pairs(loss), _) => {
                // Pairs learn a number only under a Siamese score: where its logistic unit decides.
                let loss = match self.numbers.first() {
                    Some(learned) => PairLoss::LogisticL1 { b: f64::from(learned.first(ground)?) },
                    None => loss,
                };
                pairs::on_device(ground, &loss, embedded, &self.sampler.pairs(labels, number), out)?
            }
            (Head::Mined { mining, loss, normalize }, _) => {
                triplets::on_device(ground, mining, loss, normalize, embedded, labels, out)?.map(|dy| (dy, 0.0))
            }
            _ => None,
        };
        // No pair or triplet was chosen: nothing pulls.
        let (dy, db) = found.map_or_else(|| Ok((ground.vec4s("gradients", embedded.stride * embedded.depth)?, 0.0)), Ok::<_, Error>)?;
        let by_number = |_: &Learned| ground.gpu.filled("gradients", &[db as f32, 0.0, 0.0, 0.0]);
        Ok((dy, self.numbers.iter().map(by_number).collect::<Result<_>>()?))
    }

    /// The gradient by the layer, and the sum of squares of all gradients.
    fn gradient(&self, batch: &Batch, dy: &Memory) -> Result<f64> {
        let mut work = Work::new(self.ground.gpu, "the gradients");
        self.layer.backward(&self.ground, &mut work, batch, dy, &self.embedded)?;
        self.learned().try_for_each(|learned| learned.squares(&self.ground, &mut work))?;
        let reads: Vec<_> = self.learned().map(Learned::sums).collect();
        let done = work.run(&reads)?;
        (0..reads.len()).map(|i| total(done.part(i))).sum()
    }

    /// `samples` behind the layer as it is now, of the same people.
    ///
    /// # Errors
    /// Samples of another dimension, too little memory, or a lost device.
    pub fn project(&self, samples: &Samples) -> Result<Samples> {
        let Form { inputs, outputs, .. } = self.layer.form;
        if samples.dimension() != inputs {
            return Err(Error::Caller(format!(
                "Embeddings of {} numbers do not fit a projection of {inputs}. Take embeddings of the same network.",
                samples.dimension()
            )));
        }
        let Embedded { stride, depth, ref y, .. } = self.embedded;
        let mut data = Vec::with_capacity(samples.len() * outputs);
        let all: Vec<usize> = (0..samples.len()).collect();
        for chunk in all.chunks(stride) {
            let batch = self.layer.upload(&self.ground, chunk.iter().map(|&i| samples.row(i)), stride)?;
            self.embed(&batch)?;
            let done = Work::new(self.ground.gpu, "the projections").run(&[(&y.buffer, (stride * depth) as u64 * 16)])?;
            crate::heads::unpadded(numbers(done.part(0))?, outputs, chunk.len(), &mut data);
        }
        Ok(samples.with_rows(data, outputs))
    }

    /// The projection, to put behind a model ([`crate::model::Model::followed_by`]).
    ///
    /// # Errors
    /// A training of Siamese weights, which are [`Trainer::scoring`]; a lost device.
    pub fn layer(&self) -> Result<LastLayer> {
        let Form { inputs, outputs, diagonal, .. } = self.layer.form;
        if diagonal {
            return Err(Error::Caller("Siamese weights are a score and no layer. Take `Trainer::scoring`.".to_owned()));
        }
        let data = self.layer.learned.read(&self.ground)?.swap_remove(0);
        let weight = (0..outputs).flat_map(|o| (0..inputs).map(move |i| (i, o))).map(|(i, o)| data[i * outputs + o]).collect();
        Ok(LastLayer { weight, bias: data[inputs * outputs..].to_vec(), inputs, outputs })
    }

    /// The score that was learned and the distance up to which two are one person, for [`crate::model::Model::compared_by`]; `None` unless the objective is
    /// `siamese`.
    ///
    /// # Errors
    /// [`Error::Model`] while every weight is 0; a lost device.
    pub fn scoring(&self) -> Result<Option<(Scoring, f32)>> {
        if !self.layer.form.diagonal {
            return Ok(None);
        }
        let state = self.state()?;
        // The sign of a weight changes no distance.
        let weights: Vec<f32> = state.projection[0].iter().map(|w| w.abs()).collect();
        Ok(Some((Scoring::new(Similarity::Siamese, &weights)?, state.numbers[0][0])))
    }

    /// The class matrix, a row for each class of the samples; `None` where the objective has none.
    ///
    /// # Errors
    /// A lost device.
    pub fn class_weights(&self) -> Result<Option<Tensor>> {
        if self.classes.is_none() {
            return Ok(None);
        }
        Ok(Tensor::from_f32([self.samples.people(), self.layer.form.outputs], self.state()?.classes.swap_remove(0)))
    }

    /// The biases (softmax, L2-softmax) or margins (AdaptiveFace) of the classes; `None` where none are learned.
    ///
    /// # Errors
    /// A lost device.
    pub fn class_numbers(&self) -> Result<Option<Tensor>> {
        Ok(if self.numbers.is_empty() || self.layer.form.diagonal {
            None
        } else {
            Some(Tensor::vector(self.state()?.numbers.swap_remove(0)))
        })
    }

    /// Everything that a step changes.
    pub(super) fn state(&self) -> Result<State> {
        let joined = |blocks: &[Learned]| {
            let mut all = vec![Vec::new(); 1 + self.options.optimizer.states()];
            for block in blocks {
                all.iter_mut().zip(block.read(&self.ground)?).for_each(|(all, own)| all.extend(own));
            }
            Ok::<_, Error>(all)
        };
        let (classes, numbers) = (joined(&self.blocks)?, joined(&self.numbers)?);
        Ok(State { done: self.done, projection: self.layer.learned.read(&self.ground)?, classes, numbers })
    }
}

/// Partial sums, added up.
fn total(bytes: &[u8]) -> Result<f64> {
    Ok(numbers::<f32>(bytes)?.iter().map(|&v| f64::from(v)).sum())
}
