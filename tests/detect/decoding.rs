//! Outputs of networks decoded by the crate and by `plain`: from outputs that other runtimes computed, and from networks with random weights.

use lookalike::embed::Picture;
use lookalike::face::Face;
use lookalike::face::detect::{DetectOptions, Detector, DetectorKind};
use lookalike::gpu::PhotoView;
use lookalike::model::Model;
use lookalike::network::{CompileOptions, Network};
use lookalike::tensor::{Look, Tensor};

use crate::common::{gpu, read_npy, test_data};
use crate::plain::{self, Found};
use crate::{assert_ordered, find, matched, models, noise, upload};

fn faces(found: Vec<Found>) -> Vec<Face> {
    let narrow = |p: [f64; 2]| p.map(|x| x as f32);
    let face = |f: Found| Face {
        bounds: f.corners.map(|x| x as f32),
        score: f.score as f32,
        landmarks: f.points.into_iter().map(narrow).collect(),
    };
    found.into_iter().map(face).collect()
}

/// Pixels of a network's input, back as a picture: `x / scale + mean` in the order of `channels`.
fn picture(input: &Tensor, index: usize, kind: DetectorKind) -> Picture {
    let &[_, 3, height, width] = input.shape().dims() else { panic!("{}", input.shape()) };
    let (plane, numbers, rule) = (height * width, input.to_f32(), kind.input());
    let bgr = rule.channels == lookalike::model::Channels::Bgr;
    let level = |pixel: usize, channel: usize| {
        let channel = if bgr { 2 - channel } else { channel };
        let level = numbers[(index * 3 + channel) * plane + pixel] / rule.scale[channel] + rule.mean[channel];
        assert!((level - level.round()).abs() < 1e-3, "{level} is no grey level");
        level.round() as u8
    };
    let rgb = (0..plane).flat_map(|i| [0, 1, 2].map(|c| level(i, c))).collect();
    Picture::new(width as u32, height as u32, rgb).unwrap()
}

