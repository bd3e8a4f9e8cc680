//! Which mapping of a file is the state dict, and its tensors by name.

use std::collections::HashMap;

use super::heap::{Heap, Object, Value, View};
use super::{RESAVE, short};
use crate::error::{Error, Result};
use crate::import::checkpoint::elements::damaged;
use crate::import::limits::Budget;

/// What training loops call the state dict in the mapping that they save, the surest names first.
const WRAPPERS: [&str; 15] = [
    "state_dict",
    "model_state_dict",
    "state_dict_backbone",
    "model_state",
    "model_dict",
    "net_state_dict",
    "model",
    "net",
    "network",
    "netG",
    "weights",
    "params",
    "backbone",
    "encoder",
    "module",
];

/// Parts of names of mappings whose tensors are no weights.
const TRAINING: [&str; 4] = ["optim", "sched", "scaler", "loss"];

/// Mappings in mappings, at most.
const DEPTH: usize = 64;

/// Names and tensors of the state dict, in the order of the file.
///
/// # Errors
/// Model when there are none, or two of one name; Limits; Unsupported for a file that is no mapping.
pub(super) fn tensors<'h, 'a>(file: &str, heap: &'h Heap<'a>, root: Value<'a>, budget: &mut Budget) -> Result<Vec<(String, &'h View<'a>)>> {
    if heap.dict(root).is_none() {
        let what = match heap.get(root) {
            Some(Object::Tensor(_)) => "a tensor without a name",
            Some(Object::List(_) | Object::Tuple(_)) => "a list",
            _ => "something that is no mapping",
        };
        return Err(Error::Unsupported(format!("The checkpoint `{file}` holds {what} instead of tensors by name. {RESAVE}")));
    }
    let named = heap.iter().map(|o| matches!(o, Object::Dict(items) if items.iter().any(|&(_, v)| is_tensor(heap, v)))).collect();
    let mut search = Search { file, heap, budget, named, seen: HashMap::new(), found: Vec::new() };
    let mut place = root;
    for _ in 0..DEPTH {
        let Some(inner) = search.wrapped(place)? else { break };
        place = inner;
    }
    search.collect(place, "", 0)?;
    if search.found.is_empty() {
        return Err(Error::Model(format!("The checkpoint `{file}` holds no tensors by name that could be weights. {RESAVE}")));
    }
    Ok(search.found)
}

struct Search<'s, 'h, 'a> {
    file: &'s str,
    heap: &'h Heap<'a>,
    budget: &'s mut Budget,
    /// Which objects are mappings of tensors.
    named: Vec<bool>,
    /// The mappings that were entered, and whether there were tensors in them.
    seen: HashMap<usize, bool>,
    found: Vec<(String, &'h View<'a>)>,
}

impl<'h, 'a> Search<'_, 'h, 'a> {
    /// The mapping that this one is only the wrapper of.
    fn wrapped(&mut self, place: Value<'a>) -> Result<Option<Value<'a>>> {
        let items = self.heap.dict(place).unwrap_or_default();
        for wrapper in WRAPPERS {
            let mut named = items.iter().filter(|(key, _)| matches!(key, Value::Text(k) if *k == wrapper)).map(|&(_, value)| value);
            let Some(inner) = named.next().filter(|&v| self.has_tensors(v)) else { continue };
            if named.next().is_some() {
                return Err(damaged(self.file, &format!("holds `{wrapper}` twice")));
            }
            return Ok(Some(inner));
        }
        Ok(None)
    }

    /// Whether this is a mapping of tensors or, as wrappers are, of mappings of tensors.
    fn has_tensors(&self, place: Value<'a>) -> bool {
        let named = |value| matches!(value, Value::Object(i) if self.named.get(i) == Some(&true));
        named(place) || self.heap.dict(place).is_some_and(|items| items.iter().any(|&(_, value)| named(value)))
    }

    /// Adds all tensors of a mapping. Returns whether there were any.
    fn collect(&mut self, place: Value<'a>, prefix: &str, depth: usize) -> Result<bool> {
        let (Some(items), Value::Object(id)) = (self.heap.dict(place), place) else { return Ok(false) };
        if depth > DEPTH {
            return Err(Error::Limits(format!(
                "The checkpoint `{}` has mappings in each other more than {DEPTH} deep. {RESAVE}",
                self.file
            )));
        }
        // While a mapping is entered it counts as one with tensors, so that one that contains itself is refused.
        match self.seen.get(&id) {
            Some(true) => return Err(damaged(self.file, "holds the same mapping in two places")),
            Some(false) => return Ok(false),
            None => {}
        }
        // What an optimizer holds is no weight, whatever a training loop calls it.
        if depth <= 1 && has(items, "state") && has(items, "param_groups") {
            self.seen.insert(id, false);
            return Ok(false);
        }
        self.seen.insert(id, true);
        let mut any = false;
        for &(key, value) in items {
            let tensor = match self.heap.get(value) {
                Some(Object::Tensor(view)) => Some(view),
                Some(Object::Dict(_)) => None,
                _ => continue,
            };
            let key = match key {
                Value::Text(key) => std::borrow::Cow::from(key),
                Value::Int(key) => key.to_string().into(),
                _ => return Err(damaged(self.file, "holds a tensor or a mapping under a key that is no text")),
            };
            if tensor.is_none() && depth == 0 && TRAINING.iter().any(|part| key.to_ascii_lowercase().contains(part)) {
                continue;
            }
            let length = prefix.len().saturating_add(key.len());
            // The name, its copies in the table, and what both take besides.
            self.budget.reserve(short(&key).as_ref(), (length as u64).saturating_mul(4).saturating_add(256))?;
            let name = format!("{prefix}{key}");
            match tensor {
                Some(view) => {
                    self.budget.limits().check_initializers(self.file, self.found.len() + 1)?;
                    self.found.push((name, view));
                    any = true;
                }
                None => any |= self.collect(value, &(name + "."), depth + 1)?,
            }
        }
        self.seen.insert(id, any);
        Ok(any)
    }
}

/// Whether a mapping has a key.
fn has(items: &[(Value<'_>, Value<'_>)], wanted: &str) -> bool {
    items.iter().any(|(key, _)| matches!(key, Value::Text(k) if *k == wanted))
}

fn is_tensor<'a>(heap: &Heap<'a>, value: Value<'a>) -> bool {
    matches!(heap.get(value), Some(Object::Tensor(_)))
}
