//! Groups: names and addresses, in a tree of tables.

use std::collections::HashMap;

use super::object::{LINK, LINK_INFO, SYMBOL_TABLE};
use super::{Cursor, File};
use crate::error::Result;
use crate::import::checkpoint::elements::damaged;

const HEAP: &str = "the names of a group";
const NODE: &str = "a node of a group";

/// A group, with what it contains.
#[derive(Clone, Debug)]
pub(crate) struct Group<'a> {
    /// Where its header is.
    pub(super) address: u64,
    children: HashMap<&'a [u8], u64>,
}

impl Group<'_> {
    /// The address of what has this name.
    pub(in super::super) fn child(&self, name: &str) -> Option<u64> {
        self.children.get(name.as_bytes()).copied()
    }
}

impl<'a, 'b> File<'a, 'b> {
    /// The group whose header is at `address`.
    ///
    /// # Errors
    /// [`crate::error::Error::Model`], [`crate::error::Error::Limits`], [`crate::error::Error::Unsupported`].
    pub(in super::super) fn group(&mut self, address: u64) -> Result<Group<'a>> {
        let mut group = Group { address, children: HashMap::new() };
        let messages = self.object(address)?;
        if messages.iter().any(|m| matches!(m.kind, LINK | LINK_INFO)) {
            return Err(self.unsupported("a group that lists its members in the order of creation"));
        }
        let table = messages.iter().find(|m| m.kind == SYMBOL_TABLE);
        let table = table.ok_or_else(|| damaged(self.name, &format!("has something at byte {address} that is no group")))?;
        let mut table = self.cursor(table.data, "the table of a group");
        let (tree, heap) = (table.u64()?, table.u64()?);
        let mut heap = self.structure(heap, 32, HEAP)?;
        heap.letters(b"HEAP")?;
        heap.skip(4)?;
        let length = heap.u64()?;
        heap.skip(8)?;
        let names = self.numbers(heap.u64()?, length, HEAP)?;
        self.node(tree, None, names, &mut group)?;
        Ok(group)
    }

    /// A node of the tree; `level` is the one that it has to have.
    fn node(&mut self, address: u64, level: Option<u8>, names: &'a [u8], group: &mut Group<'a>) -> Result<()> {
        let (found, children) = self.tree_node(address, 0, 8, NODE)?;
        if level.is_some_and(|l| l != found) {
            return Err(damaged(self.name, "has a tree of a group that does not end"));
        }
        let mut children = children;
        // A key, and then a child and the next key each time.
        children.skip(8)?;
        while !children.bytes.is_empty() {
            let child = children.u64()?;
            children.skip(8)?;
            match found.checked_sub(1) {
                Some(below) => self.node(child, Some(below), names, group)?,
                None => self.leaf(child, names, group)?,
            }
        }
        Ok(())
    }

    /// The level of a tree's node and its keys and children, beginning and ending with a key. `key` is the length of a key in bytes.
    pub(super) fn tree_node(&mut self, address: u64, kind: u8, key: usize, what: &'static str) -> Result<(u8, Cursor<'a, 'b>)> {
        let mut head = self.structure(address, 24, what)?;
        head.letters(b"TREE")?;
        let (found, level, used) = (head.u8()?, head.u8()?, usize::from(head.u16()?));
        if found != kind {
            return Err(damaged(self.name, &format!("does not have {what} where it says that it is")));
        }
        let length = used * (8 + key) + key;
        Ok((level, self.structure(address.saturating_add(24), length as u64, what)?))
    }

    fn leaf(&mut self, address: u64, names: &'a [u8], group: &mut Group<'a>) -> Result<()> {
        let mut head = self.structure(address, 8, NODE)?;
        head.letters(b"SNOD")?;
        head.skip(2)?;
        let count = head.u16()?;
        let mut entries = self.structure(address.saturating_add(8), 40 * u64::from(count), NODE)?;
        for _ in 0..count {
            let (name, address, kind) = (entries.u64()?, entries.u64()?, entries.u32()?);
            entries.skip(20)?;
            let rest = usize::try_from(name).ok().and_then(|n| names.get(n..)).unwrap_or_default();
            let end = rest.iter().position(|&b| b == 0);
            let name = end.and_then(|n| rest.get(..n)).ok_or_else(|| damaged(self.name, "has a name in a group that does not end"))?;
            self.pay(name.len())?;
            // 2: a link to a path, which Keras does not write.
            if kind == 2 {
                continue;
            }
            self.budget.reserve(self.name, 64)?;
            if group.children.insert(name, address).is_some() {
                let name: String = String::from_utf8_lossy(name.get(..100).unwrap_or(name)).into_owned();
                return Err(damaged(self.name, &format!("has two members `{name}` in one group")));
            }
        }
        Ok(())
    }
}
