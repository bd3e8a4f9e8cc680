//! The loop's body.

use super::checkpoint::State;
use super::learned::Learned;
use super::objective::Objective;
use super::optimizer::{Optimizer, Update};
use super::rate::Rate;
use super::sampler::{Sampler, Sampling};
use super::samples::Samples;
use super::start;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Memory, Work, numbers};
use crate::heads::{Classes, Embedded, Ground, Head, MOST_CLASSES, MOST_ROWS, Step, pairs, triplets};
use crate::kernels::linear::matmul;
use crate::kernels::train::{squares, transpose};
use crate::model::LastLayer;
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
    /// Numbers of an embedding, vec4s of one with the 1 that the bias is multiplied by, and numbers of a projected one.
    inputs: usize,
    input_depth: usize,
    outputs: usize,
    /// `[input][output]`; the bias is the last row.
    projection: Learned,
    classes: Option<Classes>,
    /// The blocks of the class matrix.
    blocks: Vec<Learned>,
    /// Their biases or margins, where those are learned.
    numbers: Vec<Learned>,
    embedded: Embedded,
    embedded_sums: Memory,
    /// The gradient by the projected batch, where products load through textures.
    dy: Option<Memory>,
    done: u64,
}

impl<'a> Trainer<'a> {
    /// A training that has not begun.
    ///
    /// # Errors
    /// Options that do not fit each other or the samples, too little memory, or a lost device.
    pub fn new(gpu: &'a Gpu, samples: &'a Samples, options: &TrainOptions) -> Result<Self> {
        options.check(samples)?;
        let outputs = options.dimension.unwrap_or(samples.dimension());
        let mut projection = start::projection(samples.dimension(), outputs, options.seed);
        let classes =
            if options.objective.has_classes() { start::classes(samples, &projection, outputs, options.seed) } else { Vec::new() };
        if options.bias {
            projection.resize(projection.len() + outputs, 0.0);
        }
        let numbers = options.objective.number_of_a_class().map_or_else(Vec::new, |start| vec![start; samples.people()]);
        let with_states = |data: Vec<f32>| {
            let zeros = vec![vec![0.0; data.len()]; options.optimizer.states()];
            std::iter::once(data).chain(zeros).collect()
        };
        let (projection, classes, numbers) = (with_states(projection), with_states(classes), with_states(numbers));
        let state = State { done: 0, projection, classes, numbers };
        Self::from_state(gpu, samples, options, state)
    }

