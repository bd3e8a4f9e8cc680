//! The arrays of a step, checked.

use std::borrow::Cow;

use super::Head;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Squares of numbers up to this add up within f32, whatever the length of a row.
const MOST: f32 = 1e15;

/// Arrays by slot.
pub(super) struct Inputs<'a> {
    given: Vec<(&'a str, &'a Tensor)>,
}

/// Rows of an array, row-major.
pub(super) struct Rows<'a> {
    pub(super) data: Cow<'a, [f32]>,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl<'a> Inputs<'a> {
    /// Checks that a head gets what it takes, once, and nothing else.
    pub(super) fn new(head: &Head, given: &[(&'a str, &'a Tensor)]) -> Result<Self> {
        let (needed, optional) = head.slots();
        let all = || needed.iter().chain(optional).map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", ");
        for (i, (slot, _)) in given.iter().enumerate() {
            if !needed.contains(slot) && !optional.contains(slot) {
                return Err(Error::Caller(format!("This head has no input `{slot}`. Its inputs are {}.", all())));
            }
            if given[..i].iter().any(|(s, _)| s == slot) {
                return Err(Error::Caller(format!("The input `{slot}` is given twice. Give each input once.")));
            }
        }
        if let Some(missing) = needed.iter().find(|s| !given.iter().any(|(g, _)| g == *s)) {
            return Err(Error::Caller(format!("This head needs the input `{missing}`. Its inputs are {}.", all())));
        }
        Ok(Self { given: given.to_vec() })
    }

    pub(super) fn get(&self, slot: &str) -> Option<&'a Tensor> {
        self.given.iter().find(|(s, _)| *s == slot).map(|(_, t)| *t)
    }

    fn must(&self, slot: &str) -> Result<&'a Tensor> {
        self.get(slot).ok_or_else(|| Error::Caller(format!("This head needs the input `{slot}`.")))
    }

    /// A matrix of finite numbers with at least one column.
    pub(super) fn rows(&self, slot: &str) -> Result<Rows<'a>> {
        let tensor = self.must(slot)?;
        let &[rows, columns] = tensor.shape().as_ref() else {
            return Err(Error::Caller(format!("The input `{slot}` has the shape {}, but it has to be a matrix of rows.", tensor.shape())));
        };
        if columns == 0 {
            return Err(Error::Caller(format!("The rows of the input `{slot}` are empty (shape {}). Give embeddings.", tensor.shape())));
        }
        let data = tensor.to_f32();
        finite(slot, &data)?;
        Ok(Rows { data, rows, columns })
    }

    /// A matrix as wide as `like`, and with as many rows if `rows`.
    pub(super) fn rows_like(&self, slot: &str, like: (&str, &Rows<'_>), rows: bool) -> Result<Rows<'a>> {
        let found = self.rows(slot)?;
        let (name, other) = like;
        if found.columns != other.columns || rows && found.rows != other.rows {
            return Err(Error::Caller(format!(
                "The input `{slot}` is {}x{}, which does not fit `{name}` of {}x{}. Give arrays of the same {}.",
                found.rows,
                found.columns,
                other.rows,
                other.columns,
                if rows { "shape" } else { "number of columns" }
            )));
        }
        Ok(found)
    }

    /// A number for each of `n` things; `None` where the input is not given.
    pub(super) fn vector(&self, slot: &str, n: usize) -> Result<Option<Cow<'a, [f32]>>> {
        let Some(tensor) = self.get(slot) else { return Ok(None) };
        if tensor.shape().as_ref() != [n] {
            return Err(Error::Caller(format!("The input `{slot}` has the shape {}, but {n} numbers are needed.", tensor.shape())));
        }
        let data = tensor.to_f32();
        finite(slot, &data)?;
        Ok(Some(data))
    }

    /// Whole numbers, one to each of `rows` rows, from -1 (ignored) to below `end`.
    pub(super) fn labels(&self, slot: &str, rows: usize, end: Option<usize>) -> Result<Vec<i64>> {
        let tensor = self.must(slot)?;
        if tensor.shape().as_ref() != [rows] {
            return Err(Error::Caller(format!("The input `{slot}` has the shape {}, but there are {rows} rows.", tensor.shape())));
        }
        let end = end.map_or(1 << 24, |n| n as i64);
        let label = |(i, v): (usize, f64)| {
            let whole = v.fract() == 0.0 && v >= -1.0 && v < end as f64;
            whole.then_some(v as i64).ok_or_else(|| {
                Error::Caller(format!(
                    "The label {v} of row {i} (`{slot}`) is no whole number from -1 (ignored) to {}. Correct it.",
                    end - 1
                ))
            })
        };
        tensor.to_f64().into_iter().enumerate().map(label).collect()
    }
}

fn finite(slot: &str, data: &[f32]) -> Result<()> {
    match data.iter().position(|v| v.is_nan() || v.abs() > MOST) {
        Some(i) => Err(Error::Caller(format!(
            "Element {i} of the input `{slot}` is {}. Losses need finite numbers up to {MOST:e} in magnitude; skip this batch or correct the array.",
            data[i]
        ))),
        None => Ok(()),
    }
}
