//! Every kernel on this device against the f64 reference: what `lookalike selftest` runs.
//!
//! A case is one node with its operands, planned with a forced kernel. The bound is computed from the sums themselves, not a constant:
//! a sum of K products in f32 errs by at most about `4 sqrt(K) 2^-24 Σ|a b|`, which is scale free and catches indexing mistakes that an
//! average error hides (docs/tolerances.md).

mod case;
pub(crate) mod conv;
pub(crate) mod elementwise;
mod fit;
mod fused;
pub(crate) mod image;
pub(crate) mod margin;
pub(crate) mod matmul;
pub(crate) mod movement;
pub(crate) mod norm;
pub(crate) mod pieces;
pub(crate) mod pointwise;
pub(crate) mod pooling;
pub(crate) mod quantize;
pub(crate) mod recorded;
pub(crate) mod sample;
pub(crate) mod search;
pub(crate) mod select;
pub(crate) mod slices;
pub(crate) mod train;
pub(crate) mod transpose;

pub(crate) use case::{Case, Input, Spread, exact, whole};

use std::time::Instant as Clock;

use crate::error::Result;
use crate::gpu::{Gpu, Instance, Uploaded};
use crate::graph::{Op, infer_shapes};
use crate::kernels::conv::coop_gemm;
use crate::model::Precision;
use crate::plan::{self, PlanOptions};
use crate::recording::{Caps, Force};
use crate::reference::{self, Array};
use crate::shader::Shader;

/// A kernel: the stem of its shader, and the self-test cases that exercise every form of it.
struct Kernel {
    stem: &'static str,
    cases: fn(&Caps) -> Vec<Case>,
}

/// Every kernel that plans use. The self-test runs the cases of each, and a test fails when a form of a shader has none.
/// (`image/fit`, `image/warp`, `image/area` and `image/piecewise` run before a plan, `search`, `margin` and `train` without one, and `probe` when a device is
/// opened; `selftest` knows them.)
const KERNELS: &[Kernel] = &[
    Kernel { stem: "conv/subgroup_gemm", cases: conv::subgroup_gemm },
    Kernel { stem: "conv/tiled_gemm", cases: conv::tiled_gemm },
    Kernel { stem: COOPERATIVE, cases: conv::coop_gemm },
    Kernel { stem: "conv/slices", cases: slices::slices },
    Kernel { stem: "conv/naive", cases: conv::naive },
    Kernel { stem: "conv/narrow", cases: conv::narrow },
    Kernel { stem: "conv/depthwise", cases: conv::depthwise },
    Kernel { stem: "conv/grouped", cases: conv::grouped },
    Kernel { stem: "conv/transpose", cases: transpose::transpose },
    Kernel { stem: "conv/winograd_input", cases: conv::winograd_input },
    Kernel { stem: "conv/winograd_output", cases: conv::winograd_output },
    Kernel { stem: "conv/winograd_output", cases: fused::pooled },
    Kernel { stem: "conv/winograd_between", cases: fused::between },
    Kernel { stem: "conv/winograd_walk", cases: fused::walk },
    Kernel { stem: "local/locally_connected", cases: conv::locally_connected },
    Kernel { stem: "linear/gemv", cases: conv::gemv },
    Kernel { stem: "linear/gemv", cases: matmul::rows },
    Kernel { stem: "linear/matmul", cases: matmul::matmul },
    Kernel { stem: "pool/window", cases: pooling::window },
    Kernel { stem: "pool/argmax", cases: pooling::argmax },
    Kernel { stem: "pool/global", cases: pooling::global },
    Kernel { stem: "norm/lrn", cases: pointwise::lrn },
    Kernel { stem: "norm/axis", cases: norm::axis },
    Kernel { stem: "norm/batch_norm", cases: norm::batch_norm },
    Kernel { stem: "norm/reduce", cases: norm::reduce },
    Kernel { stem: "norm/standardize", cases: norm::standardize },
    Kernel { stem: "select/arg", cases: select::arg },
    Kernel { stem: "select/merge", cases: select::merge },
    Kernel { stem: "select/scan", cases: select::scan },
    Kernel { stem: "select/sort", cases: select::sort },
    Kernel { stem: "quantize/linear", cases: quantize::linear },
    Kernel { stem: "movement/copy", cases: movement::copy },
    Kernel { stem: "movement/gather", cases: movement::gather },
    Kernel { stem: "movement/gather_elements", cases: movement::gather_elements },
    Kernel { stem: "sample/grid", cases: sample::grid },
    Kernel { stem: "sample/resample", cases: sample::resample },
    Kernel { stem: "elementwise/affine", cases: elementwise::affine },
    Kernel { stem: "elementwise/binary", cases: elementwise::binary },
    Kernel { stem: "elementwise/cast", cases: elementwise::cast },
    Kernel { stem: "elementwise/choice", cases: elementwise::choice },
    Kernel { stem: "elementwise/unary", cases: elementwise::unary },
    Kernel { stem: "image/resize", cases: pointwise::resize },
];

