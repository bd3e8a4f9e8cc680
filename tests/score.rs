//! Scores that are learned on embeddings, against published formulas: golden numbers, densities, and what theory says.
#![cfg(feature = "fit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Random, test_data};
use lookalike::model::Similarity;
use lookalike::score::{ChiSquared, JointBayesian, JointBayesianOptions, MStep, Pca, Samples, Scoring, Siamese};
use serde_json::Value;

fn golden() -> Option<Value> {
    let file = test_data()?.join("golden/pipeline.json");
    Some(serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
}

/// All numbers of a nested list.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// Equal to 12 digits of the largest.
fn close(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(0f64, |m, x| m.max(x.abs()));
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= 5e-12 * largest, "{what} {i}: {g} instead of {w}");
    }
}

fn samples(x: &Value, people: &[u32]) -> Samples {
    let rows = x.as_array().unwrap();
    let flat: Vec<f32> = numbers(x).iter().map(|&v| v as f32).collect();
    Samples::new(&flat, flat.len() / rows.len(), people).unwrap()
}

#[test]
fn pairs_score_as_written_down() {
    let Some(golden) = golden() else { return };
    let scores = &golden["scores"];
    let vector = |key: &str| numbers(&scores[key]).iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let (x, y, weights) = (vector("f1"), vector("f2"), vector("weights"));
    for (similarity, numbers, key) in [
        (Similarity::Cosine, &[][..], "cosine"),
        (Similarity::Euclidean, &[][..], "euclidean"),
        (Similarity::ChiSquared, &weights[..], "chi2"),
        (Similarity::Siamese, &weights[..], "siamese_l1"),
    ] {
        let score = Scoring::new(similarity, numbers).unwrap();
        close(&[score.between(&x, &y), score.between(&y, &x)], &[scores[key].as_f64().unwrap(); 2], key);
    }
}

#[test]
fn principal_components_are_the_golden_ones() {
    let Some(golden) = golden() else { return };
    let want = &golden["pca"];
    let samples = samples(&want["x"], &[0; 23]);
    let all = Pca::fit(&samples, 3).unwrap();
    close(&all.mean, &numbers(&want["mean"]), "mean");
    close(&all.eigenvalues, &numbers(&want["eigenvalues"]), "eigenvalues");
    close(&all.components, &numbers(&want["components"]), "components");
    close(&[all.total_variance], &[all.eigenvalues.iter().sum()], "variance");
    let two = Pca::fit(&samples, 2).unwrap();
    for (whiten, key) in [(false, "projected_2"), (true, "whitened_2")] {
        close(samples.projected(&two.projection(whiten).unwrap()).unwrap().numbers(), &numbers(&want[key]), key);
    }
}

#[test]
fn joint_bayesian_is_the_golden_one() {
    let Some(golden) = golden() else { return };
    let all = &golden["joint_bayesian"];
    let people: Vec<u32> = numbers(&all["identity"]).iter().map(|&p| p as u32).collect();
    let samples = samples(&all["x"], &people);
    let mut seen = 0;
    for want in all["results"].as_array().unwrap() {
        let (variant, iterations) = (want["variant"].as_str().unwrap(), want["iterations"].as_u64().unwrap());
        let m_step = if variant == "full_em" { MStep::Full } else { MStep::Published };
        let options = JointBayesianOptions { iterations: iterations as usize, m_step, regulariser: 0.0 };
        let fitted = JointBayesian::fit(&samples, &options).unwrap();
        let check = |got: &[f64], key: &str| close(got, &numbers(&want[key]), &format!("{variant} {iterations} {key}"));
        let [a, g] = fitted.published_matrices();
        close(&fitted.mean, &numbers(&all["mean"]), "mean");
        check(&fitted.s_mu, "s_mu");
        check(&fitted.s_eps, "s_eps");
        check(&fitted.phi, "diagonal_phi");
        check(&a, "A");
        check(&g, "G");
        check(&[fitted.constant()], "llr_constant");
        check(&[fitted.log_likelihood], "log_likelihood");
        let rows = samples.projected(&fitted.projection()).unwrap();
        let single = Scoring::new(Similarity::JointBayesian, &fitted.phi_f32()).unwrap();
        for pair in want["scores"].as_array().unwrap() {
            let [i, j] = ["i", "j"].map(|k| pair[k].as_u64().unwrap() as usize);
            let centred = |i: usize| samples.row(i).iter().zip(&fitted.mean).map(|(x, m)| x - m).collect::<Vec<_>>();
            let (x, y) = (centred(i), centred(j));
            let form = |m: &[f64], x: &[f64], y: &[f64]| (0..9).map(|k| m[k] * x[k / 3] * y[k % 3]).sum::<f64>();
            let r = form(&a, &x, &x) + form(&a, &y, &y) - 2.0 * form(&g, &x, &y);
            close(&[r], &[pair["r"].as_f64().unwrap()], "r");
            let llr = pair["llr"].as_f64().unwrap();
            close(&[r / 2.0 + fitted.constant()], &[llr], "llr");
            // Behind the projection, in f32.
            let row = |i: usize| rows.row(i).iter().map(|&v| v as f32).collect::<Vec<_>>();
            assert!((single.between(&row(i), &row(j)) - llr).abs() < 2e-6 * (1.0 + llr.abs()));
            seen += 1;
        }
    }
    assert!(seen >= 18);
}

