//! Protocols against numbers that another program computed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Random, gpu, test_data};
use lookalike::eval::{Identification, Labelled, MegaFaceOptions, Separation, SimilarityMatrix, VideoJudge, megaface};
use lookalike::gallery::index::Metric;
use lookalike::model::Similarity;
use lookalike::score::Scoring;
use serde_json::Value;

fn golden(key: &str) -> Option<Value> {
    let text = std::fs::read_to_string(test_data()?.join("golden/pipeline.json")).unwrap();
    Some(serde_json::from_str::<Value>(&text).unwrap()[key].clone())
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// The golden numbers have 12 digits.
fn assert_close(got: f64, want: &Value, what: &str) {
    let want = want.as_f64().unwrap();
    assert!((got - want).abs() <= 1e-11 * want.abs().max(1.0), "{what}: {got} {want}");
}

#[test]
fn true_accept_rates_are_those_of_the_reference() {
    let Some(case) = golden("tar_at_far") else { return };
    let scores = Separation::new(numbers(&case["genuine"]), numbers(&case["impostor"])).unwrap();
    for point in case["points"].as_array().unwrap() {
        let got = scores.tar_at_far(point["far"].as_f64().unwrap());
        assert_close(got.threshold, &point["threshold"], "threshold");
        assert_close(got.tar, &point["tar"], "tar");
        assert_close(got.far_realised, &point["far_realised"], "far");
    }
}

#[test]
fn identification_rates_are_those_of_the_reference() {
    let Some(case) = golden("identification") else { return };
    let rows = |key: &str| case[key].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
    let (mated, strangers) = (rows("mated_scores"), rows("non_mated_scores"));
    let mates = numbers(&case["mate_index"]);
    let probes = mated.iter().zip(&mates).map(|(s, &m)| (&s[..], m as usize));
    let got = Identification::new(probes, strangers.iter().map(|s| &s[..])).unwrap();
    let cmc = got.cmc(2);
    assert_close(cmc[0], &case["rank1"], "rank 1");
    assert_close(cmc[1], &case["rank2"], "rank 2");
    for point in case["dir"].as_array().unwrap() {
        let dir = got.dir(point["fpir"].as_f64().unwrap(), point["rank"].as_u64().unwrap() as usize);
        assert_close(dir.threshold, &point["threshold"], "threshold");
        assert_close(dir.dir, &point["dir"], "dir");
    }
}

/// Rows scattered around a point a person; `taken` seeds how they are scattered.
fn people(taken: u64, people: usize, each: usize, dimension: usize, spread: f32) -> (Vec<f32>, Vec<u32>) {
    let mut random = Random(taken);
    let (mut vectors, mut labels) = (Vec::new(), Vec::new());
    for person in 0..people {
        let mut own = Random(1000 + person as u64);
        let centre: Vec<f32> = (0..dimension).map(|_| own.signed()).collect();
        for _ in 0..each {
            vectors.extend(centre.iter().map(|c| c + spread * random.signed()));
            labels.push(person as u32);
        }
    }
    (vectors, labels)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths == 0.0 { 0.0 } else { dot(a, b) / lengths }
}

fn by_cosine() -> Scoring {
    Scoring::new(Similarity::Cosine, &[]).unwrap()
}

#[test]
fn matrices_of_similarities_are_those_of_each_pair() {
    for (n, m, d) in [(1, 1, 3), (31, 33, 17), (5, 2049, 4), (2050, 3, 5)] {
        let (mut a, _) = people(1, n, 1, d, 1.0);
        let (b, _) = people(2, m, 1, d, 1.0);
        a[..d].fill(0.0);
        for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
            let got = SimilarityMatrix::new(&gpu(), d, metric).unwrap().of(&a, &b).unwrap();
            assert_eq!(got.len(), n * m);
            for (i, x) in a.chunks(d).enumerate() {
                for (j, y) in b.chunks(d).enumerate() {
                    let difference = |f: fn(f64, f64) -> f64| x.iter().zip(y).map(|(&x, &y)| f(x.into(), y.into())).sum::<f64>();
                    let want = match metric {
                        Metric::Cosine => cosine(x, y),
                        Metric::Dot => difference(|x, y| x * y),
                        _ => -difference(|x, y| (x - y) * (x - y)).sqrt(),
                    };
                    let got = f64::from(got[i * m + j]);
                    // Sums of up to 17 products of numbers up to about 4, in f32; a root near zero doubles what is lost.
                    assert!((got - want).abs() < 5e-5, "{metric:?} {n}x{m}x{d} at {i},{j}: {got} {want}");
                }
            }
        }
    }
    let matrix = SimilarityMatrix::new(&gpu(), 4, Metric::Cosine).unwrap();
    assert!(matrix.of(&[], &[1.0; 8]).unwrap().is_empty());
    assert!(matrix.of(&[0.0; 6], &[1.0; 8]).unwrap_err().to_string().contains("6 and 8 numbers"));
}

