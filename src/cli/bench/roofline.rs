//! The roofline (Williams 2009): what every kernel reaches, under what the adapter could.

use std::path::Path;

use lookalike::Result;
use lookalike::bench::BenchReport;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::cli::plot::{self, Drawing, Kind};

const SIZE: (u32, u32) = (1100, 720);
const INK: RGBColor = RGBColor(32, 33, 36);
const ROOF: RGBColor = RGBColor(205, 45, 45);
const POINT: RGBColor = RGBColor(26, 95, 180);

struct Roofline<'a> {
    report: &'a BenchReport,
    adapter: &'a str,
}

/// Writes the plot.
pub(super) fn write(path: &Path, kind: Kind, report: &BenchReport, adapter: &str) -> Result<()> {
    plot::write(path, kind, &Roofline { report, adapter }, SIZE)
}

impl Drawing for Roofline<'_> {
    fn title(&self) -> String {
        format!("roofline of {}", self.adapter)
    }

    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<(), String> {
        let peaks = self.report.peaks;
        // Rows without arithmetic have no place here.
        let points: Vec<_> = self.report.rows.iter().filter(|r| r.gflops > 0.0).map(|r| (r.gflops / r.gbps, r.gflops, &r.name)).collect();
        let least = |of: fn(&(f64, f64, &String)) -> f64, start: f64| points.iter().map(of).fold(start, f64::min);
        let most = points.iter().map(|p| p.0).fold(peaks.gflops / peaks.gbps, f64::max) * 3.0;
        let top = points.iter().map(|p| p.1).fold(peaks.gflops, f64::max) * 1.6;
        let (left, bottom) = (least(|p| p.0, 1.0) / 2.0, least(|p| p.1, peaks.gflops) / 2.0);
        let (chart_area, names) = root.split_horizontally(SIZE.0 as i32 - 330);
        let mut chart = ChartBuilder::on(&chart_area)
            .caption(self.title(), ("sans-serif", 17))
            .margin(14)
            .x_label_area_size(42)
            .y_label_area_size(60)
            .build_cartesian_2d((left..most).log_scale(), (bottom..top).log_scale())
            .map_err(|e| e.to_string())?;
        let number = |v: &f64| if *v < 1.0 { format!("{v:.2}") } else { format!("{v:.0}") };
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(INK.mix(0.12))
            .x_desc("floating point operations for a byte")
            .y_desc("GFLOP/s")
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .draw()
            .map_err(|e| e.to_string())?;
        let ridge = peaks.gflops / peaks.gbps;
        let roof = [(left, left * peaks.gbps), (ridge, peaks.gflops), (most, peaks.gflops)];
        chart.draw_series(LineSeries::new(roof, ROOF.stroke_width(2))).map_err(|e| e.to_string())?;
        let dot = |(i, p): (usize, &(f64, f64, &String))| {
            EmptyElement::at((p.0, p.1))
                + Circle::new((0, 0), 3, POINT.filled())
                + Text::new((i + 1).to_string(), (5, -6), ("sans-serif", 11))
        };
        chart.draw_series(points.iter().enumerate().map(dot)).map_err(|e| e.to_string())?;
        for (i, (_, gflops, name)) in points.iter().enumerate() {
            let text = format!("{:>2}  {name}: {gflops:.1}", i + 1);
            names.draw(&Text::new(text, (4, 24 + 17 * i as i32), ("sans-serif", 12))).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}
