//! Devices that get lost, are borrowed, run out of memory or time: the right error, the right bits, and never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::time::{Duration, Instant};

use common::{Random, add_linear, bits, compare, gpu, graph_of, model_of, open_device, small_model};
use lookalike::error::Error;
use lookalike::gpu::{Gpu, GpuOptions};
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::Tensor;
use lookalike::wgpu;

fn pixels(batch: usize) -> Tensor {
    Random(7).tensor(&[batch, 3, 16, 16])
}

fn compile(gpu: &Gpu) -> Network {
    Network::compile(gpu, &small_model(), &CompileOptions::default()).unwrap()
}

fn run(network: &Network, batch: usize) -> Vec<u32> {
    bits(&network.run(&[("input", &pixels(batch))]).unwrap())
}

#[test]
fn the_same_input_gives_the_same_bits() {
    let network = compile(&gpu());
    for batch in [1, 5] {
        let first = run(&network, batch);
        assert_eq!(first.len(), batch * 10);
        assert!(first.iter().any(|&b| b != 0));
        assert_eq!(first, run(&network, batch));
    }
}

#[test]
fn a_destroyed_device_is_an_error_and_a_new_one_gives_the_same_bits() {
    let doomed = Gpu::new(&GpuOptions::default()).unwrap();
    let network = compile(&doomed);
    let before = run(&network, 2);
    doomed.device().destroy();
    for _ in 0..3 {
        let e = network.run(&[("input", &pixels(2))]).unwrap_err();
        assert!(matches!(e, Error::DeviceLost(_)), "{e:?}");
        assert!(e.to_string().contains("Make a new Gpu"), "{e}");
    }
    // Neither another batch, nor a profile, nor another network panics or computes.
    assert!(matches!(network.run(&[("input", &pixels(3))]), Err(Error::DeviceLost(_))));
    assert!(matches!(network.profile(&[("input", &pixels(2))]), Err(Error::DeviceLost(_))));
    assert!(matches!(Network::compile(&doomed, &small_model(), &CompileOptions::default()), Err(Error::DeviceLost(_))));

    let fresh = compile(&Gpu::new(&GpuOptions::default()).unwrap());
    assert_eq!(run(&fresh, 2), before);
}

#[test]
fn a_device_destroyed_while_it_runs_never_gives_wrong_numbers() {
    for delay in [0, 200, 1000, 3000] {
        let doomed = Gpu::new(&GpuOptions::default()).unwrap();
        let network = compile(&doomed);
        let want = run(&network, 8);
        std::thread::scope(|scope| {
            let runs = scope.spawn(|| {
                // Ends at the first error; the deadline is for a device that survives its destruction.
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(20) {
                    match network.run(&[("input", &pixels(8))]) {
                        Ok(results) => assert_eq!(bits(&results), want),
                        Err(e) => return Some(e),
                    }
                }
                None
            });
            std::thread::sleep(Duration::from_micros(delay));
            doomed.device().destroy();
            let e = runs.join().unwrap();
            assert!(matches!(e, Some(Error::DeviceLost(_))), "{e:?}");
        });
    }
}

#[test]
fn a_borrowed_device_gives_the_same_bits() {
    let (info, device, queue) = open_device(|limits| limits);
    let borrowed = Gpu::from_wgpu(info, device, queue).unwrap();
    assert_eq!(borrowed.caps().gemm, gpu().caps().gemm);
    assert_eq!(run(&compile(&borrowed), 3), run(&compile(&gpu()), 3));
}

