// Which line of [outer][axis][inner] an invocation works on, and which of its elements. The host folds the grid to two dimensions.
//
//   ROW = 0: 64 lines to a workgroup, inner fastest; an invocation has its line to itself
//   ROW = 1: a workgroup to a line; its 256 lanes take elements side by side
#import shared/index

struct Line {
    number: u32,
    lane: u32,
}

#if ROW
const LANES = 256u;

fn line_of(group: vec3<u32>, groups: vec3<u32>, local: u32) -> Line {
    return Line(group.y * groups.x + group.x, local);
}
#else
const LANES = 1u;

fn line_of(group: vec3<u32>, groups: vec3<u32>, local: u32) -> Line {
    return Line(linear_index(group, groups, 64u, local), 0u);
}
#endif

// Steps of a lane between two tests of an outer loop: no loop may run 65535 rounds (a driver of 2022 stops there silently).
const BLOCK = 32768u * LANES;