/// The faces of what another runtime computed of pictures, against the detector on those pictures.
fn check(name: &str, kind: DetectorKind, threshold: f32, least: usize, decode: impl Fn([usize; 2], plain::Numbers<'_>) -> Vec<Found>) {
    let Some(data) = test_data() else { return };
    let folder = data.join("golden").join(name);
    let input = read_npy(&folder.join("input_scenes.npy"));
    let detector = Detector::load(&gpu(), kind, &[data.join(format!("data/models/{name}.onnx"))]).unwrap();
    let size = [input.shape()[3], input.shape()[2]];
    let (mut all, mut worst) = (0, [0.0f32; 2]);
    for index in 0..input.shape()[0] {
        let numbers = |output: &str| -> Vec<f64> {
            let all = read_npy(&folder.join(format!("output_scenes__{output}.npy")));
            let each = all.len() / all.shape()[0];
            all.to_f64()[index * each..(index + 1) * each].to_vec()
        };
        let expected = faces(decode(size, &numbers));
        let options = DetectOptions { threshold: Some(threshold), ..DetectOptions::default() };
        let found = find(&detector, &picture(&input, index, kind), &options);
        assert_ordered(&found);
        for d in matched(&found, &expected, &format!("{name} {index}")) {
            worst = [worst[0].max(d[0]), worst[1].max(d[1])];
        }
        all += expected.len();
    }
    println!("{name}: {all} faces, worst corner {:.5} px, worst landmark {:.5} px", worst[0], worst[1]);
    assert!(all >= least && worst[0] < 0.02 && worst[1] < 0.02, "{all} {worst:?}");
}

#[test]
fn retinaface_is_decoded_as_its_outputs_mean() {
    let decode =
        |size, numbers: plain::Numbers<'_>| plain::best(plain::priors(size, false, ["loc", "conf", "landms"], numbers), 0.6, 0.4, 1.0);
    check("retinaface_rfb_320", DetectorKind::RetinaFace, 0.6, 3, decode);
    let many =
        |size, numbers: plain::Numbers<'_>| plain::best(plain::priors(size, false, ["loc", "conf", "landms"], numbers), 0.02, 0.4, 1.0);
    check("retinaface_rfb_320", DetectorKind::RetinaFace, 0.02, 10, many);
}

#[test]
fn ultra_light_is_decoded_as_its_outputs_mean() {
    let decode =
        |size, numbers: plain::Numbers<'_>| plain::best(plain::priors(size, true, ["boxes", "scores", ""], numbers), 0.7, 0.3, 0.0);
    check("ultralight_rfb_320", DetectorKind::UltraLight, 0.7, 3, decode);
    let many = |size, numbers: plain::Numbers<'_>| plain::best(plain::priors(size, true, ["boxes", "scores", ""], numbers), 0.1, 0.3, 0.0);
    check("ultralight_rfb_320", DetectorKind::UltraLight, 0.1, 10, many);
}

#[test]
fn yunet_is_decoded_as_its_outputs_mean() {
    for name in ["yunet_n_320", "yunet_n_dynamic"] {
        // Suppression works on whole pixels there; faces of these pictures are far enough apart.
        let decode = |size, numbers: plain::Numbers<'_>| plain::best(plain::yunet(size, numbers), 0.6, 0.3, 0.0);
        check(name, DetectorKind::YuNet, 0.6, 3, decode);
    }
}

/// What a network says of a picture as large as its input, decoded by both: the three hundred best candidates, thinned out by
/// `overlap` = the largest share and what sides have beyond the difference of corners.
fn check_random(model: &Model, kind: DetectorKind, size: [usize; 2], overlap: [f64; 2], decode: impl Fn(plain::Numbers<'_>) -> Vec<Found>) {
    let picture = noise(9, size[0] as u32, size[1] as u32);
    let mut fed = model.clone();
    let description = lookalike::model::Description { input: kind.input(), ..fed.description.clone() };
    fed.describe(description).unwrap();
    let shape = [1, 3, size[1], size[0]].into();
    let name = fed.graph.name(fed.graph.inputs[0].value).to_owned();
    let options = CompileOptions { shapes: vec![(name, shape)], ..CompileOptions::default() };
    let photo = upload(&picture);
    let look = Look::smooth([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let outputs = Network::compile(&gpu(), &fed, &options).unwrap().run_photos(&[PhotoView { photo: &photo, look }], None).unwrap();
    let numbers = |name: &str| outputs.iter().find(|(n, _)| n == name).unwrap().1.to_f64();
    let candidates = decode(&numbers);
    let mut scores: Vec<f64> = candidates.iter().map(|c| c.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    // Between two of them.
    let threshold = scores.windows(2).skip(299).find(|w| w[0] - w[1] > 1e-6).map(|w| (w[0] + w[1]) / 2.0).unwrap();
    let expected = faces(plain::best(candidates, threshold, overlap[0], overlap[1]));
    let detector = Detector::new(&gpu(), kind, std::slice::from_ref(model)).unwrap();
    let found = find(&detector, &picture, &DetectOptions { threshold: Some(threshold as f32), ..DetectOptions::default() });
    println!("{kind}: {} candidates stay", expected.len());
    assert!(expected.len() > 3);
    for d in matched(&found, &expected, &kind.to_string()) {
        assert!(d[0] < 0.02 && d[1] < 0.02, "{d:?}");
    }
}

#[test]
fn scrfd_is_decoded_as_its_outputs_mean() {
    let model = models::zoo("scrfd-500m");
    check_random(&model, DetectorKind::Scrfd, [640, 640], [0.4, 1.0], |numbers| plain::scrfd([640, 640], numbers));
}

#[test]
fn logits_become_scores_and_scores_stay() {
    let size = [320, 240];
    let model = models::priors(size, true, 11);
    check_random(&model, DetectorKind::RetinaFace, size, [0.4, 1.0], |numbers| {
        let soft = |name: &str| -> Vec<f64> {
            let raw = numbers(name);
            if name != "scores" {
                return raw;
            }
            raw.chunks(2).flat_map(|s| [s[0], s[1]].map(|x| x.exp() / (s[0].exp() + s[1].exp()))).collect()
        };
        plain::priors(size, false, ["boxes", "scores", "points"], &soft)
    });
}
