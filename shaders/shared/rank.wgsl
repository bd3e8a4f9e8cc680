// An i32 that is greater the better a number is: the greater ones if `largest`, else the smaller ones; -0 is 0. The bits of an f32 are
// compared as sign and magnitude, so that nothing depends on how a driver compares what is not a number; that gets the rank `other`.
fn rank(word: u32, real: bool, largest: bool, other: i32) -> i32 {
    let magnitude = word & 0x7fffffffu;
    let signed = select(bitcast<i32>(magnitude), -bitcast<i32>(magnitude), word != magnitude);
    let ordered = select(bitcast<i32>(word), signed, real);
    return select(select(~ordered, ordered, largest), other, real && magnitude > 0x7f800000u);
}
