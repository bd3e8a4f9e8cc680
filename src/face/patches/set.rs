//! Which patches of a face are looked at.

use crate::error::{Error, Result};
use crate::model::Channels;

/// Width and height of the canvas that patches are cut from.
pub const CANVAS: [f64; 2] = [160.0, 192.0];

/// Where the centres of the eyes and the middle of the mouth lie on the canvas (image-left eye first).
pub(crate) const CANVAS_POINTS: [[f64; 2]; 3] = [[54.0, 76.0], [106.0, 76.0], [80.0, 134.0]];

/// The centre of a patch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Centre {
    /// A place on the canvas.
    Canvas([f64; 2]),
    /// One of the five landmarks: image-left eye, image-right eye, nose tip, image-left and image-right mouth corner.
    Landmark(usize),
}

/// A rectangle of an aligned face, and what a network sees of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Its centre.
    pub centre: Centre,
    /// Width and height in pixels of the canvas.
    pub extent: [f64; 2],
    /// Width and height of the network's input in pixels.
    pub input: [usize; 2],
    /// Whether the network sees grey levels.
    pub grey: bool,
    /// Whether the patch is looked at in a mirror.
    pub flipped: bool,
}

/// Patches of a face, one network each.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchSet {
    patches: Vec<Patch>,
    /// For every patch, the one whose mirror image goes through the same network; `None`: none does.
    partners: Option<Vec<usize>>,
}

/// Regions 0 to 4: their centre on the canvas and their extent.
const GLOBAL: [([f64; 2], [f64; 2]); 5] = [
    ([80.0, 100.0], [93.0, 117.0]),
    ([80.0, 72.0], [74.0, 93.0]),
    ([80.0, 122.0], [74.0, 93.0]),
    ([58.0, 100.0], [62.0, 78.0]),
    ([102.0, 100.0], [62.0, 78.0]),
];
/// Regions 5 to 9 are squares of this side around the landmarks.
const LOCAL: f64 = 62.0;
const SCALES: [f64; 3] = [1.0, 1.25, 1.5];
/// The region on the other side of the face.
const OPPOSITE: [usize; 10] = [0, 1, 2, 4, 3, 6, 5, 7, 9, 8];

impl PatchSet {
    /// The 60 patches of DeepID (Sun, Wang, Tang, CVPR 2014): ten regions, three scales, colour and grey, patch
    /// `(region * 3 + scale) * 2 + grey`. The paper draws the rectangles and gives no numbers; these are this crate's.
    ///
    /// Each goes through its network twice: as it is, and mirrored, for which patches of one side take the patch of the other side.
    pub fn deepid() -> Self {
        let mut patches = Vec::with_capacity(60);
        let mut partners = Vec::with_capacity(60);
        for (region, opposite) in OPPOSITE.iter().enumerate() {
            for (scale, factor) in SCALES.iter().enumerate() {
                for grey in [false, true] {
                    let (centre, base, input) = match GLOBAL.get(region) {
                        Some(&(centre, base)) => (Centre::Canvas(centre), base, [31, 39]),
                        None => (Centre::Landmark(region - GLOBAL.len()), [LOCAL; 2], [31, 31]),
                    };
                    patches.push(Patch { centre, extent: base.map(|v| v * factor), input, grey, flipped: false });
                    partners.push((opposite * SCALES.len() + scale) * 2 + usize::from(grey));
                }
            }
        }
        Self { patches, partners: Some(partners) }
    }

    /// Patches that a list names, one a line: `centre width height input-width input-height rgb|grey [flip]`, where the centre is `x,y` on
    /// the canvas of 160x192 pixels, or `left-eye`, `right-eye`, `nose`, `left-mouth`, `right-mouth` (as seen in the image). `#` begins a
    /// remark. Each patch goes through its network once, as the 25 patches that DeepID2 selects of 400.
    ///
    /// # Errors
    /// [`Error::Caller`] with the line that is wrong, or when there is none.
    pub fn from_list(text: &str) -> Result<Self> {
        let lines = text.lines().map(|l| l.split('#').next().unwrap_or("").trim()).enumerate().filter(|(_, l)| !l.is_empty());
        let patches = lines.map(|(i, line)| parse(line).map_err(|what| wrong(i + 1, line, &what))).collect::<Result<Vec<_>>>()?;
        if patches.is_empty() {
            return Err(Error::Caller("The list of patches holds none. Give one a line, such as `nose 62 62 31 31 rgb`.".to_owned()));
        }
        Ok(Self { patches, partners: None })
    }