/// Embeddings of people: their means differ more in the first numbers, and no two people have equally many.
fn people(r: &mut Random, people: usize, most: usize, dimension: usize) -> (Vec<f32>, Vec<u32>) {
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for p in 0..people {
        let centre: Vec<f32> = (0..dimension).map(|k| 3.0 * gaussian(r) / (1.0 + k as f32)).collect();
        for _ in 0..1 + p % most {
            rows.extend(centre.iter().map(|c| c + 0.7 * gaussian(r)));
            labels.push(p as u32);
        }
    }
    (rows, labels)
}

fn gaussian(r: &mut Random) -> f32 {
    (0..12).map(|_| r.signed()).sum::<f32>() / 2.0
}

/// `ln N(x; 0, C)`, by elimination.
fn log_density(x: &[f64], covariance: &[f64]) -> f64 {
    let n = x.len();
    let (mut c, mut x, mut sum) = (covariance.to_vec(), x.to_vec(), n as f64 * std::f64::consts::TAU.ln());
    for k in 0..n {
        let pivot = c[k * n + k];
        sum += pivot.ln() + x[k] * x[k] / pivot;
        for i in k + 1..n {
            let factor = c[i * n + k] / pivot;
            x[i] -= factor * x[k];
            (k..n).for_each(|j| c[i * n + j] -= factor * c[k * n + j]);
        }
    }
    -0.5 * sum
}

/// The covariance of `m` embeddings of one person, one after the other.
fn together(s_mu: &[f64], s_eps: &[f64], d: usize, m: usize) -> Vec<f64> {
    let n = d * m;
    (0..n * n)
        .map(|at| {
            let (i, j) = (at / n, at % n);
            let k = i % d * d + j % d;
            s_mu[k] + if i / d == j / d { s_eps[k] } else { 0.0 }
        })
        .collect()
}

