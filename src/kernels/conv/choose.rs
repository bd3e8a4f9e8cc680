//! Which kernel runs a convolution or the product of a dense layer, and in which form.

use std::fmt::Write as _;
use std::sync::Arc;

use super::gemm::{self, Product};
use super::slices::{self, Cut};
use super::{Call, Finish, Geometry, cost, narrow, winograd, winograd_input};
use crate::error::Result;
use crate::model::Precision;
use crate::recording::{
    Caps, ConvAlgorithm, ConvChoice, Form, Method, Origin, Packed, Port, Price, RecordLayer, Recorder, Source, Speed, Tile, Trial,
};
use crate::shader::Shader;
use crate::tensor::{DType, Shape};

/// Channels below which Winograd is no candidate: with fewer, none was measured to be faster, and the planes of a large photograph take twice the
/// memory of its maps.
const WINOGRAD_CHANNELS: usize = 32;
/// Slices that the sums of a product may be cut into.
const SLICES: [usize; 4] = [1, 2, 4, 8];
/// Workgroups that keep any device busy: products of more are not cut.
const ENOUGH_GROUPS: usize = 256;

/// How many times as fast as the product the kernel for few channels has to be: a network with one such layer compiles it for that alone.
const WORTH_A_KERNEL: f64 = 1.5;

/// What was decided about a layer, and what can still be decided by timing.
pub(super) struct Decision {
    pub(super) method: Method,
    origin: Origin,
    price: Option<Price>,
    trial: Option<Trial>,
}

impl Decision {
    fn new(method: Method, origin: Origin) -> Self {
        Self { method, origin, price: None, trial: None }
    }

    /// Keeps it for who asks why.
    pub(super) fn note(self, rec: &mut Recorder<'_>, layer: &str) {
        let Self { method: Method { algorithm, form }, origin, price, trial } = self;
        rec.convolutions.push(ConvChoice { layer: layer.trim_start().to_owned(), algorithm, form, origin, trial });
        rec.prices.extend(price);
    }
}

/// A layer as far as its time depends on it.
struct Layer<'a> {
    geometry: &'a Geometry,
    /// What can compute it.
    algorithms: Vec<ConvAlgorithm>,
    /// An affine before the padding.
    pre: bool,
    residual: bool,
}

/// Chooses by what was forced or timed, otherwise by geometry and the kernels that are admitted, so the same adapter always gets the same plan and
/// the same bits.
pub(super) fn convolution(rec: &Recorder<'_>, call: &Call<'_>) -> Decision {
    let g = &call.geometry;
    let (pre, residual) = (call.pre.is_some(), call.finish.residual.is_some());
    if let Some(forced) = rec.force.conv.filter(|&forced| computes(forced, call, rec.caps)) {
        let layer = Layer { geometry: g, algorithms: vec![forced], pre, residual };
        let best = layer.ranked(rec, &Speed::typical(rec.caps)).first().map(|(method, _)| *method);
        return Decision::new(best.unwrap_or(Method { algorithm: forced, form: None }), Origin::Forced);
    }
    if call.groups > 1 {
        return Decision::new(Method { algorithm: grouped(call), form: None }, Origin::Only);
    }
    let layer = Layer { geometry: g, algorithms: candidates(g, residual, rec.caps), pre, residual };
    layer.decide(rec, || record_alone(call))
}

/// The same for the product of a dense layer.
pub(super) fn product(rec: &Recorder<'_>, product: &Product<'_>) -> Decision {
    let g = product.geometry;
    let layer = Layer { geometry: g, algorithms: vec![ConvAlgorithm::Gemm], pre: false, residual: product.finish.residual.is_some() };
    layer.decide(rec, || record_product_alone(product))
}

/// The form of a product that nothing is timed of, and its price.
pub(crate) fn form(rec: &Recorder<'_>, g: &Geometry) -> (Form, Option<Price>) {
    let layer = Layer { geometry: g, algorithms: vec![ConvAlgorithm::Gemm], pre: false, residual: false };
    let Decision { method, price, .. } = layer.modelled(rec, layer.ranked(rec, &Speed::typical(rec.caps)));
    (method.form.unwrap_or(Form { tile: Tile::M32, slices: 1 }), price)
}

