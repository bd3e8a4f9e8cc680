// Where the extreme along one axis of a plain tensor lies, seen as [outer][axis][inner]; of equal ones the first or the last. What is not a
// number counts as extreme, as in NumPy.
//
//   mark = 0   y[outer][inner] = the place, an i32
//   mark = 1   y[outer][axis][inner] = 1 at the place, else 0, as f32 (hardmax)
//
// Layouts   x: [outer][axis][inner], f32 or i32 as bits   Threads   see shared/line; with ROW = 1 the axis has at least 256 elements
// Workgroup memory: none (ROW = 0) or 2 KiB.
#import shared/line
#import shared/rank

struct Params {
    outer: u32,
    axis: u32,
    inner: u32,
    real: u32,        // x holds f32
    largest: u32,
    last: u32,
    mark: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

const BEST = 0x7fffffffi;

struct Found {
    rank: i32,
    place: u32,
}

fn better(a: Found, b: Found) -> Found {
    let first = (a.place < b.place) == (p.last == 0u);
    let a_wins = a.rank > b.rank || (a.rank == b.rank && first);
    return Found(select(b.rank, a.rank, a_wins), select(b.place, a.place, a_wins));
}

#if ROW
alias Number = Found;

fn join(a: Found, b: Found, how: u32) -> Found {
    return better(a, b);
}

#import shared/join
#endif

#if ROW
@compute @workgroup_size(256)
#else
@compute @workgroup_size(64)
#endif
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = line_of(group, groups, local);
    if (line.number >= p.outer * p.inner) {
        return;
    }
    let base = line.number / p.inner * p.axis * p.inner + line.number % p.inner;
    let real = p.real != 0u;
    let largest = p.largest != 0u;
    var best = Found(rank(x[base + line.lane * p.inner], real, largest, BEST), line.lane);
    for (var k = line.lane; k < p.axis; k += LANES) {
        best = better(best, Found(rank(x[base + k * p.inner], real, largest, BEST), k));
    }
#if ROW
    best = join_lanes(line.lane, best, 0u);
#endif
    if (p.mark == 0u) {
        if (line.lane == 0u) {
            y[line.number] = best.place;
        }
        return;
    }
    for (var k = line.lane; k < p.axis; k += LANES) {
        y[base + k * p.inner] = select(0u, bitcast<u32>(1.0), k == best.place);
    }
}
