//! Which blocks of the gallery belong to which list.

use std::collections::BTreeMap;

use crate::gallery::index::GalleryIndex;
use crate::kernels::search::BLOCK;

/// Blocks of every list, ascending. A block holds rows of one list only.
#[derive(Debug)]
pub(super) struct Lists(Vec<Vec<usize>>);

/// Places for new rows, and the blocks that lists get for them.
#[derive(Debug)]
pub(super) struct Growth {
    /// By row.
    pub(super) places: Vec<usize>,
    /// List and block, ascending.
    blocks: Vec<(usize, usize)>,
}

impl Lists {
    pub(super) fn new(count: usize) -> Self {
        Self(vec![Vec::new(); count])
    }

    pub(super) fn blocks(&self) -> &[Vec<usize>] {
        &self.0
    }

    /// Places for rows of these lists: first those that a list has left, then new blocks behind all others, side by side for a list.
    pub(super) fn places(&self, rows: &GalleryIndex, of: &[usize]) -> Growth {
        let mut members = BTreeMap::<usize, Vec<usize>>::new();
        of.iter().enumerate().for_each(|(row, &list)| members.entry(list).or_default().push(row));
        let mut growth = Growth { places: vec![0; of.len()], blocks: Vec::new() };
        let mut next = rows.blocks();
        for (list, members) in members {
            let left = self.0[list].iter().flat_map(|&block| rows.free_in(block));
            let mut members = members.into_iter();
            for (place, row) in left.zip(members.by_ref()) {
                growth.places[row] = place;
            }
            let members: Vec<usize> = members.collect();
            for part in members.chunks(BLOCK) {
                growth.blocks.push((list, next));
                part.iter().enumerate().for_each(|(i, &row)| growth.places[row] = next * BLOCK + i);
                next += 1;
            }
        }
        growth
    }

    /// Gives lists the blocks that were found for them.
    pub(super) fn grow(&mut self, growth: Growth) {
        growth.blocks.into_iter().for_each(|(list, block)| self.0[list].push(block));
    }
}
