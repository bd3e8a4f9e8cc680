//! Curves and histograms as SVG.

use lookalike::Result;
use lookalike::eval::RocPoint;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::judge::Judgement;
use super::report::Plot;
use crate::cli::plot::{Drawing, svg};

const SIZE: (u32, u32) = (560, 420);
const GENUINE: RGBColor = RGBColor(24, 140, 74);
const IMPOSTOR: RGBColor = RGBColor(205, 45, 45);
const INK: RGBColor = RGBColor(32, 33, 36);
/// Bars of the histogram.
const BINS: usize = 60;
/// Points of a curve: more are thinned out.
const POINTS: usize = 2000;

/// The curves and the histogram of pairs.
pub(super) fn of_pairs(judged: &Judgement) -> Result<Vec<Plot>> {
    let roc = thinned(judged.separation.roc());
    let accepted: Vec<_> = roc.iter().filter(|p| p.far > 0.0).map(|p| (p.far, p.tar)).collect();
    let axes = Axes { x: "false accept rate", y: "true accept rate", from: least(judged), to: 1.0, label: |x| format!("{x:.0e}") };
    Ok(vec![
        Plot { name: "roc".to_owned(), svg: svg(&Curve { title: format!("ROC, {}", judged.name), axes, points: &accepted }, SIZE)? },
        Plot { name: "det".to_owned(), svg: svg(&Det { judged, points: &roc }, SIZE)? },
        Plot { name: "scores".to_owned(), svg: svg(&Histogram(judged), SIZE)? },
    ])
}

/// Shares that grow with the rank: the cumulative match characteristic.
pub(super) fn cmc(name: &str, shares: &[f64]) -> Result<Plot> {
    let points: Vec<_> = (1..).map(f64::from).zip(shares.iter().copied()).collect();
    let axes = Axes { x: "rank", y: "identification rate", from: 1.0, to: shares.len().max(2) as f64, label: |x| format!("{x:.0}") };
    Ok(Plot { name: "cmc".to_owned(), svg: svg(&Curve { title: format!("CMC, {name}"), axes, points: &points }, SIZE)? })
}

/// Detection and identification at rank 1 over the part of the strangers let in.
pub(super) fn open_set(name: &str, points: &[(f64, f64)]) -> Result<Plot> {
    let from = points.first().map_or(0.1, |p| p.0);
    let axes = Axes { x: "false positive identification rate", y: "identification rate", from, to: 1.0, label: |x| format!("{x:.0e}") };
    Ok(Plot { name: "dir".to_owned(), svg: svg(&Curve { title: format!("Open set, {name}"), axes, points }, SIZE)? })
}

/// Rank-1 rates over the number of distractors.
pub(super) fn crowd(name: &str, points: &[(f64, f64)]) -> Result<Plot> {
    let (from, to) = (points.first().map_or(1.0, |p| p.0), points.last().map_or(10.0, |p| p.0));
    let axes = Axes { x: "distractors", y: "rank-1 identification rate", from, to: to.max(from * 1.1), label: |x| format!("{x:.0}") };
    Ok(Plot { name: "distractors".to_owned(), svg: svg(&Curve { title: format!("MegaFace, {name}"), axes, points }, SIZE)? })
}

/// A logarithmic axis across and a linear one of rates.
struct Axes {
    x: &'static str,
    y: &'static str,
    from: f64,
    to: f64,
    label: fn(f64) -> String,
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

/// Rates over something that is best seen on a logarithmic axis.
struct Curve<'a> {
    title: String,
    axes: Axes,
    points: &'a [(f64, f64)],
}

impl Drawing for Curve<'_> {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<(), String> {
        let Self { axes, points, .. } = self;
        let floor = points.iter().map(|p| p.1).fold(1.0, f64::min).min(0.95);
        let chart = framed(root, &self.title).build_cartesian_2d((axes.from..axes.to).log_scale(), (floor - 0.02).max(0.0)..1.005);
        let mut chart = chart.map_err(|e| e.to_string())?;
        let label = |x: &f64| (axes.label)(*x);
        let mut mesh = chart.configure_mesh();
        quiet(&mut mesh).x_desc(axes.x).y_desc(axes.y).x_label_formatter(&label).draw().map_err(|e| e.to_string())?;
        chart.draw_series(LineSeries::new(points.iter().copied(), INK.stroke_width(2))).map_err(|e| e.to_string())?;
        Ok(())
    }
}

/// Refused pairs of one person over accepted ones of two, both on logarithmic axes.
struct Det<'a> {
    judged: &'a Judgement,
    points: &'a [RocPoint],
}

impl Drawing for Det<'_> {
    fn title(&self) -> String {
        format!("DET, {}", self.judged.name)
    }

    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<(), String> {
        let least_refusal = (1.0 / self.judged.separation.genuine().len() as f64).clamp(1e-9, 0.1);
        let line = self.points.iter().filter(|p| p.far > 0.0).map(|p| (p.far, (1.0 - p.tar).max(least_refusal)));
        let (across, up) = ((least(self.judged)..1.0).log_scale(), (least_refusal..1.0).log_scale());
        let mut chart = framed(root, &self.title()).build_cartesian_2d(across, up).map_err(|e| e.to_string())?;
        let number = |x: &f64| format!("{x:.0e}");
        let mut mesh = chart.configure_mesh();
        let mesh = quiet(&mut mesh).x_desc("false accept rate").y_desc("false reject rate");
        mesh.x_label_formatter(&number).y_label_formatter(&number).draw().map_err(|e| e.to_string())?;
        chart.draw_series(LineSeries::new(line, INK.stroke_width(2))).map_err(|e| e.to_string())?;
        Ok(())
    }
}

/// A chart with its title and room for the numbers at its axes.
fn framed<'b, DB: DrawingBackend>(root: &'b DrawingArea<DB, Shift>, title: &str) -> ChartBuilder<'b, 'b, DB> {
    let mut builder = ChartBuilder::on(root);
    builder.caption(title, ("sans-serif", 18)).margin(12).x_label_area_size(40).y_label_area_size(56);
    builder
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

/// How scores of both kinds are spread, and the most accurate threshold.
struct Histogram<'a>(&'a Judgement);

impl Drawing for Histogram<'_> {
    fn title(&self) -> String {
        format!("Scores, {}", self.0.name)
    }

    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<(), String> {
        let judged = self.0;
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
        let chart = framed(root, &self.title()).build_cartesian_2d(low..low + width * BINS as f64, 0.0..top);
        let mut chart = chart.map_err(|e| e.to_string())?;
        quiet(&mut chart.configure_mesh()).x_desc(judged.metric()).y_desc("part of the pairs").draw().map_err(|e| e.to_string())?;
        for (bins, (_, colour, label)) in bars.iter().zip(&sides) {
            let colour = *colour;
            let rectangle = |(i, &h): (usize, &f64)| {
                let left = low + width * i as f64;
                Rectangle::new([(left, 0.0), (left + width, h)], colour.mix(0.45).filled())
            };
            chart
                .draw_series(bins.iter().enumerate().filter(|b| *b.1 > 0.0).map(rectangle))
                .map_err(|e| e.to_string())?
                .label(*label)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.mix(0.6).filled()));
        }
        let threshold = shown(judged.best.0);
        chart.draw_series(LineSeries::new([(threshold, 0.0), (threshold, top)], INK.stroke_width(1))).map_err(|e| e.to_string())?;
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(INK.mix(0.3)).draw().map_err(|e| e.to_string())
    }
}
