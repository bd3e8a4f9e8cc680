//! Protocols against numbers that another program computed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::test_data;
use lookalike::eval::{Identification, Separation};
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