#[test]
fn likelihoods_are_those_of_the_densities_and_never_fall() {
    let (rows, labels) = people(&mut Random(3), 30, 5, 6);
    let samples = Samples::new(&rows, 6, &labels).unwrap();
    let mut before = f64::NEG_INFINITY;
    for iterations in [0, 1, 2, 3, 10, 40] {
        let options = JointBayesianOptions { iterations, regulariser: 0.0, ..JointBayesianOptions::default() };
        let fitted = JointBayesian::fit(&samples, &options).unwrap();
        let centred = |i: usize| samples.row(i).iter().zip(&fitted.mean).map(|(x, m)| x - m).collect::<Vec<_>>();
        let mut sum = 0.0;
        for p in 0..30 {
            let own: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == p).collect();
            let all: Vec<f64> = own.iter().flat_map(|&i| centred(i)).collect();
            sum += log_density(&all, &together(&fitted.s_mu, &fitted.s_eps, 6, own.len()));
        }
        assert!((sum - fitted.log_likelihood).abs() < 1e-8 * sum.abs(), "{sum} {}", fitted.log_likelihood);
        assert!(fitted.log_likelihood >= before, "{iterations}");
        before = fitted.log_likelihood;
        // The fast form of a pair is the ratio of its densities.
        let projected = samples.projected(&fitted.projection()).unwrap();
        let scoring = Scoring::new(Similarity::JointBayesian, &fitted.phi_f32()).unwrap();
        for [i, j] in [[1, 2], [0, 5], [7, 7], [20, 3]] {
            let both = [centred(i), centred(j)].concat();
            let one = log_density(&both, &together(&fitted.s_mu, &fitted.s_eps, 6, 2));
            let single = together(&fitted.s_mu, &fitted.s_eps, 6, 1);
            let want = one - log_density(&centred(i), &single) - log_density(&centred(j), &single);
            let row = |i: usize| projected.row(i).iter().map(|&v| v as f32).collect::<Vec<_>>();
            assert!((scoring.between(&row(i), &row(j)) - want).abs() < 1e-5 * (1.0 + want.abs()), "{i} {j} {want}");
        }
    }
}

#[test]
fn a_basis_makes_both_covariances_diagonal() {
    let (rows, labels) = people(&mut Random(4), 40, 4, 9);
    let samples = Samples::new(&rows, 9, &labels).unwrap();
    for m_step in [MStep::Full, MStep::Published] {
        let fitted = JointBayesian::fit(&samples, &JointBayesianOptions { m_step, iterations: 5, ..Default::default() }).unwrap();
        let v = &fitted.basis;
        for (s, diagonal) in [(&fitted.s_eps, &[1.0; 9][..]), (&fitted.s_mu, &fitted.phi[..])] {
            for at in 0..81 {
                let (i, j) = (at / 9, at % 9);
                let got: f64 = (0..81).map(|k| v[i * 9 + k / 9] * s[k] * v[j * 9 + k % 9]).sum();
                let want = if i == j { diagonal[i] } else { 0.0 };
                assert!((got - want).abs() < 1e-9 * (1.0 + diagonal[0]), "{m_step:?} {i} {j}: {got} {want}");
            }
        }
        assert!(fitted.phi.windows(2).all(|w| w[0] >= w[1]));
    }
}

#[test]
fn whitened_samples_have_the_identity_for_covariance() {
    let (rows, labels) = people(&mut Random(5), 50, 7, 8);
    let samples = Samples::new(&rows, 8, &labels).unwrap();
    for dimension in [1, 5, 8] {
        let white = samples.projected(&Pca::fit(&samples, dimension).unwrap().projection(true).unwrap()).unwrap();
        for at in 0..dimension * dimension {
            let (i, j) = (at / dimension, at % dimension);
            let n = white.rows() as f64;
            let covariance = (0..white.rows()).map(|r| white.row(r)[i] * white.row(r)[j]).sum::<f64>() / n;
            assert!((covariance - f64::from(u8::from(i == j))).abs() < 1e-10);
            assert!((0..white.rows()).map(|r| white.row(r)[i]).sum::<f64>().abs() < 1e-9 * n);
        }
    }
    let refused = |r: lookalike::Result<Pca>| r.unwrap_err().to_string();
    assert!(refused(Pca::fit(&samples, 9)).contains("Choose 1 to 8"));
    assert!(refused(Pca::fit(&samples, 0)).contains("no 0 components"));
    assert!(refused(Pca::fit(&Samples::new(&[1.0, 2.0], 2, &[0]).unwrap(), 1)).contains("at least two"));
    // Three points span two directions.
    let flat = Samples::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 0.0, 1.0, 1.0], 3, &[0, 0, 1]).unwrap();
    let text = Pca::fit(&flat, 3).unwrap().projection(true).unwrap_err().to_string();
    assert!(text.contains("--dimension 2"), "{text}");
}