    /// The patches, in order.
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// For every patch the one whose mirror image goes through the same network; `None`: none does.
    pub fn partners(&self) -> Option<&[usize]> {
        self.partners.as_deref()
    }

    /// Pictures of a face that each network sees: two with mirrored partners, else one.
    pub fn views(&self) -> usize {
        if self.partners.is_some() { 2 } else { 1 }
    }
}

impl Patch {
    /// Channels of the network's input, whatever their order.
    pub(crate) fn fits(&self, channels: Channels) -> bool {
        self.grey == (channels == Channels::Gray)
    }
}

fn wrong(number: usize, line: &str, what: &str) -> Error {
    Error::Caller(format!(
        "Line {number} of the list of patches (`{line}`) {what}. Write `centre width height input-width input-height rgb|grey [flip]`, such as \
         `54,76 62 62 31 31 grey flip`."
    ))
}

fn parse(line: &str) -> Result<Patch, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (fields, flipped) = match words.as_slice() {
        [fields @ .., "flip"] => (fields, true),
        fields => (fields, false),
    };
    let &[centre, width, height, input_width, input_height, colour] = fields else {
        return Err(format!("has {} fields", words.len()));
    };
    let number =
        |text: &str| text.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(|| format!("has `{text}` where a number belongs"));
    let extent = |text: &str| {
        number(text)
            .and_then(|v| if (1.0..=1000.0).contains(&v) { Ok(v) } else { Err(format!("has an extent of {v}, not of 1 to 1000 pixels")) })
    };
    let side = |text: &str| match text.parse::<usize>() {
        Ok(v) if (1..=4096).contains(&v) => Ok(v),
        _ => Err(format!("has an input side of `{text}`, not of 1 to 4096 pixels")),
    };
    let centre = match ["left-eye", "right-eye", "nose", "left-mouth", "right-mouth"].iter().position(|&n| n == centre) {
        Some(i) => Centre::Landmark(i),
        None => {
            let (x, y) = centre.split_once(',').ok_or_else(|| format!("has the centre `{centre}`, which is no landmark and no `x,y`"))?;
            Centre::Canvas([number(x)?, number(y)?])
        }
    };
    let grey = match colour {
        "rgb" => false,
        "grey" | "gray" => true,
        other => return Err(format!("has the colour `{other}`")),
    };
    Ok(Patch { centre, extent: [extent(width)?, extent(height)?], input: [side(input_width)?, side(input_height)?], grey, flipped })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    #[test]
    fn deepid_has_sixty_patches_whose_partners_are_on_the_other_side() {
        let set = PatchSet::deepid();
        let (patches, partners) = (set.patches(), set.partners().unwrap());
        assert_eq!((patches.len(), partners.len(), set.views()), (60, 60, 2));
        for (patch, &partner) in patches.iter().zip(partners) {
            let other = &patches[partner];
            assert_eq!((patch.extent, patch.input, patch.grey), (other.extent, other.input, other.grey));
            match (patch.centre, other.centre) {
                // The canvas is symmetric about x = 80.
                (Centre::Canvas([x, y]), Centre::Canvas([u, v])) => assert_eq!((x + u, y), (160.0, v)),
                (Centre::Landmark(i), Centre::Landmark(j)) => assert_eq!([1, 0, 2, 4, 3][i], j),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(patches[0].extent, [93.0, 117.0]);
        assert_eq!((patches[35].centre, patches[35].extent, patches[35].grey), (Centre::Landmark(0), [93.0, 93.0], true));
    }

    #[test]
    fn lists_are_read_and_mistakes_are_named() {
        let set = PatchSet::from_list("# selection 1\n\n80,100 93 117 47 55 rgb\nnose 62 62 31 31 grey flip # small\n").unwrap();
        assert_eq!(set.views(), 1);
        assert_eq!(set.patches()[1], Patch { centre: Centre::Landmark(2), extent: [62.0; 2], input: [31; 2], grey: true, flipped: true });
        for (text, word) in [
            ("", "none"),
            ("80,100 93 117 47 55", "Line 1"),
            ("\n80,x 93 117 47 55 rgb", "Line 2"),
            ("chin 93 117 47 55 rgb", "chin"),
            ("80,100 93 0 47 55 rgb", "extent"),
            ("80,100 93 117 47 0 rgb", "input side"),
            ("80,100 93 117 47 55 blue", "blue"),
            ("nan,100 93 117 47 55 rgb", "nan"),
        ] {
            let why = PatchSet::from_list(text).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }
}
