//! Curves and histograms as SVG.

use std::path::Path;

use lookalike::eval::RocPoint;
use lookalike::{Error, Result};
use plotters::prelude::*;

use super::judge::{Judgement, unwritable};
use crate::cli::font;
use crate::cli::npy::NewFile;

const SIZE: (u32, u32) = (560, 420);
const GENUINE: RGBColor = RGBColor(24, 140, 74);
const IMPOSTOR: RGBColor = RGBColor(205, 45, 45);
const INK: RGBColor = RGBColor(32, 33, 36);
/// Bars of the histogram.
const BINS: usize = 60;
/// Points of a curve: more are thinned out.
const POINTS: usize = 2000;

/// Every plot with its file name.
pub(super) fn all(judged: &Judgement) -> Result<Vec<(&'static str, String)>> {
    font::for_plots()?;
    let roc = thinned(judged.separation.roc());
    Ok(vec![("roc", curve(judged, &roc, Curve::Roc)?), ("det", curve(judged, &roc, Curve::Det)?), ("scores", histogram(judged)?)])
}

/// Writes the plots into a folder.
pub(super) fn write(folder: &Path, judged: &Judgement) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io("Creating the folder", folder, e))?;
    for (name, svg) in all(judged)? {
        let mut file = NewFile::create(&folder.join(name).with_extension("svg"))?;
        file.write(svg.as_bytes())?;
        file.finish()?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Curve {
    /// True accepts over false accepts.
    Roc,
    /// False refusals over false accepts.
    Det,
}

/// Evenly spaced points of a long curve, its ends kept.
fn thinned(points: Vec<RocPoint>) -> Vec<RocPoint> {
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.last().copied();
    points.into_iter().step_by(step).chain(last).collect()
}

/// The least rate shown: what one impostor pair makes.
fn least(judged: &Judgement) -> f64 {
    (1.0 / judged.separation.impostor().len() as f64).clamp(1e-9, 0.1)
}

fn curve(judged: &Judgement, points: &[RocPoint], kind: Curve) -> Result<String> {
    let mut svg = String::new();
    let low = least(judged);
    let least_refusal = (1.0 / judged.separation.genuine().len() as f64).clamp(1e-9, 0.1);
    let (title, y_label) = match kind {
        Curve::Roc => ("ROC", "true accept rate"),
        Curve::Det => ("DET", "false reject rate"),
    };
    let line = points.iter().filter(|p| p.far > 0.0).map(|p| match kind {
        Curve::Roc => (p.far, p.tar),
        Curve::Det => (p.far, (1.0 - p.tar).max(least_refusal)),
    });
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| unwritable(title, &e.to_string()))?;
        let mut builder = ChartBuilder::on(&root);
        builder.caption(format!("{title}, {}", judged.name), ("sans-serif", 18)).margin(12).x_label_area_size(40).y_label_area_size(56);
        // The two axes have different types, so the two charts are built apart.
        match kind {
            Curve::Roc => {
                let floor = points.iter().filter(|p| p.far > 0.0).map(|p| p.tar).fold(1.0, f64::min).min(0.95);
                let chart = builder.build_cartesian_2d((low..1.0).log_scale(), (floor - 0.02).max(0.0)..1.005);
                let mut chart = chart.map_err(|e| unwritable(title, &e.to_string()))?;
                let mesh = quiet(&mut chart.configure_mesh())
                    .x_desc("false accept rate")
                    .y_desc(y_label)
                    .x_label_formatter(&|x| format!("{x:.0e}"))
                    .draw();
                mesh.map_err(|e| unwritable(title, &e.to_string()))?;
                chart.draw_series(LineSeries::new(line, INK.stroke_width(2))).map_err(|e| unwritable(title, &e.to_string()))?;
            }
            Curve::Det => {
                let chart = builder.build_cartesian_2d((low..1.0).log_scale(), (least_refusal..1.0).log_scale());
                let mut chart = chart.map_err(|e| unwritable(title, &e.to_string()))?;
                let number = |x: &f64| format!("{x:.0e}");
                let mesh = quiet(&mut chart.configure_mesh())
                    .x_desc("false accept rate")
                    .y_desc(y_label)
                    .x_label_formatter(&number)
                    .y_label_formatter(&number)
                    .draw();
                mesh.map_err(|e| unwritable(title, &e.to_string()))?;
                chart.draw_series(LineSeries::new(line, INK.stroke_width(2))).map_err(|e| unwritable(title, &e.to_string()))?;
            }
        }
        root.present().map_err(|e| unwritable(title, &e.to_string()))?;
    }
    Ok(svg)
}

/// A grid that stays behind the curve, and labels that do not overlap.
fn quiet<'m, 'a, 'b, X, Y, DB>(
    mesh: &'m mut plotters::chart::MeshStyle<'a, 'b, X, Y, DB>,
) -> &'m mut plotters::chart::MeshStyle<'a, 'b, X, Y, DB>
where
    X: Ranged,
    Y: Ranged,
    DB: DrawingBackend,
{
    mesh.light_line_style(WHITE).bold_line_style(INK.mix(0.12)).x_labels(6).y_labels(6)
}

fn histogram(judged: &Judgement) -> Result<String> {
    let title = "histogram";
    let fail = |e: String| unwritable(title, &e);
    let mut svg = String::new();
    let sides = [(judged.separation.genuine(), GENUINE, "one person"), (judged.separation.impostor(), IMPOSTOR, "two people")];
    let shown = |s: f64| judged.shown(s);
    let all = || sides.iter().flat_map(|s| s.0.iter().map(|&v| shown(v)));
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let width = ((high - low) / BINS as f64).max(1e-9);
    let bars: Vec<Vec<f64>> = sides
        .iter()
        .map(|(scores, ..)| {
            let mut bins = vec![0.0; BINS];
            scores.iter().for_each(|&s| bins[(((shown(s) - low) / width) as usize).min(BINS - 1)] += 1.0 / scores.len() as f64);
            bins
        })
        .collect();
    let top = bars.iter().flatten().copied().fold(0.0, f64::max) * 1.1;
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| fail(e.to_string()))?;
        let mut chart = ChartBuilder::on(&root)
            .caption(format!("Scores, {}", judged.name), ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(low..low + width * BINS as f64, 0.0..top)
            .map_err(|e| fail(e.to_string()))?;
        quiet(&mut chart.configure_mesh()).x_desc(judged.metric()).y_desc("part of the pairs").draw().map_err(|e| fail(e.to_string()))?;
        for (bins, (_, colour, label)) in bars.iter().zip(&sides) {
            let colour = *colour;
            let rectangle = |(i, &h): (usize, &f64)| {
                let left = low + width * i as f64;
                Rectangle::new([(left, 0.0), (left + width, h)], colour.mix(0.45).filled())
            };
            chart
                .draw_series(bins.iter().enumerate().filter(|b| *b.1 > 0.0).map(rectangle))
                .map_err(|e| fail(e.to_string()))?
                .label(*label)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.mix(0.6).filled()));
        }
        let threshold = shown(judged.best.0);
        chart.draw_series(LineSeries::new([(threshold, 0.0), (threshold, top)], INK.stroke_width(1))).map_err(|e| fail(e.to_string()))?;
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(INK.mix(0.3))
            .draw()
            .map_err(|e| fail(e.to_string()))?;
        root.present().map_err(|e| fail(e.to_string()))?;
    }
    Ok(svg)
}
