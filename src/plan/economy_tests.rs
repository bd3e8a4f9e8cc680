//! The choice of what to do without, on plans of layers whose methods and prices are made up.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;

use super::*;
use crate::error::Error;
use crate::recording::{Dispatch, Feed, Price};

/// A kernel by a letter.
fn kernel(letter: char) -> &'static Shader {
    Shader::all()[letter as usize - 'a' as usize]
}

/// Every layer has methods with kernels and seconds, the preferred one first.
type Layers<'a> = &'a [&'a [(&'a str, f64)]];

/// Plans every layer by its first method whose kernels are all admitted, else by its first one.
fn planned(layers: Layers<'_>, among: Option<&[&'static Shader]>) -> Plan {
    let admitted = |(kernels, _): &&(&str, f64)| among.is_none_or(|among| kernels.chars().all(|k| among.contains(&kernel(k))));
    let chosen: Vec<_> = layers.iter().map(|layer| layer.iter().find(admitted).unwrap_or(&layer[0])).collect();
    let launch = |k: char| Dispatch {
        shader: kernel(k),
        label: String::new(),
        groups: [1; 3],
        params: Vec::new(),
        bindings: Vec::new(),
        flops: 0,
        bytes: 0,
    };
    Plan {
        tensors: Vec::new(),
        slots: chosen.iter().map(|(kernels, _)| if kernels.contains('z') { 1000 } else { 100 }).collect(),
        weights: Vec::new(),
        dispatches: chosen.iter().flat_map(|(kernels, _)| kernels.chars().map(launch)).collect(),
        feed: Feed::Plain,
        inputs: Vec::new(),
        outputs: Vec::new(),
        convolutions: Vec::new(),
        prices: chosen.iter().map(|&&(kernels, seconds)| Price { seconds, kernels: kernels.chars().map(kernel).collect() }).collect(),
    }
}

/// The letters of the plan with at most so many kernels.
fn letters(layers: Layers<'_>, most: usize) -> String {
    let plan = of(planned(layers, None), most, |among| Ok(planned(layers, Some(among))));
    let letter = |wanted: &&Shader| ('a'..='z').find(|&l| kernel(l) == *wanted).unwrap();
    let mut letters: Vec<_> = kernels(&plan).iter().map(letter).collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}

#[test]
fn the_cheapest_goes_first_and_no_more_than_has_to() {
    let layers: Layers<'_> = &[&[("a", 10.0)], &[("b", 1.0), ("a", 1.3)], &[("c", 1.0), ("a", 1.1)], &[("d", 1.0), ("a", 1.2)]];
    assert_eq!(letters(layers, 4), "abcd");
    assert_eq!(letters(layers, 3), "abd");
    assert_eq!(letters(layers, 2), "ab");
    assert_eq!(letters(layers, 1), "a");
}

#[test]
fn a_method_of_two_kernels_saves_both() {
    // For one kernel too many `d` is the cheaper one to do without, for two `bc`.
    let layers: Layers<'_> = &[&[("a", 10.0)], &[("bc", 1.0), ("a", 1.5)], &[("d", 1.0), ("a", 1.4)]];
    assert_eq!(letters(layers, 3), "abc");
    assert_eq!(letters(layers, 2), "ad");
}

#[test]
fn nothing_goes_that_only_makes_room_for_another() {
    // Without `b` the layer would rather have `e`, which is no kernel of the plan.
    let layers: Layers<'_> = &[&[("a", 10.0)], &[("b", 1.0), ("e", 1.1), ("a", 1.2)], &[("c", 1.0), ("f", 1.1)]];
    assert_eq!(letters(layers, 2), "ac");
    // `c` has to stay, so nothing is gained by doing without `b`.
    assert_eq!(letters(layers, 1), "abc");
}

#[test]
fn a_tenth_more_time_or_memory_is_all_that_is_given() {
    assert_eq!(letters(&[&[("a", 1.0)], &[("b", 1.0), ("a", 1.25)]], 1), "ab");
    assert_eq!(letters(&[&[("a", 1.0)], &[("b", 1.0), ("a", 1.15)]], 1), "a");
    assert_eq!(letters(&[&[("z", 1.0)], &[("b", 1.0), ("z", 1.0)]], 1), "bz");
}

#[test]
fn what_does_not_fit_without_a_kernel_keeps_it() {
    let layers: Layers<'_> = &[&[("a", 10.0)], &[("b", 1.0), ("a", 1.0)], &[("c", 1.0), ("a", 1.1)]];
    let asked = RefCell::new(0);
    let plan = of(planned(layers, None), 2, |among| {
        *asked.borrow_mut() += 1;
        if among.contains(&kernel('b')) { Ok(planned(layers, Some(among))) } else { Err(Error::Limits(String::new())) }
    });
    assert_eq!(plan.kernels(), 2);
    assert!(kernels(&plan).contains(&kernel('b')) && *asked.borrow() > 0);
}
