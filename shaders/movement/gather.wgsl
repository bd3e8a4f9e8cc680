// Picks slices by index (ONNX Gather) or by tuples of indices (GatherND). Negative indices count from the end of their axis; what lies
// beyond it is clamped to it.
//
//   y[batch][tuple][inner] = x[batch][i0][i1]...[inner]      i = indices[batch or 0][tuple][...]
//
// Layouts   x, y: row-major, 32 bits of any type, or four of them where VEC4 = 1 (inner counts those)   indices: row-major
// Threads   64 in a row over (batch, tuple, inner), inner fastest. Workgroup memory: none.
#import shared/index

struct Axis {
    size: u32,
    stride: u32,
    pad0: u32,
    pad1: u32,
}

struct Params {
    axes: array<Axis, 8>,   // of x, one for each index of a tuple
    depth: u32,             // indices in a tuple
    tuples: u32,            // of a batch
    inner: u32,
    total: u32,
    x_batch: u32,           // elements between batches
    index_batch: u32,       // indices between batches; 0 = all share them
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
#if VEC4
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<u32>>;
#else
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let slice = i / p.inner;
    let batch = slice / p.tuples;
    let first = batch * p.index_batch + slice % p.tuples * p.depth;
    var source = batch * p.x_batch + i % p.inner;
    for (var k = 0u; k < p.depth; k++) {
        let axis = p.axes[k];
        let size = i32(axis.size);
        let index = indices[first + k];
        source += u32(clamp(select(index, index + size, index < 0), 0, size - 1)) * axis.stride;
    }
    y[i] = x[source];
}
