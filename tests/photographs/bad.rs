//! Pictures as people have them, good and bad: through the program, each with its answer.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use lookalike::embed::Picture;

use crate::common::test_data;
use crate::models::mtcnn_files;

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn image_of(picture: &Picture) -> RgbImage {
    RgbImage::from_raw(picture.width, picture.height, picture.rgb.clone()).unwrap()
}

/// The same JPEG with an EXIF orientation in front.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let exif = [b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], b"\0\0\0\0\0\0"].concat();
    [&jpeg[..2], &[0xFF, 0xE1], &(exif.len() as u16 + 2).to_be_bytes(), &exif, &jpeg[2..]].concat()
}

/// Two frames: the picture, then black.
fn animation(picture: &RgbImage) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut out);
    for frame in [picture.clone(), RgbImage::new(picture.width(), picture.height())] {
        encoder.encode_frame(image::Frame::new(DynamicImage::from(frame).into_rgba8())).unwrap();
    }
    drop(encoder);
    out
}

struct Bench {
    folder: tempfile::TempDir,
    detector: String,
}

impl Bench {
    fn new(data: &Path) -> Self {
        let files: Vec<_> = mtcnn_files(data).iter().map(|p| p.display().to_string()).collect();
        Self { folder: tempfile::tempdir().unwrap(), detector: format!("mtcnn={}", files.join(",")) }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lookalike"))
            .current_dir(self.folder.path())
            .args(args)
            .args(["--detector", &self.detector])
            .env_remove("LOOKALIKE_DETECTOR")
            .output()
            .unwrap()
    }

    /// Boxes of the faces that `detect` finds in a picture.
    fn boxes(&self, name: &str) -> Vec<[f64; 4]> {
        let output = self.run(&["detect", name, "--json", "-q"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let faces = found[0]["faces"].as_array().unwrap().clone();
        faces.iter().map(|f| std::array::from_fn(|i| f["box"][i].as_f64().unwrap())).collect()
    }

    /// The sentence that `detect` refuses a picture with.
    fn refusal(&self, name: &str) -> String {
        let output = self.run(&["detect", name]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        assert!(text.contains(name) && !text.contains("panicked"), "{text}");
        text
    }
}

#[test]
fn every_kind_of_picture_has_an_answer() {
    let Some(data) = test_data() else { return };
    let bench = Bench::new(&data);
    let face = Picture::open(data.join("data/faces/Aaron_Sorkin/Aaron_Sorkin_0001.jpg")).unwrap();
    let upright = image_of(&face);
    let jpeg = encoded(upright.clone(), ImageFormat::Jpeg);
    bench.put("face.png", &encoded(upright.clone(), ImageFormat::Png));
    let expected = bench.boxes("face.png");
    assert_eq!(expected.len(), 1);
    let near = |name: &str, most: f64| {
        let boxes = bench.boxes(name);
        assert_eq!(boxes.len(), 1, "{name}");
        let apart = boxes[0].iter().zip(expected[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart <= most, "{name}: {boxes:?} {expected:?}");
    };

    // What cannot be read is told by name.
    bench.put("empty.jpg", b"");
    assert!(bench.refusal("empty.jpg").contains("empty"));
    bench.put("cut.jpg", &jpeg[..jpeg.len() / 2]);
    assert!(bench.refusal("cut.jpg").contains("end"));

    // What can be read but holds no face.
    bench.put("one.png", &encoded(RgbImage::from_pixel(1, 1, Rgb([200, 10, 10])), ImageFormat::Png));
    bench.put("long.png", &encoded(RgbImage::from_fn(30_000, 10, |x, y| Rgb([x as u8, y as u8, 0])), ImageFormat::Png));
    bench.put("tall.png", &encoded(RgbImage::from_fn(10, 30_000, |x, y| Rgb([x as u8, y as u8, 0])), ImageFormat::Png));
    let cmyk = include_bytes!("cmyk.jpg");
    bench.put("cmyk.jpg", cmyk);
    for name in ["one.png", "long.png", "tall.png", "cmyk.jpg"] {
        assert!(bench.boxes(name).is_empty(), "{name}");
    }
    let colours = Picture::decode(cmyk, "cmyk.jpg").unwrap();
    let at = |x: usize| &colours.rgb[(5 * 64 + x) * 3..][..3];
    assert!(at(5)[0] > 200 && at(5)[1] < 60 && at(5)[2] < 60, "red is {:?}", at(5));
    assert!(at(60).iter().all(|&v| v > 240), "white is {:?}", at(60));

    // The face is found whatever carries it, where it stands upright.
    let deep = DynamicImage::from(upright.clone()).into_rgb16();
    bench.put("deep.png", &encoded(DynamicImage::from(deep), ImageFormat::Png));
    near("deep.png", 1e-3);
    bench.put("moving.gif", &animation(&upright));
    // 256 colours, and JPEG once more, are another picture to a detector.
    near("moving.gif", 8.0);
    let lying = image::imageops::rotate270(&upright);
    bench.put("turned.jpg", &turned(&encoded(lying.clone(), ImageFormat::Jpeg), 6));
    near("turned.jpg", 8.0);

    // A face on its side without a word about it is found when it is looked for.
    bench.put("lying.png", &encoded(lying, ImageFormat::Png));
    let output = bench.run(&["detect", "lying.png", "--rotations", "--json", "-q"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["faces"].as_array().unwrap().len(), 1);

    // A face cut by the border: found or not, no harm, and what is found is embedded.
    let half = image::imageops::crop_imm(&upright, upright.width() / 2, 0, upright.width() / 2, upright.height()).to_image();
    bench.put("half.png", &encoded(half, ImageFormat::Png));
    let cut = bench.boxes("half.png").len();
    let output = bench.run(&["embed", "half.png", "face.png", "-o", "half.npy", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["embedded"], 1 + cut);

    // A folder of all of them: every reason is told, the good ones are embedded, and the count says so.
    let output = bench.run(&["embed", ".", "-o", "all.jsonl", "--largest", "--json"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    for name in ["empty.jpg", "cut.jpg", "one.png", "long.png", "cmyk.jpg"] {
        assert!(told.contains(name), "{name} is missing in: {told}");
    }
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let lines = std::fs::read_to_string(bench.folder.path().join("all.jsonl")).unwrap();
    assert_eq!(summary["embedded"].as_u64().unwrap() as usize, lines.lines().count());
    assert_eq!(summary["skipped"], 2);
}
