//! The way of a picture through the modules of a network.

use std::collections::HashSet;

use super::DEPTH;
use super::layers::{self, Kind};
use super::objects::{Object, Objects, Value};
use super::tensors::View;
use crate::error::{Error, Result};
use crate::import::checkpoint::StateDict;
use crate::import::checkpoint::elements::damaged;
use crate::import::limits::Budget;
use crate::tensor::Tensor;

/// A walk that collects parameters.
pub(super) struct Walk<'o, 'a> {
    pub(super) objects: &'o Objects<'a>,
    pub(super) file: &'o str,
    pub(super) budget: Budget,
    dict: StateDict,
    /// Modules that were visited: several names for one module, and circles.
    seen: HashSet<usize>,
}

impl<'o, 'a> Walk<'o, 'a> {
    pub(super) fn new(objects: &'o Objects<'a>, file: &'o str, budget: Budget, dict: StateDict) -> Self {
        Self { objects, file, budget, dict, seen: HashSet::new() }
    }

    /// The network that a file was saved for: the object itself, or the only module of a table, or that which the table calls `model`.
    ///
    /// # Errors
    /// Those of [`super::read`].
    pub(super) fn network(&mut self, root: Value<'a>) -> Result<()> {
        let network = match self.objects.get(root) {
            Some(Object::Instance { .. }) => root,
            _ => {
                let is_module = |value: &Value<'a>| self.objects.class(*value).is_some();
                let mut modules = self.objects.entries(root).iter().map(|&(_, value)| value).filter(is_module);
                let only = modules.next().filter(|_| modules.next().is_none());
                let model = Some(self.objects.field(root, "model")).filter(is_module);
                model.or(only).ok_or_else(|| {
                    Error::Unsupported(format!(
                        "The checkpoint `{}` holds no network, or several of which none is called `model`. Save the network alone.",
                        self.file
                    ))
                })?
            }
        };
        self.module(network, "", 0)
    }

    /// The parameters that were met.
    ///
    /// # Errors
    /// [`Error::Model`] when there are none.
    pub(super) fn finish(self) -> Result<StateDict> {
        if self.dict.iter().len() == 0 {
            return Err(damaged(self.file, "holds a network without parameters"));
        }
        Ok(self.dict)
    }

    fn module(&mut self, module: Value<'a>, path: &str, depth: usize) -> Result<()> {
        let Value::Object(index) = module else { return Ok(()) };
        let Some(class) = self.objects.class(module) else {
            return Err(damaged(self.file, &format!("holds something at `{path}` that is no module")));
        };
        if !self.seen.insert(index) {
            return Ok(());
        }
        if depth > DEPTH {
            return Err(Error::Limits(format!(
                "The network in the checkpoint `{}` holds more than {DEPTH} modules in each other. Save the part that is needed alone.",
                self.file
            )));
        }
        match layers::kind(class) {
            Kind::Convolution => self.convolution(module, path),
            Kind::Linear => self.linear(module, path),
            Kind::Normalization => self.normalization(module, path),
            Kind::Slopes => self.slopes(module, path),
            Kind::Sums => self.sums(module, path),
            Kind::Other => self.other(module, class, path, depth),
        }
    }

    /// A container, a decorator around one module, or a module without parameters.
    fn other(&mut self, module: Value<'a>, class: &str, path: &str, depth: usize) -> Result<()> {
        for part in ["weight", "bias"] {
            if self.tensor(module, path, part)?.is_some() {
                return Err(Error::Unsupported(format!(
                    "The checkpoint `{}` has a layer of the class `{class}` (at `{path}`) with a {part}, \
                     which is not supported. Convert the network to ONNX.",
                    self.file
                )));
            }
        }
        let children = self.objects.list(self.objects.field(module, "modules"));
        for (i, &child) in children.iter().enumerate() {
            let place = if path.is_empty() { i.to_string() } else { format!("{path}.{i}") };
            self.module(child, &place, depth + 1)?;
        }
        let inner = self.objects.field(module, "module");
        if children.is_empty() && self.objects.class(inner).is_some() {
            self.module(inner, path, depth + 1)?;
        }
        Ok(())
    }

    /// The tensor in a field of a module, when it is there and has elements.
    pub(super) fn tensor(&self, module: Value<'a>, path: &str, part: &str) -> Result<Option<View<'o, 'a>>> {
        View::of(self.objects, self.objects.field(module, part), self.file, &named(path, part))
    }

    /// The tensor in a field of a module that needs it.
    pub(super) fn needed(&self, module: Value<'a>, path: &str, part: &str) -> Result<View<'o, 'a>> {
        self.tensor(module, path, part)?.ok_or_else(|| damaged(self.file, &format!("lacks `{}`", named(path, part))))
    }

    /// Adds a tensor as it is.
    pub(super) fn keep(&mut self, path: &str, part: &str, view: View<'o, 'a>) -> Result<()> {
        self.keep_as(path, part, view, view.dims())
    }

    /// Adds a tensor with other dimensions.
    pub(super) fn keep_as(&mut self, path: &str, part: &str, view: View<'o, 'a>, dims: &[i64]) -> Result<()> {
        let tensor = view.copy(self.file, &named(path, part), dims, &mut self.budget)?;
        self.add(path, part, tensor)
    }

    /// Adds a tensor that was computed.
    pub(super) fn add(&mut self, path: &str, part: &str, tensor: Tensor) -> Result<()> {
        self.budget.limits().check_initializers(self.file, self.dict.iter().len() + 1)?;
        self.dict.insert(self.file, &named(path, part), tensor)
    }
}

/// The name of a tensor of the module at `path`.
pub(super) fn named(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}
