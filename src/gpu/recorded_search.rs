//! A search that is recorded into somebody else's commands: probes come from a buffer, hits go to one, nothing is read back.

use std::sync::PoisonError;

use super::Gpu;
use super::memory::Buffer;
use super::search::{Dispatch, PASS, Scanner, fit, part};
use super::shards::{Home, Operand, Seen};
use super::texture::ROW_BYTES;
use crate::error::{Error, Result};
use crate::kernels::search::cutoff::{self, Slack};
use crate::kernels::search::rescore::Rescore;
use crate::kernels::search::{Family, Params, probes};

/// What to search for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// `[count][dimension]` of f32.
    pub(crate) probes: &'a wgpu::Buffer,
    pub(crate) count: usize,
    pub(crate) k: usize,
    /// `[count][k]` of (id: low and high word, label, score).
    pub(crate) hits: &'a wgpu::Buffer,
    /// What a score is, and how far the scores of scan and selection may lie apart.
    pub(crate) slack: Slack,
    /// Exponents of probes beyond this are not scored, but by cosines.
    pub(crate) most_exponent: u32,
}

/// What recorded searches work in. Every search writes before it reads, and searches run in the order of their submission, so they share it.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    input: Option<Buffer>,
    packed: Option<Buffer>,
    texture: Option<Operand>,
    factors: Option<Buffer>,
    norms: Option<Buffer>,
    maxima: Option<Buffer>,
    cutoffs: Option<Buffer>,
    hits: Option<Buffer>,
}

/// A hit that is none: no id, no label, -infinity.
const NOTHING: [u32; 4] = [u32::MAX, u32::MAX, u32::MAX, 0xff80_0000];

impl Scanner {
    /// Records a search over `shards`, which have tags.
    ///
    /// # Errors
    /// Too little memory, a lost device.
    pub(crate) fn record(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, shards: &[Seen<'_>], request: &Request<'_>) -> Result<()> {
        let bytes = (request.count * request.k * 16) as u64;
        let Some(most) = shards.iter().map(|s| s.blocks).max() else {
            let nothing = NOTHING.repeat(request.count * request.k);
            let empty = gpu.buffer("a search", bytes, wgpu::BufferUsages::COPY_SRC, Some(bytemuck::cast_slice(&nothing)))?;
            encoder.copy_buffer_to_buffer(&empty.raw, 0, request.hits, 0, bytes);
            return Ok(());
        };
        let at_once = self.most_probes(gpu, most);
        let mut workspace = self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        for first in (0..request.count).step_by(at_once) {
            self.record_part(gpu, encoder, shards, request, &mut workspace, first..(first + at_once).min(request.count))?;
        }
        Ok(())
    }

    /// Searches by [`Scanner::record`] and reads the hits back.
    ///
    /// # Errors
    /// As [`Scanner::record`].
    pub(crate) fn record_and_read(
        &self,
        gpu: &Gpu,
        shards: &[Seen<'_>],
        probes: &[f32],
        k: usize,
        slack: Slack,
        most_exponent: u32,
    ) -> Result<Vec<[u32; 4]>> {
        let count = probes.len() / self.layout.dimension;
        let usage = wgpu::BufferUsages::COPY_SRC;
        let given = gpu.buffer("a search", size_of_val(probes) as u64, usage, Some(bytemuck::cast_slice(probes)))?;
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        let hits = gpu.buffer("a search", (count * k * 16) as u64, usage, None)?;
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("lookalike search") });
        let request = Request { probes: &given.raw, count, k, hits: &hits.raw, slack, most_exponent };
        self.record(gpu, &mut encoder, shards, &request)?;
        let submission = gpu.scoped("a search", 0, || gpu.queue().submit([encoder.finish()]))?;
        let read = gpu.read_back(&hits, submission, "a search")?;
        let word = |hit: &[u8], i: usize| u32::from_le_bytes([hit[4 * i], hit[4 * i + 1], hit[4 * i + 2], hit[4 * i + 3]]);
        Ok(read.chunks_exact(16).take(count * k).map(|hit| std::array::from_fn(|i| word(hit, i))).collect())
    }

