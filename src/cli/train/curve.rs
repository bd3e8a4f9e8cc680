//! The loss over the steps, as PNG.

use std::path::Path;

use lookalike::train::Progress;
use lookalike::{Error, Result};
use plotters::prelude::*;

use crate::cli::font;
use crate::cli::npy::NewFile;

const SIZE: (u32, u32) = (640, 420);
const STEP: RGBColor = RGBColor(176, 190, 208);
const MEAN: RGBColor = RGBColor(24, 90, 160);
const INK: RGBColor = RGBColor(32, 33, 36);
/// Points of a curve: more are thinned out.
const POINTS: usize = 2000;

/// Draws the loss of every step, and its mean over a twentieth of them.
///
/// # Errors
/// A picture that cannot be drawn or written.
pub(super) fn write(path: &Path, name: &str, steps: &[Progress]) -> Result<()> {
    font::for_plots()?;
    let mut pixels = vec![255; (SIZE.0 * SIZE.1 * 3) as usize];
    draw(&mut pixels, name, steps).map_err(|e| Error::Picture(format!("The curve cannot be drawn ({e}). Report this.")))?;
    let unwritable = |e: image::ImageError| Error::Picture(format!("The curve cannot be encoded ({e}). Report this."));
    let mut png = std::io::Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut png, &pixels, SIZE.0, SIZE.1, image::ExtendedColorType::Rgb8, image::ImageFormat::Png)
        .map_err(unwritable)?;
    let mut file = NewFile::create(path)?;
    file.write(png.get_ref())?;
    file.finish()
}

fn draw(pixels: &mut [u8], name: &str, steps: &[Progress]) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Ok(()) };
    let greatest = steps.iter().map(|p| p.loss).fold(0.0, f64::max);
    let top = if greatest > 0.0 { 1.05 * greatest } else { 1.0 };
    let root = BitMapBackend::with_buffer(pixels, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("loss, {name}"), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(first.step as f64..(last.step as f64).max(first.step as f64 + 1.0), 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(INK.mix(0.12))
        .x_labels(6)
        .y_labels(6)
        .x_desc("step")
        .y_desc("loss")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    let thin = steps.len().div_ceil(POINTS).max(1);
    chart.draw_series(LineSeries::new(steps.iter().step_by(thin).map(|p| (p.step as f64, p.loss)), STEP.stroke_width(1)))?;
    let window = (steps.len() / 20).max(1);
    let mean = |part: &[Progress]| part.iter().map(|p| p.loss).sum::<f64>() / part.len() as f64;
    let means = steps.windows(window).step_by(thin).filter_map(|part| Some((part.last()?.step as f64, mean(part))));
    chart.draw_series(LineSeries::new(means, MEAN.stroke_width(2)))?;
    root.present()?;
    Ok(())
}
