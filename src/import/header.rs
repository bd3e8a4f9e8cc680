//! The header of a safetensors file before its parser sees it: how long it is, what reading it takes, and whether it says anything twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::error::{Error, Result};
use crate::import::limits::Budget;

/// Beyond this no library reads a header.
pub(crate) const MOST: usize = 100_000_000;

/// The key of the metadata in a safetensors header: no tensor can have this name.
pub(crate) const METADATA: &str = "__metadata__";

/// Bytes that parsing takes per byte of the header, at most: two characters of a list (`0,`) become a buffered value of 32 bytes in a vector
/// that doubles when it is full, besides the text itself and its copies.
const GROWTH: u64 = 64;

/// Checks the header of the file `name` and books the memory for it.
///
/// # Errors
/// [`Error::Model`] for a file that ends in its header, which says how much of it is missing, or that gives one name twice, where readers would
/// differ in what they take; [`Error::Limits`].
pub(crate) fn check(bytes: &[u8], name: &str, budget: &mut Budget) -> Result<()> {
    let Some((&head, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Error::Model(format!(
            "The file `{name}` has {} bytes, too few for a model. It is probably truncated; fetch it again.",
            bytes.len()
        )));
    };
    let length = u64::from_le_bytes(head);
    budget.limits().check_header(name, length)?;
    let Some(text) = usize::try_from(length).ok().and_then(|n| rest.get(..n)) else {
        return Err(Error::Model(format!(
            "The file `{name}` ends in the middle of its header (byte {}). It is probably truncated; fetch it again.",
            bytes.len()
        )));
    };
    budget.reserve(name, length.saturating_mul(GROWTH))?;
    let mut json = serde_json::Deserializer::from_slice(text);
    // Anything else that is wrong with it is for its parser to say.
    match json.deserialize_map(Unique { nested: true }) {
        Err(e) if e.to_string().starts_with(TWICE) => {
            Err(Error::Model(format!("The header of the file `{name}` {e}. The file is damaged; convert the model again.")))
        }
        _ => Ok(()),
    }
}

const TWICE: &str = "gives the name";

/// An object without repeated keys, and its metadata likewise.
struct Unique {
    nested: bool,
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(Key(key)) = map.next_key()? {
            if self.nested && key == METADATA {
                map.next_value_seed(Self { nested: false })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if let Some(key) = seen.replace(key) {
                return Err(A::Error::custom(format_args!("{TWICE} `{key}` twice")));
            }
        }
        Ok(())
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// A key, borrowed from the text where it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