    /// Records a search for some of the probes.
    fn record_part(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        shards: &[Seen<'_>],
        request: &Request<'_>,
        workspace: &mut Workspace,
        range: std::ops::Range<usize>,
    ) -> Result<()> {
        let (layout, count, k) = (self.layout, range.len(), request.k);
        let most = shards.iter().map(|s| s.blocks).max().unwrap_or(0);
        let storage = wgpu::BufferUsages::STORAGE;
        let (given, numbers) = ((layout.dimension * 4) as u64, (count * layout.format.probe_vec4s(layout.dimension) * 16) as u64);
        let input = fit(gpu, &mut workspace.input, count as u64 * given, storage | wgpu::BufferUsages::COPY_DST)?;
        let packed = fit(gpu, &mut workspace.packed, numbers.next_multiple_of(ROW_BYTES), storage | wgpu::BufferUsages::COPY_SRC)?;
        let factors = fit(gpu, &mut workspace.factors, (count * 4) as u64, storage)?;
        let norms = fit(gpu, &mut workspace.norms, (count * 4) as u64, storage)?;
        let maxima = fit(gpu, &mut workspace.maxima, (count * most * 4) as u64, storage)?;
        let cutoffs = fit(gpu, &mut workspace.cutoffs, (count * 8) as u64, storage)?;
        let hits = fit(gpu, &mut workspace.hits, (count * k * 16) as u64, storage | wgpu::BufferUsages::COPY_SRC)?;

        encoder.copy_buffer_to_buffer(request.probes, range.start as u64 * given, &input.raw, 0, count as u64 * given);
        let pack = probes::launch(count, layout.dimension, layout.format, request.slack.score, request.most_exponent);
        let buffers = [input, packed, factors, norms].map(|b| b.raw.as_entire_binding());
        gpu.record(&mut encoder.begin_compute_pass(&PASS), &pack, buffers)?;
        let texture = match layout.family {
            Family::Tiled => None,
            Family::Subgroup(_) => {
                let texture = match workspace.texture.take().filter(|t| t.size() >= numbers) {
                    Some(texture) => texture,
                    None => Operand::new(gpu, "a search", layout.family, false, numbers)?,
                };
                texture.fill(encoder, &packed.raw, numbers);
                Some(&*workspace.texture.insert(texture))
            }
        };
        let operand = || texture.map_or_else(|| packed.raw.as_entire_binding(), Operand::resource);

        let passage = self.passage(gpu, shards)?;
        let mut rooms = passage.iter().flat_map(|rooms| rooms.iter()).cycle();
        for (i, seen) in shards.iter().enumerate() {
            let (shard, blocks) = (seen.shard, seen.blocks);
            let rows = match &shard.rows {
                Home::Device(rows) => rows,
                Home::Host(from) => {
                    let room = rooms.next().ok_or_else(|| defect("room"))?;
                    room.fill(encoder, &from.raw, (blocks * layout.block_bytes()) as u64);
                    room
                }
            };
            let tags = shard.tags.get().ok_or_else(|| defect("tags"))?;
            let dispatches = self.dispatches(gpu, std::slice::from_ref(seen), count);
            let params: Vec<Params> = dispatches.iter().map(Dispatch::params).collect();
            let params: &[u8] = bytemuck::cast_slice(&params);
            let params = gpu.buffer("parameters", params.len() as u64, wgpu::BufferUsages::UNIFORM, Some(params))?;
            let pipelines = dispatches.iter().map(|d| gpu.pipeline(d.form.shader)).collect::<Result<Vec<_>>>()?;
            let mut pass = encoder.begin_compute_pass(&PASS);
            for (at, (dispatch, pipeline)) in dispatches.iter().zip(&pipelines).enumerate() {
                pass.set_pipeline(&pipeline.raw);
                let resources = [
                    part(&params, at * size_of::<Params>(), size_of::<Params>()),
                    rows.resource(),
                    operand(),
                    shard.factors.raw.as_entire_binding(),
                    shard.bits.raw.as_entire_binding(),
                    factors.raw.as_entire_binding(),
                    maxima.raw.as_entire_binding(),
                ];
                pass.set_bind_group(0, &gpu.scoped("a search", 0, || pipeline.bind(gpu, "search", resources))?, &[]);
                let [x, y, z] = dispatch.groups();
                pass.dispatch_workgroups(x, y, z);
            }
            let buffers = [maxima, factors, norms, cutoffs].map(|b| b.raw.as_entire_binding());
            gpu.record(&mut pass, &cutoff::launch(count, blocks, k, request.slack), buffers)?;
            let rescore = Rescore {
                family: layout.family,
                format: layout.format,
                dimension: layout.dimension,
                score: request.slack.score,
                probes: count,
                blocks,
                k,
                fresh: i == 0,
                short: gpu.caps().textures,
            };
            for launch in rescore.launches() {
                let [bits, maxima, cutoffs, tags, hits] = [&shard.bits, maxima, cutoffs, tags, hits].map(|b| b.raw.as_entire_binding());
                gpu.record(&mut pass, &launch, [rows.resource(), operand(), bits, maxima, cutoffs, tags, hits])?;
            }
        }
        encoder.copy_buffer_to_buffer(&hits.raw, 0, request.hits, (range.start * k * 16) as u64, (count * k * 16) as u64);
        Ok(())
    }
}

fn defect(what: &str) -> Error {
    Error::Device(format!("A recorded search has no {what}. Report this."))
}
