// The index of an invocation in a grid that the host folded to two dimensions (a dimension holds at most 65535 workgroups).
fn linear_index(workgroup: vec3<u32>, groups: vec3<u32>, size: u32, local: u32) -> u32 {
    return (workgroup.y * groups.x + workgroup.x) * size + local;
}
