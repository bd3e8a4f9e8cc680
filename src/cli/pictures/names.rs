//! Names for what is made of pictures.

use std::collections::HashSet;
use std::path::Path;

/// `NAME.png` for `NAME.jpg`, `NAME-2.png` where that is taken, and so on: every name once, also where case does not count.
#[derive(Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// The next free name for a picture.
    pub(crate) fn next(&mut self, source: &Path) -> String {
        let stem = source.file_stem().map_or_else(|| "picture".to_owned(), |s| s.to_string_lossy().into_owned());
        let mut name = format!("{stem}.png");
        let mut n = 1;
        while !self.taken.insert(name.to_lowercase()) {
            n += 1;
            name = format!("{stem}-{n}.png");
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_given_once() {
        let mut names = Names::default();
        let given = ["a/x.jpg", "b/X.png", "c/x.gif", "x-2.jpg", "x.webp", "..", "y"];
        let got: Vec<_> = given.iter().map(|p| names.next(Path::new(p))).collect();
        assert_eq!(got, ["x.png", "X-2.png", "x-3.png", "x-2-2.png", "x-4.png", "picture.png", "y.png"]);
    }
}
