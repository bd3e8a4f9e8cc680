//! x
#![allow(clippy::unwrap_used)]
mod common;
use lookalike::gpu::*;
use lookalike::wgpu;
fn rss() -> u64 { std::fs::read_to_string("/proc/self/statm").unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4 }
#[test]
fn leak() {
    use wgpu::BufferUsages as U;
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let d = gpu.device();
    let buf = |size, usage| d.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let a = buf(4096, U::STORAGE | U::COPY_DST);
    let modes = std::env::var("MODE").unwrap();
    let shared = if modes.contains('s') { "var<workgroup> t: array<f32, 1024>;" } else { "" };
    let touch = if modes.contains('s') { "t[i.x] = a[i.x]; workgroupBarrier(); a[i.x] = t[63 - i.x];" } else { "a[i.x] = a[i.x] + 1.0;" };
    let src = format!("@group(0) @binding(0) var<storage, read_write> a: array<f32>; {shared} @compute @workgroup_size(64) fn main(@builtin(local_invocation_id) i: vec3u) {{ {touch} }}");
    let module = d.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source: wgpu::ShaderSource::Wgsl(src.into()) });
    let p = d.create_compute_pipeline(&wgpu::ComputePipelineDescriptor { label: None, layout: None, module: &module, entry_point: None, compilation_options: wgpu::PipelineCompilationOptions::default(), cache: None });
    let bg = d.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &p.get_bind_group_layout(0), entries: &[wgpu::BindGroupEntry { binding: 0, resource: a.as_entire_binding() }] });
    let n = if modes.contains('x') { 10 } else { 1 };
    let mut start = rss();
    for r in 0..2000 {
        if r == 1000 { start = rss(); }
        let mut e = d.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        { let mut pass = e.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&p);
        pass.set_bind_group(0, &bg, &[]);
        if !modes.contains('0') { for _ in 0..n { pass.dispatch_workgroups(1, 1, 1); } } }
        let i = gpu.queue().submit([e.finish()]);
        d.poll(wgpu::PollType::Wait { submission_index: Some(i), timeout: None }).unwrap();
    }
    println!("{modes}: {} KiB a run", (rss() - start) as f64 / 1000.0);
}