/// Whether `algorithm` computes the layer at all.
fn computes(algorithm: ConvAlgorithm, call: &Call<'_>, caps: &Caps) -> bool {
    match algorithm {
        ConvAlgorithm::Gemm => call.groups == 1,
        ConvAlgorithm::Winograd(_) => call.groups == 1 && winograd_shape(&call.geometry),
        ConvAlgorithm::Narrow => call.groups == 1 && call.finish.residual.is_none() && narrow::Form::of(&call.geometry, caps).is_some(),
        ConvAlgorithm::Depthwise => grouped(call) == ConvAlgorithm::Depthwise,
        ConvAlgorithm::Grouped | ConvAlgorithm::Naive => true,
    }
}

/// Convolutions of several groups have one kernel each.
fn grouped(call: &Call<'_>) -> ConvAlgorithm {
    let (x, y) = (call.geometry.x, call.geometry.y);
    if call.groups == x.c && call.groups == y.c { ConvAlgorithm::Depthwise } else { ConvAlgorithm::Grouped }
}

impl Layer<'_> {
    /// `alone`: what records the layer for timing.
    fn decide(&self, rec: &Recorder<'_>, alone: impl FnOnce() -> RecordLayer) -> Decision {
        let ranked = self.ranked(rec, &Speed::typical(rec.caps));
        match (ranked.as_slice(), rec.tuning) {
            ([], _) => Decision::new(preferred(&ranked), Origin::Only),
            ([_], _) | ([..], None) => self.modelled(rec, ranked),
            ([..], Some(tuning)) => {
                let key = self.key(rec);
                let known = tuning.known.get(&key).filter(|k| ranked.iter().any(|(m, _)| m == *k));
                if let Some(&method) = known {
                    return Decision::new(method, Origin::Tuned);
                }
                let trial = Trial { key, ranked: self.ranked(rec, &tuning.speed), record: alone() };
                Decision { trial: Some(trial), ..Decision::new(preferred(&ranked), Origin::Modelled) }
            }
        }
    }

    /// The method that is preferred of those whose kernels are admitted; of all of them if there is none.
    fn modelled(&self, rec: &Recorder<'_>, mut ranked: Vec<(Method, f64)>) -> Decision {
        let (cheapest, only) = (preferred(&ranked), ranked.len() == 1);
        let admitted = |(method, _): &(Method, f64)| self.kernels(rec, *method).iter().all(|kernel| rec.admits(kernel));
        if ranked.iter().any(admitted) {
            ranked.retain(admitted);
        }
        let method = preferred(&ranked);
        let origin = match method == cheapest {
            _ if only => Origin::Only,
            true => Origin::Modelled,
            false => Origin::Frugal,
        };
        let seconds = ranked.iter().find(|(m, _)| *m == method).map(|(_, seconds)| *seconds);
        let price = seconds.map(|seconds| Price { seconds, kernels: self.kernels(rec, method) });
        Decision { price, ..Decision::new(method, origin) }
    }

    /// The kernels of a method. Winograd's output transform comes with the one of the input.
    fn kernels(&self, rec: &Recorder<'_>, method: Method) -> Vec<&'static Shader> {
        let product = |halves: bool| method.form.map(|form| gemm::shader(rec.caps, form.tile, halves));
        let halves = rec.precision == Precision::F16;
        let kernels = match method.algorithm {
            ConvAlgorithm::Winograd(m) => {
                [Some(winograd_input::shader(m as usize, rec.caps.textures)), product(winograd::halves(rec, m as usize))]
            }
            ConvAlgorithm::Narrow => [narrow::Form::of(self.geometry, rec.caps).map(|form| form.shader), None],
            _ => [product(halves), method.form.filter(|form| form.slices > 1).map(|_| slices::shader(rec.caps))],
        };
        kernels.into_iter().flatten().collect()
    }

    /// Methods with the seconds that they should take, the cheapest first; of equals, the one with the first tile and fewest slices.
    fn ranked(&self, rec: &Recorder<'_>, speed: &Speed) -> Vec<(Method, f64)> {
        let methods = self.algorithms.iter().flat_map(|&algorithm| {
            let forms = forms(rec, self.geometry, algorithm);
            forms.into_iter().map(move |form| Method { algorithm, form })
        });
        let time = |method: Method| cost::seconds(self.geometry, method, self.pre, rec.precision, rec.caps, speed);
        let mut ranked: Vec<_> = methods.map(|m| (m, time(m))).collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
        ranked
    }

    /// What the time of a layer depends on, apart from the device.
    fn key(&self, rec: &Recorder<'_>) -> String {
        let g = self.geometry;
        let pair = |p: [usize; 2]| format!("{}x{}", p[0], p[1]);
        let mut key = format!(
            "{} n{} {}@{} to {}@{} stride {} dilation {} pad {} {}",
            pair(g.kernel),
            g.x.n,
            g.x.c,
            pair([g.x.h, g.x.w]),
            g.y.c,
            pair([g.y.h, g.y.w]),
            pair(g.stride),
            pair(g.dilation),
            pair(g.pad),
            if rec.precision == Precision::F16 { "f16" } else { "f32" },
        );
        // Writing to a string does not fail.
        let _ = write!(key, " {:?}{}", rec.caps.gemm, if rec.caps.textures { " textures" } else { "" });
        let cooperative = rec.precision == Precision::F16 && rec.caps.cooperative.is_some();
        let narrow = self.algorithms.contains(&ConvAlgorithm::Narrow);
        let words = [(cooperative, " cooperative"), (self.pre, " affine"), (self.residual, " residual"), (narrow, " narrow")];
        words.iter().filter(|(is, _)| *is).for_each(|(_, word)| key.push_str(word));
        key
    }
}

