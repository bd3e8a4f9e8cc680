// Merges sorted runs of pairs (`select/sort`) two by two and keeps the first of each result.
//
//   a pair goes to its own place in its run plus the number of pairs of the other run that come before it, found by bisection
//
// Layouts   x: [line][runs][len] of pairs   y: [line][ceil(runs / 2)][keep] of pairs
// Threads   64 in a row, one pair of x each   Workgroup memory: none.
#import shared/index

struct Params {
    total: u32,       // pairs of x
    runs: u32,        // of a line
    len: u32,
    keep: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let run = i / p.len % p.runs;
    let line = i / p.len / p.runs;
    let at = i % p.len;
    let own = x[i];
    let mate = run ^ 1u;
    let out = (line * ((p.runs + 1u) / 2u) + run / 2u) * p.keep;
    var place = at;
    if (mate < p.runs) {
        let start = (line * p.runs + mate) * p.len;
        var low = 0u;
        var high = p.len;
        while (low < high) {
            let middle = (low + high) / 2u;
            let other = x[start + middle];
            // Only fillers are ever equal; then the first run goes first.
            let tie = other.x == own.x;
            let before = other.x < own.x || (tie && other.y < own.y) || (tie && other.y == own.y && mate < run);
            if (before) {
                low = middle + 1u;
            } else {
                high = middle;
            }
        }
        place += low;
    } else if (at + p.len < p.keep) {
        // Without another run the result is filled.
        y[out + at + p.len] = vec2<u32>(0xffffffffu);
    }
    if (place < p.keep) {
        y[out + place] = own;
    }
}