/// The scores of all pairs, and which are of one person.
fn scores(scoring: &Scoring, samples: &Samples) -> Vec<(f32, bool)> {
    let pairs = samples.pairs(100_000).unwrap();
    let row = |i: usize| samples.row(i).iter().map(|&v| v as f32).collect::<Vec<_>>();
    let score = |[i, j]: &[usize; 2]| scoring.between(&row(*i), &row(*j)) as f32;
    pairs.same.iter().map(|p| (score(p), true)).chain(pairs.different.iter().map(|p| (score(p), false))).collect()
}

/// The part of the pairs that a distance puts on the right side of a threshold.
fn right(scoring: &Scoring, threshold: f32, samples: &Samples) -> f64 {
    let scores = scores(scoring, samples);
    scores.iter().filter(|(score, same)| (*score <= threshold) == *same).count() as f64 / scores.len() as f64
}

#[test]
fn learned_weights_find_the_numbers_that_tell_people_apart() {
    // People differ in the first half of the numbers; the second half is noise that is twice as loud.
    let mut r = Random(6);
    let d = 12;
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for p in 0..60 {
        let centre: Vec<f32> = (0..d / 2).map(|_| 2.0 + r.signed()).collect();
        for _ in 0..6 {
            rows.extend(centre.iter().map(|c| (c + 0.25 * r.signed()).max(0.0)));
            rows.extend((0..d / 2).map(|_| 2.0 + 2.0 * r.signed()));
            labels.push(p);
        }
    }
    let samples = Samples::new(&rows, d, &labels).unwrap();
    let siamese = Siamese::fit(&samples).unwrap();
    let chi = ChiSquared::fit(&samples).unwrap();
    assert_eq!((siamese.pairs, chi.pairs), (2 * 60 * 15, 2 * 60 * 15));
    for (name, scoring, threshold, rows) in [
        ("siamese", siamese.scoring().unwrap(), siamese.threshold, samples.clone()),
        ("chi-squared", chi.scoring().unwrap(), chi.threshold, chi.scaled(&samples)),
    ] {
        let weights = scoring.numbers();
        let (signal, noise) = weights.split_at(d / 2);
        let loud: f32 = noise.iter().sum();
        assert!(signal.iter().sum::<f32>() > 10.0 * loud, "{name}: {weights:?}");
        // The best threshold of equal weights, and of those that know which numbers count.
        let best = |weights: Vec<f32>| {
            let plain = Scoring::new(scoring.similarity(), &weights).unwrap();
            let all = scores(&plain, &rows);
            let part = |t: f32| all.iter().filter(|(score, same)| (*score <= t) == *same).count() as f64 / all.len() as f64;
            all.iter().map(|&(t, _)| part(t)).fold(0.0, f64::max)
        };
        let (blind, knowing) = (best(vec![1.0; d]), best((0..d).map(|k| f32::from(u8::from(k < d / 2))).collect()));
        let learned = right(&scoring, threshold, &rows);
        assert!(
            learned > knowing - 0.02 && learned > blind + 0.1,
            "{name}: {learned}, {knowing} with known weights, {blind} with equal ones"
        );
    }
    assert_eq!(Siamese::fit(&samples).unwrap(), siamese);
    let negative = Samples::new(&[1.0, -2.0, 3.0, 4.0], 1, &[0, 0, 1, 1]).unwrap();
    assert!(ChiSquared::fit(&negative).unwrap_err().to_string().contains("Embedding 1 holds -2"));
}

#[test]
fn what_joint_bayesian_cannot_learn_from_is_refused() {
    let lonely = Samples::new(&[1.0, 2.0, 3.0], 1, &[0, 1, 2]).unwrap();
    assert!(JointBayesian::fit(&lonely, &JointBayesianOptions::default()).unwrap_err().to_string().contains("no pairs"));
    // Nobody's embeddings differ at all.
    let equal = Samples::new(&[1.0, 1.0, 3.0, 3.0], 1, &[0, 0, 1, 1]).unwrap();
    assert!(JointBayesian::fit(&equal, &JointBayesianOptions::default()).unwrap_err().to_string().contains("smaller --dimension"));
}