/// What a host gets that asks for nothing: WebGPU's guaranteed limits and no feature.
#[test]
fn a_borrowed_device_with_default_limits_and_no_features_works() {
    let report = gpu().adapter().clone();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = found.into_iter().find(|a| a.get_info().name == report.name).unwrap();
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    let plain = Gpu::from_wgpu(adapter.get_info(), device, queue).unwrap();
    assert_eq!(plain.caps().subgroup, None);
    let got = compile(&plain).run(&[("input", &pixels(2))]).unwrap();
    let want = compile(&gpu()).run(&[("input", &pixels(2))]).unwrap();
    let (cosine, error) = compare(&got[0].1.to_f32(), &want[0].1.to_f32());
    assert!(cosine > 0.999_999 && error < 1e-5, "{cosine} {error:e}");
}

#[test]
fn a_borrowed_device_that_its_host_destroys_is_an_error() {
    let (info, device, queue) = open_device(|limits| limits);
    let borrowed = Gpu::from_wgpu(info, device.clone(), queue).unwrap();
    let network = compile(&borrowed);
    assert_eq!(run(&network, 1).len(), 10);
    device.destroy();
    let e = network.run(&[("input", &pixels(1))]).unwrap_err();
    assert!(matches!(e, Error::DeviceLost(_) | Error::Device(_)), "{e:?}");
}