/// The cheapest of the methods, the cheapest first, that is worth its kernel.
fn preferred(ranked: &[(Method, f64)]) -> Method {
    let narrow = |m: &Method| m.algorithm == ConvAlgorithm::Narrow;
    let product = ranked.iter().find(|(m, _)| !narrow(m));
    match (ranked.first(), product) {
        (Some((best, seconds)), Some((product, others))) if narrow(best) && *others < WORTH_A_KERNEL * seconds => *product,
        (Some((best, _)), _) => *best,
        (None, _) => Method { algorithm: ConvAlgorithm::Gemm, form: None },
    }
}

/// Forms that the product of `algorithm` can have: one `None` where its kernel has a single one, nothing for algorithms that are not compared.
pub(super) fn forms(rec: &Recorder<'_>, g: &Geometry, algorithm: ConvAlgorithm) -> Vec<Option<Form>> {
    let (halves, cuts) = match algorithm {
        ConvAlgorithm::Gemm => (rec.precision == Precision::F16, true),
        // The planes are many workgroups already.
        ConvAlgorithm::Winograd(m) => (winograd::halves(rec, m as usize), false),
        ConvAlgorithm::Narrow if rec.force.slices.is_none() && rec.force.form.and_then(Tile::named).is_none() => return vec![None],
        _ => return Vec::new(),
    };
    let mut tiles = Tile::of(rec.caps, halves);
    if let Some(forced) = rec.force.form.and_then(Tile::named).filter(|t| tiles.contains(t)) {
        tiles = vec![forced];
    }
    if let ConvAlgorithm::Winograd(m) = algorithm {
        tiles.retain(|&tile| winograd_fits(g, m as usize, tile, rec.caps));
    }
    let slices = |tile: Tile| -> Vec<usize> {
        let groups = g.y.pixels().div_ceil(tile.pixels()) * g.y.c.div_ceil(4 * tile.lanes(rec.caps));
        let wanted = match rec.force.slices {
            Some(forced) => vec![forced as usize],
            None if groups >= ENOUGH_GROUPS => vec![1],
            None => SLICES.to_vec(),
        };
        let fits = |cut: &Cut| cut.slices == 1 || cut.bytes(g) <= rec.caps.max_binding && cut.slices <= rec.caps.max_groups as usize;
        let cuts = wanted.into_iter().map(|wanted| Cut::new(rec.caps, g.x.c4(), if cuts { wanted } else { 1 }));
        let mut counts: Vec<_> = cuts.map(|cut| if fits(&cut) { cut.slices } else { 1 }).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    };
    tiles.iter().flat_map(|&tile| slices(tile).into_iter().map(move |n| Some(Form { tile, slices: n as u32 }))).collect()
}