#[test]
fn searching_on_the_gpu_ranks_as_all_scores_do() {
    let d = 12;
    let (mut gallery, labels) = people(1, 30, 3, d, 0.8);
    let (mut probes, mut probe_labels) = people(2, 40, 3, d, 0.8);
    // A tie: probe 0 is as near to somebody else's picture as to its own.
    let own = gallery[..d].to_vec();
    gallery[5 * 3 * d..(5 * 3 + 1) * d].copy_from_slice(&own);
    probes[..d].copy_from_slice(&own);
    probe_labels[1] = 77;
    let most = 5;
    let got = Identification::search(
        &gpu(),
        d,
        &by_cosine(),
        Labelled { vectors: &gallery, labels: &labels },
        Labelled { vectors: &probes, labels: &probe_labels },
        most,
    )
    .unwrap();
    // By definition: the best of every person's rows, as a matrix.
    let scores = |probe: &[f32]| {
        let mut best = vec![f64::NEG_INFINITY; 30];
        gallery.chunks(d).zip(&labels).for_each(|(row, &l)| best[l as usize] = best[l as usize].max(f64::from(cosine(probe, row) as f32)));
        best
    };
    let all: Vec<(Vec<f64>, u32)> = probes.chunks(d).map(scores).zip(probe_labels.iter().copied()).collect();
    let mated = all.iter().filter(|(_, l)| *l < 30).map(|(s, l)| (&s[..], *l as usize));
    let want = Identification::new(mated, all.iter().filter(|(_, l)| *l >= 30).map(|(s, _)| &s[..])).unwrap();
    assert_eq!(got.probes(), (89, 31));
    assert_eq!(got.cmc(most), want.cmc(most));
    assert!(
        got.rank1() < 1.0 && got.cmc(most)[most - 1] < 1.0 && got.rank1() > 0.2,
        "the case has ranks of all kinds: {:?}",
        got.cmc(most)
    );
    for fpir in [0.0, 0.05, 0.1, 0.5, 1.0] {
        assert_eq!(got.dir(fpir, 3), want.dir(fpir, 3));
    }
    let nobody = Labelled { vectors: &[], labels: &[] };
    assert!(Identification::search(&gpu(), d, &by_cosine(), nobody, Labelled { vectors: &probes, labels: &probe_labels }, 1).is_err());
}

