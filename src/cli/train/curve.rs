//! The loss over the steps.

use std::path::Path;

use lookalike::Result;
use lookalike::train::Progress;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::cli::plot::{self, Drawing, Kind};

const SIZE: (u32, u32) = (640, 420);
const STEP: RGBColor = RGBColor(176, 190, 208);
const MEAN: RGBColor = RGBColor(24, 90, 160);
const INK: RGBColor = RGBColor(32, 33, 36);
/// Points of a curve: more are thinned out.
const POINTS: usize = 2000;

/// The loss of every step, and its mean over a twentieth of them.
struct Curve<'a> {
    name: &'a str,
    steps: &'a [Progress],
}

/// Draws the curve into a file.
///
/// # Errors
/// As [`plot::write`].
pub(super) fn write(path: &Path, kind: Kind, name: &str, steps: &[Progress]) -> Result<()> {
    plot::write(path, kind, &Curve { name, steps }, SIZE)
}

impl Drawing for Curve<'_> {
    fn title(&self) -> String {
        format!("loss, {}", self.name)
    }

    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<(), String> {
        let steps = self.steps;
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Ok(()) };
        let greatest = steps.iter().map(|p| p.loss).fold(0.0, f64::max);
        let top = if greatest > 0.0 { 1.05 * greatest } else { 1.0 };
        let mut chart = ChartBuilder::on(root)
            .caption(self.title(), ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(first.step as f64..(last.step as f64).max(first.step as f64 + 1.0), 0.0..top)
            .map_err(|e| e.to_string())?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(INK.mix(0.12))
            .x_labels(6)
            .y_labels(6)
            .x_desc("step")
            .y_desc("loss")
            .x_label_formatter(&|x| format!("{x:.0}"))
            .draw()
            .map_err(|e| e.to_string())?;
        let thin = steps.len().div_ceil(POINTS).max(1);
        let each = steps.iter().step_by(thin).map(|p| (p.step as f64, p.loss));
        chart.draw_series(LineSeries::new(each, STEP.stroke_width(1))).map_err(|e| e.to_string())?;
        let window = (steps.len() / 20).max(1);
        let mean = |part: &[Progress]| part.iter().map(|p| p.loss).sum::<f64>() / part.len() as f64;
        let means = steps.windows(window).step_by(thin).filter_map(|part| Some((part.last()?.step as f64, mean(part))));
        chart.draw_series(LineSeries::new(means, MEAN.stroke_width(2))).map_err(|e| e.to_string())?;
        Ok(())
    }
}