/// The kernel that only runs where cooperative matrices were asked for. Cases of the others do without them.
const COOPERATIVE: &str = "conv/coop_gemm";

/// The outcome of one case.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// Stem of the kernel.
    pub kernel: String,
    /// Permutation that ran.
    pub permutation: String,
    /// Shape and kind of input.
    pub case: String,
    /// Largest absolute error.
    pub max_error: f64,
    /// The bound at the place where error and bound compare worst.
    pub bound: f64,
    /// Whether every element is within its bound.
    pub passed: bool,
    /// Time of the run, upload and readback included.
    pub micros: f64,
}

/// Runs the cases whose kernel, permutation or name contains `filter` (all without one).
///
/// # Errors
/// What makes the device unusable. A wrong result is a case that did not pass, not an error.
pub fn run(gpu: &Gpu, filter: Option<&str>) -> Result<Vec<CaseResult>> {
    let mut out = Vec::new();
    let wanted = |text: &str| filter.is_none_or(|f| text.contains(f));
    for kernel in KERNELS {
        for case in with_textures(gpu, (kernel.cases)(gpu.caps())) {
            let name = format!("{} {}", kernel.stem, case.name);
            let form = case.force.form.unwrap_or_default();
            if wanted(&name) || wanted(&format!("{}.{form}", kernel.stem)) {
                out.push(run_case(gpu, kernel.stem, &case)?);
            }
        }
    }
    for (stem, looks) in image::PHOTO_KERNELS {
        if wanted(stem) {
            out.extend(image::run(gpu, stem, &looks())?);
        }
    }
    for stem in search::SEARCH_KERNELS {
        if wanted(stem) {
            out.extend(search::run(gpu, stem)?);
        }
    }
    for stem in recorded::RECORDED_KERNELS {
        if wanted(stem) {
            out.extend(recorded::run(gpu, stem)?);
        }
    }
    if wanted("image/fit") {
        out.extend(fit::run(gpu)?);
    }
    if wanted("image/piecewise") {
        out.extend(pieces::run(gpu)?);
    }
    out.extend(margin::run(gpu, &wanted)?);
    out.extend(train::run(gpu, &wanted)?);
    Ok(out)
}

/// Cases whose kernel has other forms for software adapters (that load through textures, or have an invocation to a line) run in both.
fn with_textures(gpu: &Gpu, cases: Vec<Case>) -> Vec<Case> {
    let both = |case: Case| {
        let has_textures = gpu.adapter().backend != "gl";
        if let Some(textures) = case.force.textures {
            return if textures && !has_textures { Vec::new() } else { vec![case] };
        }
        let fetches = matches!(
            case.op,
            Op::Conv(_) | Op::ConvTranspose(_) | Op::LocallyConnected(_) | Op::Linear(_) | Op::MatMul | Op::Pool(_) | Op::Lrn { .. }
        );
        let textures = fetches || along_lines(&case.op);
        let textures = textures && has_textures;
        let with = |on: bool| Case { force: Force { textures: Some(on), ..case.force.clone() }, ..case.clone() };
        if textures { vec![with(false), with(true)] } else { vec![case] }
    };
    cases.into_iter().flat_map(both).collect()
}

/// Whether the operation works on lines of row-major memory.
fn along_lines(op: &Op) -> bool {
    matches!(
        op,
        Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::Hardmax { .. }
            | Op::L2Normalize { .. }
            | Op::Reduce { .. }
            | Op::GroupNorm { .. }
            | Op::LayerNorm { .. }
            | Op::ArgReduce { .. }
            | Op::CumSum { .. }
    )
}

/// Kernels that run without wgpu's checks where [`crate::gpu::GpuOptions::shader_checks`] says so.
pub fn unchecked_kernels() -> &'static [&'static str] {
    &crate::gpu::UNCHECKED
}

/// A permutation that this device does not run.
#[derive(Clone, Debug)]
pub struct NotHere {
    /// Its name.
    pub permutation: &'static str,
    /// Why.
    pub reason: String,
}

