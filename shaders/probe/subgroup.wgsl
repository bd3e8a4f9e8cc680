// How large a subgroup really is: the sum of `one` over it. The builtin subgroup_size is folded to a constant by some drivers and looks
// right even where stale cached code of another width runs, so it proves nothing.
//
// Threads   64   Workgroup memory: none.
struct Params {
    one: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    y[local] = subgroupAdd(p.one);
}
