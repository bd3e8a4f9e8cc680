//! From lifetimes to memory slots: a pure function.

/// When a tensor is alive, in dispatch numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The dispatch that first writes it (0 for inputs).
    pub first: usize,
    /// The last dispatch that touches it (`usize::MAX` for outputs).
    pub last: usize,
    /// Bytes it needs.
    pub bytes: u64,
}

/// Assigns each tensor a slot so that no two tensors that are alive at the same dispatch share one.
/// Returns the slot of each tensor and the bytes of each slot.
///
/// Largest first, into the slot that wastes least: few, well filled slots. A dispatch never reads and writes one slot, because the
/// lifetimes of its operands overlap at it.
pub fn assign_slots(lifetimes: &[Lifetime]) -> (Vec<usize>, Vec<u64>) {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lifetimes[i].bytes), lifetimes[i].first, i));
    let mut slots: Vec<(u64, Vec<usize>)> = Vec::new();
    let mut slot_of = vec![0; lifetimes.len()];
    for i in order {
        let a = lifetimes[i];
        let free = |tenants: &[usize]| tenants.iter().all(|&t| lifetimes[t].last < a.first || a.last < lifetimes[t].first);
        let best = slots.iter().enumerate().filter(|(_, (_, tenants))| free(tenants)).min_by_key(|(_, (bytes, _))| *bytes).map(|(s, _)| s);
        let s = best.unwrap_or_else(|| {
            slots.push((a.bytes, Vec::new()));
            slots.len() - 1
        });
        slots[s].1.push(i);
        slot_of[i] = s;
    }
    (slot_of, slots.into_iter().map(|s| s.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_needs_two_slots() {
        let chain: Vec<_> = (0..10).map(|i| Lifetime { first: i, last: i + 1, bytes: 64 }).collect();
        assert_eq!(assign_slots(&chain).1, [64, 64]);
    }

    proptest! {
        #[test]
        fn slots_never_alias_while_live(raw in prop::collection::vec((0usize..40, 0usize..12, 1u64..1000), 0..60)) {
            let lifetimes: Vec<_> = raw.iter().map(|&(first, len, bytes)| Lifetime { first, last: first + len, bytes }).collect();
            let (slot, sizes) = assign_slots(&lifetimes);
            for (i, a) in lifetimes.iter().enumerate() {
                prop_assert!(sizes[slot[i]] >= a.bytes);
                for (j, b) in lifetimes.iter().enumerate().skip(i + 1) {
                    prop_assert!(slot[i] != slot[j] || a.last < b.first || b.last < a.first);
                }
            }
        }
    }
}
