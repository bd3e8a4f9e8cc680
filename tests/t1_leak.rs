#![allow(clippy::unwrap_used)]
mod common;
use common::*;
use lookalike::network::*;
use lookalike::gpu::*;
fn rss() -> u64 { std::fs::read_to_string("/proc/self/statm").unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4 }
#[test]
fn leak() {
    let textures = std::env::var("TEX").ok().map(|t| t == "1");
    let gpu = Gpu::new(&GpuOptions::default()).unwrap();
    let force = lookalike::plan::Force { textures, ..Default::default() };
    let network = Network::compile(&gpu, &small_model(), &CompileOptions { force, ..CompileOptions::default() }).unwrap();
    let x = Random(2).tensor(&[1, 3, 16, 16]);
    let n: usize = std::env::var("N").unwrap().parse().unwrap();
    for i in 0..=n { network.run(&[("input", &x)]).unwrap(); if i % (n / 10) == 0 { println!("{i} {} KiB", rss()); } 
      if std::env::var("WAIT").is_ok() { gpu.device().poll(lookalike::wgpu::PollType::wait_indefinitely()).unwrap(); } }
}
