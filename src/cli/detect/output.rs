//! Faces as a table or as JSON.

use lookalike::face::Face;
use serde::Serialize;

use crate::cli::table::Table;
use crate::cli::ui::{Outcome, Ui};

/// A picture that could be searched.
pub(super) struct Found {
    pub(super) image: String,
    pub(super) faces: Vec<Face>,
}

// Not through JSON values: those hold f64, in which an f32 has many more digits.
#[derive(Serialize)]
struct Line<'a> {
    image: &'a str,
    faces: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    r#box: [f32; 4],
    score: f32,
    landmarks: &'a [[f32; 2]],
}

impl Found {
    fn line(&self) -> Line<'_> {
        let faces = self.faces.iter().map(|f| Entry { r#box: f.bounds, score: f.score, landmarks: &f.landmarks }).collect();
        Line { image: &self.image, faces }
    }

    /// A row for every face, or one that says that there is none.
    fn rows(&self) -> Vec<[String; 6]> {
        if self.faces.is_empty() {
            return vec![[self.image.clone(), "-".to_owned(), String::new(), String::new(), String::new(), String::new()]];
        }
        let pair = |[x, y]: [f32; 2]| format!("{x:.0},{y:.0}");
        let row = |(i, f): (usize, &Face)| {
            let [left, top, right, bottom] = f.bounds;
            let points: Vec<_> = f.landmarks.iter().map(|&p| pair(p)).collect();
            let [w, h] = f.size();
            let place = (if i == 0 { self.image.clone() } else { String::new() }, format!("{:.3}", f.score));
            [place.0, place.1, pair([left, top]), pair([right, bottom]), format!("{w:.0}x{h:.0}"), points.join(" ")]
        };
        self.faces.iter().enumerate().map(row).collect()
    }
}

/// All pictures, in order.
pub(super) fn print(ui: &Ui, found: &[Found]) -> Outcome<()> {
    if ui.json {
        return ui.json(&found.iter().map(Found::line).collect::<Vec<_>>());
    }
    let mut table = Table::new(&["image", ">score", ">left,top", ">right,bottom", ">size", "landmarks"]);
    for row in found.iter().flat_map(Found::rows) {
        table.row(row);
    }
    ui.line(&table.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_digits_of_the_numbers() {
        let face = Face { bounds: [0.1, -2.5, 3.0, 4.0], score: 0.9, landmarks: vec![[1.0, 0.3]] };
        let found = Found { image: "a b.jpg".to_owned(), faces: vec![face] };
        let text = serde_json::to_string(&[found.line()]).unwrap();
        assert_eq!(text, r#"[{"image":"a b.jpg","faces":[{"box":[0.1,-2.5,3.0,4.0],"score":0.9,"landmarks":[[1.0,0.3]]}]}]"#);
        assert_eq!(found.rows()[0], ["a b.jpg", "0.900", "0,-2", "3,4", "3x6", "1,0"]);
        let none = Found { image: "x".to_owned(), faces: Vec::new() };
        assert_eq!(serde_json::to_string(&none.line()).unwrap(), r#"{"image":"x","faces":[]}"#);
        assert_eq!(none.rows()[0][1], "-");
    }
}
