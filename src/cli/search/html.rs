//! A search as a page that needs nothing but itself.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lookalike::Result;
use lookalike::embed::Picture;
use lookalike::gallery::Gallery;

use super::thumbnail::{enrolled, jpeg};
use super::{Answer, Match, Scale};
use crate::cli::npy::NewFile;

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Search</title>
<style>
:root { color-scheme: light dark }
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em }
section { display: flex; gap: 1em; overflow-x: auto; padding: 1em 0; border-top: 1px solid #8884 }
figure { margin: 0; width: 116px; flex: none; overflow-wrap: anywhere }
img, .none { width: 112px; height: 112px; border: 2px solid #8888; border-radius: 4px; display: block }
.none { display: grid; place-items: center; background: #8882; color: #888 }
.same img, .same .none { border-color: #188c4a }
.other img, .other .none { border-color: #cd2d2d }
.query { margin-right: 1em }
small { color: #888 }
</style></head><body>
";

/// Writes the page.
pub(super) fn write(path: &Path, answers: &[Answer], scale: Scale, gallery: &Gallery) -> Result<()> {
    let mut file = NewFile::create(path)?;
    file.write(HEAD.as_bytes())?;
    let people = gallery.model().map_or("an unknown model".to_owned(), |m| format!("{} ({})", m.name, m.digest));
    let threshold = scale.threshold.map_or(String::new(), |t| format!(", threshold {}", scale.show(t)));
    let intro =
        format!("<h1>Search</h1><p>Gallery {}<br>Model {}{}</p>\n", text(&gallery.path().display().to_string()), text(&people), threshold);
    file.write(intro.as_bytes())?;
    for answer in answers {
        let query = figure("query", answer.query.thumbnail.as_ref(), "embedding", &answer.query.name(), "");
        file.write(format!("<section>{query}").as_bytes())?;
        if answer.matches.is_empty() {
            file.write(b"<p>nobody</p>")?;
        }
        for found in &answer.matches {
            file.write(hit(found, scale).as_bytes())?;
        }
        file.write(b"</section>\n")?;
    }
    file.write(b"</body></html>\n")?;
    file.finish()
}

fn hit(found: &Match, scale: Scale) -> String {
    let class = match found.same {
        Some(true) => "same",
        Some(false) => "other",
        None => "",
    };
    let note = format!("{} · face {} · {}", scale.show(found.score), found.entry.id, found.entry.source);
    figure(class, enrolled(&found.entry).as_ref(), "no picture", &found.entry.label, &note)
}

fn figure(class: &str, picture: Option<&Picture>, instead: &str, caption: &str, note: &str) -> String {
    let picture = match picture.and_then(jpeg) {
        Some(bytes) => format!("<img alt=\"\" src=\"data:image/jpeg;base64,{}\">", STANDARD.encode(bytes)),
        None => format!("<div class=\"none\">{}</div>", text(instead)),
    };
    format!("<figure class=\"{class}\">{picture}<figcaption>{}<br><small>{}</small></figcaption></figure>", text(caption), text(note))
}

/// Text that stays text: labels and names of files come from anybody.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_not_obeyed_by_a_browser() {
        let figure = figure("same", None, "none", "<script>alert('x')</script>", "a \"b\" & c");
        assert!(!figure.contains("<script>") && figure.contains("&lt;script&gt;") && figure.contains("&amp; c"), "{figure}");
    }
}
