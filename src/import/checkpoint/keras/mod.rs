//! Weights as Keras 2 and tf.keras save them in HDF5 (`save_weights("x.h5")`, `save("x.h5")`): groups of datasets, listed by attributes.
//!
//! Keras computes with channels last, so weights are turned into PyTorch's layouts, as far as the file says what they are; see [`layers`].
//! What depends on the network, the order of a linear layer's inputs and the windows of locally connected layers, is left to
//! whoever knows it: [`super::Format::is_channels_last`].
//!
//! Source: `legacy/saving/legacy_h5_format.py` of Keras.

mod hdf5;
mod layers;

use std::collections::HashMap;

use self::hdf5::{File, Group, Strings};
use super::elements::damaged;
use super::{Format, StateDict};
use crate::error::{Error, Result};
use crate::import::Limits;
use crate::import::limits::Budget;

/// Whether the file begins like an HDF5 file.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.starts_with(hdf5::SIGNATURE)
}

/// Reads the weights of all layers, in the order of the file: `layer.weight`, `layer.bias`, `layer.running_mean`, `layer.running_var`.
///
/// # Errors
/// [`Error::Model`], [`Error::Limits`], [`Error::Unsupported`] for files of other programs and for what Keras does not write by default.
pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<StateDict> {
    let (hdf5, root) = File::open(bytes, file, Budget::new(limits))?;
    let mut reading = Reading { file: hdf5, groups: HashMap::new(), dict: StateDict::new(Format::Keras) };
    let top = match root.child("model_weights") {
        Some(address) => reading.file.group(address)?,
        None => root,
    };
    let attributes = reading.file.strings(&top)?;
    let Some(layers) = listed(&attributes, "layer_names") else {
        return Err(Error::Unsupported(format!(
            "The HDF5 file `{file}` has no list of layers (layer_names), so Keras 2 did not write it. Load the network in Keras and \
             save it with model.save(\"name.h5\"), or as safetensors."
        )));
    };
    for layer in layers {
        reading.layer(&top, layer)?;
    }
    if reading.dict.iter().len() == 0 {
        return Err(damaged(file, "lists layers without weights"));
    }
    Ok(reading.dict)
}

/// The strings of an attribute that may be cut into several with numbers, as attributes have at most 64 KiB.
fn listed<'a>(attributes: &Strings<'a>, name: &str) -> Option<Vec<&'a str>> {
    let get = |name: &str| attributes.iter().find(|(n, _)| *n == name).map(|(_, strings)| strings.clone());
    get(name).or_else(|| {
        let first = get(&format!("{name}0"))?;
        let more = (1..).map_while(|i| get(&format!("{name}{i}"))).flatten();
        Some(first.into_iter().chain(more).collect())
    })
}

struct Reading<'a, 'b> {
    file: File<'a, 'b>,
    /// Groups that were read, by address.
    groups: HashMap<u64, Group<'a>>,
    dict: StateDict,
}

impl<'a> Reading<'a, '_> {
    fn layer(&mut self, top: &Group<'a>, layer: &str) -> Result<()> {
        let lacks = |file: &str, what: &str| damaged(file, &format!("lists the layer `{layer}` but lacks {what}"));
        let address = top.child(layer).ok_or_else(|| lacks(self.file.name, "its group"))?;
        let group = self.file.group(address)?;
        let attributes = self.file.strings(&group)?;
        let weights = listed(&attributes, "weight_names").unwrap_or_default();
        self.file.budget.limits().check_initializers(self.file.name, self.dict.iter().len() + weights.len())?;
        // Of a network in a network, weights lie at several places.
        let places: Vec<&str> = weights.iter().map(|w| w.rsplit_once('/').map_or("", |(place, _)| place)).collect();
        let one = places.windows(2).all(|w| w[0] == w[1]);
        let mut parts = Vec::new();
        for (weight, place) in weights.iter().zip(&places) {
            let own = weight.rsplit('/').next().unwrap_or_default();
            let own = own.split_once(':').map_or(own, |(name, _)| name);
            let prefix = if one { layer.to_owned() } else { format!("{layer}.{}", place.replace('/', ".")) };
            let full = format!("{layer}/{weight}");
            let address = self.find(&group, weight)?.ok_or_else(|| lacks(self.file.name, &format!("its weights `{weight}`")))?;
            parts.push(layers::Part { prefix, own, dataset: self.file.dataset(address, &full)?, full });
        }
        layers::add(&mut self.file, &mut self.dict, &parts)
    }

    /// The address at the end of a path.
    fn find(&mut self, group: &Group<'a>, path: &str) -> Result<Option<u64>> {
        let (mut steps, last) = path.rsplit_once('/').map_or(("", path), |(steps, last)| (steps, last));
        let mut at = group.child(if steps.is_empty() { last } else { steps.split('/').next().unwrap_or_default() });
        while !steps.is_empty() {
            let Some(address) = at else { return Ok(None) };
            if !self.groups.contains_key(&address) {
                let read = self.file.group(address)?;
                self.groups.insert(address, read);
            }
            steps = steps.split_once('/').map_or("", |(_, rest)| rest);
            let next = if steps.is_empty() { last } else { steps.split('/').next().unwrap_or_default() };
            at = self.groups.get(&address).and_then(|g| g.child(next));
        }
        Ok(at)
    }
}
