// Picks elements along one axis, by an index for each (ONNX GatherElements). Negative indices count from the end of the axis; what lies
// beyond it is clamped to it.
//
//   y[o] = x[o with indices[o] in place of its coordinate along the axis]
//
// Layouts   x, y, indices: row-major, 32 bits of any type   Threads   64 in a row over y, last dimension fastest. Workgroup memory: none.
#import shared/index

struct Axis {
    size: u32,        // of y
    stride: u32,      // of x; 0 for the axis that is picked along
    pad0: u32,
    pad1: u32,
}

struct Params {
    axes: array<Axis, 8>,   // last dimension first
    rank: u32,
    total: u32,
    size: u32,              // cells of x along the axis, and their stride
    stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, groups, 64u, local);
    if (i >= p.total) {
        return;
    }
    let size = i32(p.size);
    let index = indices[i];
    var source = u32(clamp(select(index, index + size, index < 0), 0, size - 1)) * p.stride;
    var rest = i;
    for (var k = 0u; k < p.rank; k++) {
        let axis = p.axes[k];
        source += rest % axis.size * axis.stride;
        rest /= axis.size;
    }
    y[i] = x[source];
}
