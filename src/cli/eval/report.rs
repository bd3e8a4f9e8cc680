//! The report: one HTML file with everything in it.

use std::fmt::Write;
use std::path::Path;

use lookalike::Result;

use super::judge::Judgement;
use super::plots;
use crate::cli::npy::NewFile;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;color:#202124;background:#fafaf8;margin:2rem auto;max-width:72rem;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}pre{background:#fff;border:1px solid #ddd;padding:1rem;overflow-x:auto}\
.plots{display:flex;flex-wrap:wrap;gap:1rem}.plots svg{background:#fff;border:1px solid #ddd;max-width:100%;height:auto}\
table{border-collapse:collapse;background:#fff}td,th{border:1px solid #ddd;padding:.25rem .75rem;text-align:right}";

/// Writes the report.
pub(super) fn write(path: &Path, judged: &Judgement) -> Result<()> {
    let mut file = NewFile::create(path)?;
    file.write(html(judged)?.as_bytes())?;
    file.finish()
}

fn html(judged: &Judgement) -> Result<String> {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write!(
        out,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title><style>{STYLE}</style></head><body>\
         <h1>Verification: {name}</h1><pre>{figures}</pre>",
        name = escaped(&judged.name),
        figures = escaped(&judged.lines().join("\n"))
    );
    out.push_str("<div class=\"plots\">");
    plots::all(judged)?.iter().for_each(|(_, svg)| out.push_str(svg));
    out.push_str("</div>");
    if let Some(folds) = &judged.folds {
        out.push_str("<h2>Folds</h2><table><tr><th>fold</th><th>accuracy</th><th>threshold</th></tr>");
        for (i, (accuracy, threshold)) in folds.folds.iter().zip(&folds.thresholds).enumerate() {
            let _ = write!(out, "<tr><td>{}</td><td>{:.2} %</td><td>{:.4}</td></tr>", i + 1, 100.0 * accuracy, judged.shown(*threshold));
        }
        out.push_str("</table>");
    }
    if !judged.dropped.is_empty() {
        let _ = write!(out, "<h2>Pictures without an embedding</h2><pre>{}</pre>", escaped(&judged.dropped.join("\n")));
    }
    out.push_str("</body></html>\n");
    Ok(out)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_from_files_are_text_in_the_report() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
