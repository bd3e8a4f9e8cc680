// The bits of an f32 as a number of the same order; -0 comes before 0.
fn ascending(word: u32) -> u32 {
    return select(word | 0x80000000u, ~word, (word >> 31u) != 0u);
}