fn own_buffer(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

#[test]
fn encoding_into_the_callers_encoder_equals_running() {
    use wgpu::BufferUsages as U;
    let gpu = gpu();
    let batch = 4;
    let network = Network::compile(&gpu, &small_model(), &CompileOptions { batch, ..CompileOptions::default() }).unwrap();
    let want = run(&network, batch);

    let x = pixels(batch);
    let input = own_buffer(&gpu, x.len() as u64 * 4, U::COPY_SRC | U::COPY_DST);
    let output = own_buffer(&gpu, want.len() as u64 * 4, U::COPY_DST | U::COPY_SRC);
    let staging = own_buffer(&gpu, output.size(), U::COPY_DST | U::MAP_READ);
    gpu.queue().write_buffer(&input, 0, bytemuck::cast_slice(&x.to_f32()));
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    network.encode(&mut encoder, &[("input", &input)], &[("fc", &output)]).unwrap();
    encoder.copy_buffer_to_buffer(&output, 0, &staging, 0, output.size());
    gpu.queue().submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |r| r.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let got: Vec<u32> = bytemuck::cast_slice(&staging.get_mapped_range(..).unwrap()).to_vec();
    assert_eq!(got, want);
    assert_eq!(run(&network, batch), want, "encoding left something behind");

    let refuse = |inputs: &[(&str, &wgpu::Buffer)], outputs: &[(&str, &wgpu::Buffer)], names: &str| {
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let e = network.encode(&mut encoder, inputs, outputs).unwrap_err();
        assert!(matches!(&e, Error::Caller(text) if text.contains(names)), "{e}");
    };
    refuse(&[], &[("fc", &output)], "`input`");
    refuse(&[("input", &input)], &[], "`fc`");
    refuse(&[("input", &output)], &[("fc", &output)], "bytes");
}

/// One linear layer with 4 MiB of weights.
fn large_model() -> Model {
    let (mut g, x) = graph_of(&[1024]);
    add_linear(&mut g, &mut Random(3), "fc", x, 1024, 1024);
    model_of(g)
}

/// A few numbers; fits any budget.
fn tiny_model() -> Model {
    let (mut g, x) = graph_of(&[8]);
    add_linear(&mut g, &mut Random(3), "fc", x, 4, 8);
    model_of(g)
}

#[test]
fn a_network_beyond_the_budget_is_refused_and_a_small_one_still_runs() {
    let budget = 1 << 20;
    let gpu = Gpu::new(&GpuOptions { memory_budget: Some(budget), ..GpuOptions::default() }).unwrap();
    assert_eq!(gpu.memory().1, budget);
    let before = gpu.memory().0;
    for _ in 0..3 {
        match Network::compile(&gpu, &large_model(), &CompileOptions::default()) {
            Err(Error::OutOfMemory { wanted, limit, what }) => {
                assert!(wanted > limit && limit <= budget, "{wanted} {limit}");
                assert!(!what.is_empty());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(gpu.memory().0, before, "a refused network keeps memory");
    }
    let network = Network::compile(&gpu, &tiny_model(), &CompileOptions::default()).unwrap();
    let x = Random(4).tensor(&[1, 8]);
    let first = bits(&network.run(&[("input", &x)]).unwrap());
    // A batch that does not fit leaves the network usable.
    let many = Random(4).tensor(&[100_000, 8]);
    let e = network.run(&[("input", &many)]).unwrap_err();
    assert!(matches!(e, Error::OutOfMemory { .. }), "{e:?}");
    assert_eq!(bits(&network.run(&[("input", &x)]).unwrap()), first);
    drop(network);
    assert_eq!(gpu.memory().0, before, "a dropped network keeps memory");
}

#[test]
fn an_unknown_device_is_named_with_those_there_are() {
    for device in ["no such adapter", "4000000000"] {
        let e = Gpu::new(&GpuOptions { device: Some(device.to_owned()), ..GpuOptions::default() }).unwrap_err();
        assert!(matches!(e, Error::NoAdapter(_)), "{e:?}");
        assert!(e.to_string().contains(device) && e.to_string().contains(&gpu().adapter().name), "{e}");
    }
    let name = gpu().adapter().name.to_uppercase();
    assert!(Gpu::new(&GpuOptions { device: Some(name), ..GpuOptions::default() }).is_ok());
}

#[test]
fn no_time_is_a_timeout_or_a_result_but_never_a_hang() {
    let start = Instant::now();
    let timed_out = |e: &Error| assert!(matches!(e, Error::Timeout { .. }), "{e:?}");
    match Gpu::new(&GpuOptions { timeout: Duration::ZERO, ..GpuOptions::default() }) {
        Err(e) => timed_out(&e),
        Ok(gpu) => {
            let network = compile(&gpu);
            for _ in 0..3 {
                match network.run(&[("input", &pixels(1))]) {
                    Err(e) => timed_out(&e),
                    Ok(results) => assert_eq!(results[0].1.len(), 10),
                }
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_network_is_usable_after_a_timeout() {
    // Long enough to open the device, too short for a large run.
    let gpu = Gpu::new(&GpuOptions { timeout: Duration::from_millis(60), ..GpuOptions::default() });
    let Ok(gpu) = gpu else { return };
    let network = compile(&gpu);
    let Ok(first) = network.run(&[("input", &pixels(1))]) else { return };
    let mut r = Random(5);
    let large = r.tensor(&[2000, 3, 16, 16]);
    for _ in 0..2 {
        if let Err(e) = network.run(&[("input", &large)]) {
            assert!(matches!(e, Error::Timeout { .. }), "{e:?}");
        }
    }
    // The device finishes what it was given, then everything is as before.
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    // A busy machine may miss so short a deadline again, but not for ever, and with no other error.
    let again = (0..50).find_map(|_| match network.run(&[("input", &pixels(1))]) {
        Err(e) => {
            assert!(matches!(e, Error::Timeout { .. }), "{e:?}");
            None
        }
        Ok(results) => Some(bits(&results)),
    });
    assert_eq!(again, Some(bits(&first)));
    match network.run(&[("input", &large)]) {
        Err(e) => assert!(matches!(e, Error::Timeout { .. }), "{e:?}"),
        Ok(results) => assert_eq!(results[0].1.len(), 20_000),
    }
}

#[test]
fn networks_on_several_threads_keep_apart() {
    let gpu = gpu();
    let network = compile(&gpu);
    let want: Vec<_> = (1..5).map(|batch| run(&network, batch)).collect();
    std::thread::scope(|scope| {
        for t in 0..4 {
            let (network, want) = (&network, &want);
            scope.spawn(move || {
                for i in 0..20 {
                    let batch = (t + i) % 4 + 1;
                    assert_eq!(run(network, batch), want[batch - 1]);
                }
            });
        }
    });
}
