// Joins what the 256 lanes of a workgroup computed, in a fixed order: 16 lanes join 16 values each, then every lane joins those 16.
// The importing shader says what a Number is and how two are joined (`how`: in which way, if there are several).
var<workgroup> lanes: array<Number, 256>;

fn join_lanes(lane: u32, value: Number, how: u32) -> Number {
    lanes[lane] = value;
    workgroupBarrier();
    let first = lane % 16u * 16u;
    var sum = lanes[first];
    for (var i = 1u; i < 16u; i++) {
        sum = join(sum, lanes[first + i], how);
    }
    workgroupBarrier();
    if (lane < 16u) {
        lanes[lane] = sum;
    }
    workgroupBarrier();
    var total = lanes[0];
    for (var i = 1u; i < 16u; i++) {
        total = join(total, lanes[i], how);
    }
    // The memory is used again.
    workgroupBarrier();
    return total;
}