/// Permutations of other subgroup sizes and other cooperative matrices than this device's, among those whose name contains `filter`.
pub fn not_on_this_adapter(gpu: &Gpu, filter: Option<&str>) -> Vec<NotHere> {
    let caps = gpu.caps();
    let reason = |s: &Shader| {
        if s.cooperative {
            let asked = || gpu.cooperative().unwrap_or("cooperative matrices are experimental and off; --experimental-coop asks for them");
            return match caps.cooperative.and_then(coop_gemm::shader) {
                None => Some(asked().trim_end_matches('.').to_owned()),
                Some(form) => (form != s).then(|| "for other cooperative matrices".to_owned()),
            };
        }
        let other = s.subgroups && s.name != "probe/subgroup" && !caps.subgroup.is_some_and(|size| s.name.contains(&format!(".sg{size}")));
        other.then(|| "for another subgroup size".to_owned())
    };
    let wanted = |s: &&&Shader| filter.is_none_or(|f| s.name.contains(f));
    Shader::all().iter().filter(wanted).filter_map(|s| Some(NotHere { permutation: s.name, reason: reason(s)? })).collect()
}

/// Permutations that no case exercised although this device runs them: a gap that the tests refuse.
pub fn not_exercised(gpu: &Gpu, results: &[CaseResult]) -> Vec<&'static str> {
    // Probes run when a device is opened, measured, or asked for shared memory.
    let opened = |name: &str| ["probe/subgroup", "probe/peak", "probe/texel"].contains(&name);
    let elsewhere = not_on_this_adapter(gpu, None);
    Shader::all()
        .iter()
        .map(|s| s.name)
        .filter(|name| {
            !opened(name) && !elsewhere.iter().any(|e| e.permutation == *name) && !results.iter().any(|r| r.permutation == *name)
        })
        .collect()
}

fn run_case(gpu: &Gpu, stem: &str, case: &Case) -> Result<CaseResult> {
    let (graph, inputs) = case.graph();
    let input_shapes: Vec<_> = inputs.iter().map(|t| t.shape().clone()).collect();
    let shapes = infer_shapes(&graph, &input_shapes)?;
    let options = PlanOptions { precision: case.precision, feed: case.feed, force: case.force.clone() };
    let caps = Caps { cooperative: gpu.caps().cooperative.filter(|_| stem == COOPERATIVE), ..gpu.caps().clone() };
    let plan = plan::build(&graph, &shapes, &caps, &options)?;
    let ran = plan.dispatches.iter().map(|d| d.shader.name).find(|n| n.split('.').next() == Some(stem));
    let instance = Instance::new(gpu, plan, &Uploaded::default())?;
    let start = Clock::now();
    instance.upload(gpu, &inputs.iter().collect::<Vec<_>>())?;
    let got = instance.run(gpu, |_| {})?;
    let micros = start.elapsed().as_secs_f64() * 1e6;

    let arrays = case.arrays()?;
    let refs: Vec<&Array> = arrays.iter().collect();
    let mut want = reference::run_node(&case.name, &case.op, &refs)?;
    let mut scales = vec![reference::magnitude(&case.op, &refs)?];
    if case.shown {
        want.extend(arrays.first().cloned());
        scales.extend(case.magnitude_before()?);
    }
    let mut worst = Comparison::default();
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        if got.len() != want.data.len() {
            worst.add(f64::INFINITY, 0.0);
        }
        let scale = scales.get(i).map(|s| s.data.as_slice()).unwrap_or_default();
        let largest = scale.iter().copied().fold(0.0, f64::max);
        for (j, (&g, &w)) in got.to_f64().iter().zip(&want.data).enumerate() {
            let local = scale.get(j).copied().unwrap_or(w.abs());
            let sum = if case.spread == Spread::Local { local } else { largest };
            let halves = if case.precision == Precision::F16 { 2f64.powi(-11) } else { 0.0 };
            let bound = (4.0 * case.factor * case.terms.sqrt() * 2f64.powi(-24) + case.half_factor * halves) * sum + case.floor;
            worst.add(difference(g, w), bound);
        }
    }
    Ok(CaseResult {
        kernel: stem.to_owned(),
        permutation: ran.unwrap_or("did not run").to_owned(),
        case: case.name.clone(),
        max_error: worst.error,
        bound: worst.bound,
        passed: worst.ratio <= 1.0 && ran.is_some(),
        micros,
    })
}

/// How far a result is from what it should be. NaN and infinities are results like others, and what f32 cannot hold is infinite in it.
fn difference(got: f64, want: f64) -> f64 {
    let want = if (want as f32).is_infinite() { f64::from(want as f32) } else { want };
    if got == want || got.is_nan() && want.is_nan() { 0.0 } else { (got - want).abs() }
}

/// The worst ratio of error to bound.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) error: f64,
    pub(crate) bound: f64,
    pub(crate) ratio: f64,
}

impl Comparison {
    /// A NaN error (a NaN where the reference has a number) counts as infinite.
    pub(crate) fn add(&mut self, error: f64, bound: f64) {
        let error = if error.is_nan() { f64::INFINITY } else { error };
        let ratio = if error.is_infinite() { error } else { error / bound.max(f64::MIN_POSITIVE) };
        if ratio >= self.ratio {
            *self = Self { error, bound, ratio };
        }
    }
}