    pub(super) fn from_state(gpu: &'a Gpu, samples: &'a Samples, options: &TrainOptions, state: State) -> Result<Self> {
        options.check(samples)?;
        let ground = Ground::new(gpu, true);
        let has_classes = options.objective.has_classes();
        let sampler = Sampler::new(options.sampling, samples, options.seed, !has_classes)?;
        let (inputs, outputs) = (samples.dimension(), options.dimension.unwrap_or(samples.dimension()));
        let rows = options.sampling.rows(samples);
        let (stride, depth) = (rows.next_multiple_of(4), outputs.div_ceil(4));
        let all_inputs = inputs + usize::from(options.bias);
        let input_depth = all_inputs.div_ceil(4);
        let padded = crate::heads::padded(&state.projection[0], outputs, input_depth * 4);
        let gradient = ground.vec4s("gradients", input_depth * 4 * depth)?;
        let states: Vec<&[f32]> = state.projection[1..].iter().map(Vec::as_slice).collect();
        let matrix = ground.learned("projection", &padded.data)?;
        let projection = Learned::new(&ground, matrix, gradient, [all_inputs, outputs], inputs, &states)?;
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
        let written = || ground.written("embeddings", stride * depth);
        let embedded = Embedded { rows, stride, depth, y: written()?, transposed: written()? };
        let dy = if ground.caps.textures { Some(gpu.blank_texture("gradients", (stride * depth) as u64 * 16)?) } else { None };
        let embedded_sums = ground.numbers("sums", squares::sums(stride * depth))?;
        let (options, done) = (options.clone(), state.done);
        Ok(Self {
            ground,
            samples,
            options,
            sampler,
            inputs,
            input_depth,
            outputs,
            projection,
            classes,
            blocks,
            numbers,
            embedded,
            embedded_sums,
            dy,
            done,
        })
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
        let (x, columns) = self.upload(rows.iter().map(|&i| self.samples.row(i)))?;
        let size = self.embed(&x)?;
        let mut out = Step::default();
        let (loss, norm) = if size.is_finite() {
            let (dy, by_numbers) = self.objective(number, &labels, &mut out)?;
            self.numbers.iter_mut().zip(by_numbers).for_each(|(learned, gradient)| learned.gradient = gradient);
            (out.loss, self.gradient(&columns, dy)?.sqrt())
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

    /// Rows on the device, padded, with the 1 for the bias; and the same with columns first.
    fn upload<'r>(&self, rows: impl Iterator<Item = &'r [f32]>) -> Result<(Memory, Memory)> {
        let (width, stride) = (self.input_depth * 4, self.embedded.stride);
        let (mut data, mut columns) = (vec![0.0; stride * width], vec![0.0; stride * width]);
        for (i, row) in rows.enumerate() {
            let place = &mut data[i * width..(i + 1) * width];
            place[..self.inputs].copy_from_slice(row);
            if self.options.bias {
                place[self.inputs] = 1.0;
            }
            place.iter().enumerate().for_each(|(k, v)| columns[k * stride + i] = *v);
        }
        Ok((self.ground.matrix("embeddings", &data)?, self.ground.matrix("embeddings", &columns)?))
    }

    /// Projects a batch; the sum of squares of all projections, which is not finite if one of them is not.
    fn embed(&self, x: &Memory) -> Result<f64> {
        let Embedded { stride, depth, y, transposed, .. } = &self.embedded;
        let caps = &self.ground.caps;
        let mut work = Work::new(self.ground.gpu, "the projections");
        work.launch(&matmul::launch(caps, *stride, self.input_depth * 4, depth * 4), &[x, &self.projection.matrix.operand, &y.buffer])?;
        y.refresh(&mut work)?;
        work.launch(&transpose::launch(caps, *stride, depth * 4), &[&y.buffer, &transposed.buffer])?;
        transposed.refresh(&mut work)?;
        work.launch(&squares::launch(caps, stride * depth), &[&y.buffer, &self.embedded_sums])?;
        let done = work.run(&[(&self.embedded_sums, squares::sums(stride * depth) as u64 * 4)])?;
        total(done.part(0))
    }

    fn learned(&self) -> impl Iterator<Item = &Learned> {
        std::iter::once(&self.projection).chain(&self.blocks).chain(&self.numbers)
    }

    /// The loss of the projected batch, into `out`, and its gradients by the projections and by the numbers of the classes.
    fn objective(&self, number: u64, labels: &[i64], out: &mut Step) -> Result<(Memory, Vec<Memory>)> {
        let (ground, embedded) = (&self.ground, &self.embedded);
        let dy = match (self.options.objective.head(number)?, &self.classes) {
            (Head::Classes { loss, label_smoothing, .. }, Some(classes)) => {
                return classes.step(ground, &loss, label_smoothing, embedded, labels, out);
            }
            (Head::Pairs(loss), _) => pairs::on_device(ground, &loss, embedded, &self.sampler.pairs(labels, number), out)?,
            (Head::Mined { mining, loss, normalize }, _) => triplets::on_device(ground, mining, loss, normalize, embedded, labels, out)?,
            _ => None,
        };
        // No pair or triplet was chosen: nothing pulls.
        let dy = dy.map_or_else(|| ground.vec4s("gradients", embedded.stride * embedded.depth), Ok)?;
        Ok((dy, Vec::new()))
    }

    /// The gradient by the projection, `columns * dy`, and the sum of squares of all gradients.
    fn gradient(&self, columns: &Memory, dy: Memory) -> Result<f64> {
        let Embedded { stride, depth, .. } = self.embedded;
        let mut work = Work::new(self.ground.gpu, "the gradients");
        let operand = match &self.dy {
            Some(texture) => {
                work.copy(&dy, texture, (stride * depth) as u64 * 16)?;
                texture
            }
            None => &dy,
        };
        let product = matmul::launch(&self.ground.caps, self.input_depth * 4, stride, depth * 4);
        work.launch(&product, &[columns, operand, &self.projection.gradient])?;
        self.learned().try_for_each(|learned| learned.squares(&self.ground, &mut work))?;
        let reads: Vec<_> = self.learned().map(Learned::sums).collect();
        let done = work.run(&reads)?;
        (0..reads.len()).map(|i| total(done.part(i))).sum()
    }

    /// `samples` behind the projection as it is now, of the same people.
    ///
    /// # Errors
    /// Samples of another dimension, too little memory, or a lost device.
    pub fn project(&self, samples: &Samples) -> Result<Samples> {
        if samples.dimension() != self.inputs {
            return Err(Error::Caller(format!(
                "Embeddings of {} numbers do not fit a projection of {}. Take embeddings of the same network.",
                samples.dimension(),
                self.inputs
            )));
        }
        let Embedded { stride, depth, ref y, .. } = self.embedded;
        let mut data = Vec::with_capacity(samples.len() * self.outputs);
        let all: Vec<usize> = (0..samples.len()).collect();
        for chunk in all.chunks(stride) {
            let (x, _) = self.upload(chunk.iter().map(|&i| samples.row(i)))?;
            self.embed(&x)?;
            let done = Work::new(self.ground.gpu, "the projections").run(&[(&y.buffer, (stride * depth) as u64 * 16)])?;
            crate::heads::unpadded(numbers(done.part(0))?, self.outputs, chunk.len(), &mut data);
        }
        Ok(samples.with_rows(data, self.outputs))
    }

    /// The projection, to put behind a model ([`crate::model::Model::followed_by`]).
    ///
    /// # Errors
    /// A lost device.
    pub fn layer(&self) -> Result<LastLayer> {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let data = self.projection.read(&self.ground)?.swap_remove(0);
        let weight = (0..outputs).flat_map(|o| (0..inputs).map(move |i| (i, o))).map(|(i, o)| data[i * outputs + o]).collect();
        Ok(LastLayer { weight, bias: data[inputs * outputs..].to_vec(), inputs, outputs })
    }

    /// The class matrix, a row for each class of the samples; `None` where the objective has none.
    ///
    /// # Errors
    /// A lost device.
    pub fn class_weights(&self) -> Result<Option<Tensor>> {
        if self.classes.is_none() {
            return Ok(None);
        }
        Ok(Tensor::from_f32([self.samples.people(), self.outputs], self.state()?.classes.swap_remove(0)))
    }

    /// The biases (softmax, L2-softmax) or margins (AdaptiveFace) of the classes; `None` where none are learned.
    ///
    /// # Errors
    /// A lost device.
    pub fn class_numbers(&self) -> Result<Option<Tensor>> {
        Ok(if self.numbers.is_empty() { None } else { Some(Tensor::vector(self.state()?.numbers.swap_remove(0))) })
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
        Ok(State { done: self.done, projection: self.projection.read(&self.ground)?, classes, numbers })
    }
}

/// Partial sums, added up.
fn total(bytes: &[u8]) -> Result<f64> {
    Ok(numbers::<f32>(bytes)?.iter().map(|&v| f64::from(v)).sum())
}
