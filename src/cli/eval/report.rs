//! The report: figures and plots, as one HTML file with everything in it.

use std::fmt::Write;
use std::path::Path;

use lookalike::{Error, Result};

use crate::cli::npy::NewFile;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;color:#202124;background:#fafaf8;margin:2rem auto;max-width:72rem;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}pre{background:#fff;border:1px solid #ddd;padding:1rem;overflow-x:auto}\
.plots{display:flex;flex-wrap:wrap;gap:1rem}.plots svg{background:#fff;border:1px solid #ddd;max-width:100%;height:auto}\
table{border-collapse:collapse;background:#fff}td,th{border:1px solid #ddd;padding:.25rem .75rem;text-align:right}";

/// What a report is made of.
#[derive(Default)]
pub(super) struct Report {
    pub(super) title: String,
    pub(super) sections: Vec<Section>,
    /// Pictures without an embedding.
    pub(super) dropped: Vec<String>,
}

/// Figures, the plots that belong to them, and a table.
#[derive(Default)]
pub(super) struct Section {
    /// Nothing under the title.
    pub(super) heading: String,
    pub(super) lines: Vec<String>,
    pub(super) plots: Vec<Plot>,
    /// A line of names, then rows.
    pub(super) table: Vec<Vec<String>>,
}

/// A drawing and the name of its file.
pub(super) struct Plot {
    pub(super) name: String,
    pub(super) svg: String,
}

impl Report {
    /// Writes one HTML file with everything in it.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let mut file = NewFile::create(path)?;
        file.write(self.html().as_bytes())?;
        file.finish()
    }

    /// Writes the plots into a folder.
    pub(super) fn write_plots(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("Creating the folder", folder, e))?;
        for Plot { name, svg } in self.sections.iter().flat_map(|s| &s.plots) {
            let mut file = NewFile::create(&folder.join(name).with_extension("svg"))?;
            file.write(svg.as_bytes())?;
            file.finish()?;
        }
        Ok(())
    }

    fn html(&self) -> String {
        let mut out = String::new();
        let title = escaped(&self.title);
        // Writing into a string does not fail.
        let _ = write!(
            out,
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"
        );
        for section in &self.sections {
            section.html(&mut out);
        }
        if !self.dropped.is_empty() {
            let _ = write!(out, "<h2>Pictures without an embedding</h2><pre>{}</pre>", escaped(&self.dropped.join("\n")));
        }
        out.push_str("</body></html>\n");
        out
    }
}

impl Section {
    fn html(&self, out: &mut String) {
        if !self.heading.is_empty() {
            let _ = write!(out, "<h2>{}</h2>", escaped(&self.heading));
        }
        let _ = write!(out, "<pre>{}</pre><div class=\"plots\">", escaped(&self.lines.join("\n")));
        self.plots.iter().for_each(|p| out.push_str(&p.svg));
        out.push_str("</div>");
        if self.table.is_empty() {
            return;
        }
        out.push_str("<table>");
        for (i, row) in self.table.iter().enumerate() {
            let cell = if i == 0 { "th" } else { "td" };
            out.push_str("<tr>");
            row.iter().for_each(|value| {
                let _ = write!(out, "<{cell}>{}</{cell}>", escaped(value));
            });
            out.push_str("</tr>");
        }
        out.push_str("</table>");
    }
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