/// What can compute a convolution of one group, with or without a residual, on a device with these limits.
pub(super) fn candidates(g: &Geometry, residual: bool, caps: &Caps) -> Vec<ConvAlgorithm> {
    let fits = |m: usize| Tile::of(caps, false).into_iter().any(|tile| winograd_fits(g, m, tile, caps));
    let winograd = [2, 4].into_iter().filter(|&m| winograd_applies(g) && fits(m));
    let narrow = narrow::Form::of(g, caps).filter(|_| !residual).map(|_| ConvAlgorithm::Narrow);
    std::iter::once(ConvAlgorithm::Gemm).chain(winograd.map(|m| ConvAlgorithm::Winograd(m as u32))).chain(narrow).collect()
}

/// Whether the shape is Winograd's, with enough channels.
fn winograd_applies(g: &Geometry) -> bool {
    winograd_shape(g) && g.x.c.min(g.y.c) >= WINOGRAD_CHANNELS
}

/// 3x3, stride 1, no dilation.
fn winograd_shape(g: &Geometry) -> bool {
    g.kernel == [3, 3] && g.stride == [1, 1] && g.dilation == [1, 1]
}

/// Whether the planes between the transforms fit a binding each way, and those of the weights one.
fn winograd_fits(g: &Geometry, m: usize, tile: Tile, caps: &Caps) -> bool {
    let tiles = g.x.n * g.y.h.div_ceil(m) * g.y.w.div_ceil(m);
    let filters = g.y.c.next_multiple_of(4 * tile.lanes(caps));
    let largest = g.x.c4() * (tiles * 16).max(filters * 16);
    let planes = (m + 2) * (m + 2);
    (planes * largest.max(tiles * g.y.c4() * 16)) as u64 <= caps.max_binding
}

/// Records a convolution without what is around it.
fn record_alone(call: &Call<'_>) -> RecordLayer {
    let g = Geometry { row: [call.geometry.y.c4(), 0], ..call.geometry };
    let (weight, pre, finish) = (call.weight.clone(), call.pre.clone(), call.finish.clone());
    Arc::new(move |rec: &mut Recorder<'_>, method: Method| -> Result<Vec<Port>> {
        let (inputs, finish, y) = operands(rec, &g, &finish);
        let call = Call { label: "", geometry: g, groups: 1, x: inputs[0].source, weight: &weight, pre: pre.clone(), finish };
        super::record_to(rec, &call, method, y)?;
        Ok(inputs)
    })
}

/// The same for the product of a dense layer.
fn record_product_alone(product: &Product<'_>) -> RecordLayer {
    let g = *product.geometry;
    let (filter, finish) = (product.filter.clone(), product.finish.clone());
    Arc::new(move |rec: &mut Recorder<'_>, method: Method| -> Result<Vec<Port>> {
        let (inputs, finish, y) = operands(rec, &g, &finish);
        let form = method.form.unwrap_or_else(|| form(rec, &g).0);
        gemm::record(rec, &Product { label: "", geometry: &g, x: inputs[0].source, filter: &filter, finish: &finish, y }, form)?;
        Ok(inputs)
    })
}

/// Inputs of a layer, its epilogue on them, and its output.
fn operands(rec: &mut Recorder<'_>, g: &Geometry, finish: &Finish) -> (Vec<Port>, Finish, Source) {
    let mut inputs = vec![input(rec, g.x)];
    let residual = finish.residual.map(|_| input(rec, g.y));
    let finish = Finish { residual: residual.as_ref().map(|port| port.source), ..finish.clone() };
    inputs.extend(residual);
    (inputs, finish, rec.tensor(g.y.bytes()))
}

fn input(rec: &mut Recorder<'_>, dims: Packed) -> Port {
    let source: Source = rec.tensor(dims.bytes());
    let shape = Shape::from([dims.n, dims.c, dims.h, dims.w]);
    Port { name: "input".to_owned(), source, shape, dtype: DType::F32, constant: None }
}