#[test]
fn megaface_counts_what_counting_all_pairs_counts() {
    let d = 8;
    let (probes, labels) = people(3, 12, 4, d, 1.0);
    let (distractors, _) = people(4, 700, 1, d, 1.0);
    // Rates that need more scores than the ranks do, and one that cannot be measured.
    let options = MegaFaceOptions { sizes: vec![10, 700, 100_000], ranks: 3, fars: vec![0.3, 0.01, 1e-6] };
    let got = megaface(&gpu(), d, &by_cosine(), Labelled { vectors: &probes, labels: &labels }, &distractors, &options).unwrap();
    assert_eq!(got.iter().map(|g| g.distractors).collect::<Vec<_>>(), [10, 700]);
    for outcome in got {
        let crowd: Vec<&[f32]> = distractors.chunks(d).take(outcome.distractors).collect();
        let score = |a: &[f32], b: &[f32]| f64::from(cosine(a, b) as f32);
        let (mut genuine, mut ranks) = (Vec::new(), Vec::new());
        for (i, p) in probes.chunks(d).enumerate() {
            for (j, mate) in probes.chunks(d).enumerate().filter(|&(j, _)| j != i && labels[j] == labels[i]) {
                let own = score(p, mate);
                genuine.push(own);
                ranks.push(1 + crowd.iter().filter(|c| score(p, c) >= own).count());
                assert_ne!(i, j);
            }
        }
        let impostor: Vec<f64> = probes.chunks(d).flat_map(|p| crowd.iter().map(move |c| score(p, c))).collect();
        let share = |k| ranks.iter().filter(|&&r| r <= k).count() as f64 / ranks.len() as f64;
        assert_eq!(outcome.identification.cmc(3), [share(1), share(2), share(3)]);
        let want = Separation::new(genuine, impostor).unwrap();
        for (far, rate) in options.fars.iter().zip(&outcome.rates) {
            assert_eq!(*rate, want.tar_at_far(*far), "{} distractors", outcome.distractors);
        }
    }
    let alone = Labelled { vectors: &probes[..d], labels: &labels[..1] };
    assert!(megaface(&gpu(), d, &by_cosine(), alone, &distractors, &options).unwrap_err().to_string().contains("two pictures"));
}

#[test]
fn videos_are_compared_in_three_ways() {
    let d = 6;
    let (a, _) = people(5, 130, 1, d, 1.0);
    let (b, _) = people(6, 3, 1, d, 1.0);
    let judge = VideoJudge::new(&gpu(), d, by_cosine(), 1).unwrap();
    let got = judge.scores(0, &a, &b).unwrap();
    let pairs: Vec<f64> = a.chunks(d).take(100).flat_map(|x| b.chunks(d).map(move |y| cosine(x, y))).collect();
    assert!((got.mean_of_pairs - pairs.iter().sum::<f64>() / 300.0).abs() < 1e-6);
    let mean = |v: &[f32]| (0..d).map(|k| v.iter().skip(k).step_by(d).sum::<f32>() / (v.len() / d) as f32).collect::<Vec<_>>();
    assert!((got.mean_feature - cosine(&mean(&a), &mean(&b))).abs() < 1e-5);
    // Drawn: the same again for the same pair, another draw for another, near the mean for many.
    assert_eq!(judge.scores(0, &a, &b).unwrap(), got);
    let draws: Vec<f64> = (0..40).map(|pair| judge.scores(pair, &a, &b).unwrap().random_pairs).collect();
    assert_ne!(draws[0], draws[1]);
    let all: Vec<f64> = a.chunks(d).flat_map(|x| b.chunks(d).map(move |y| cosine(x, y))).collect();
    let (mean, mean_of_draws) = (all.iter().sum::<f64>() / all.len() as f64, draws.iter().sum::<f64>() / 40.0);
    // Cosines spread by about 0.4; 4000 of them have a mean that is off by 0.4 / sqrt(4000), and six times that is never seen.
    assert!((mean - mean_of_draws).abs() < 0.04, "{mean} {mean_of_draws}");
    let still = judge.scores(3, &a[..d], &b[..d]).unwrap();
    assert!((still.random_pairs - still.mean_of_pairs).abs() < 1e-6 && (still.mean_feature - still.mean_of_pairs).abs() < 1e-6);
    assert!(judge.scores(4, &[], &b).unwrap_err().to_string().contains("pair 4"));
    // A learned score: the sum of all weighted differences of pairs is that of their means where one side is above the other.
    let weights = [1.0, 0.5, 2.0, 0.0, 1.0, 3.0];
    let judge = VideoJudge::new(&gpu(), d, Scoring::new(Similarity::Siamese, &weights).unwrap(), 1).unwrap();
    let above: Vec<f32> = b.iter().map(|x| x + 10.0).collect();
    let got = judge.scores(0, &a[..5 * d], &above).unwrap();
    assert!(got.mean_of_pairs < -30.0 && (got.mean_of_pairs - got.mean_feature).abs() < 1e-4, "{got:?}");
    assert!(VideoJudge::new(&gpu(), 4, Scoring::new(Similarity::Siamese, &weights).unwrap(), 1).is_err());
}
