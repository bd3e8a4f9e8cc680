// j modulo m, from 0 to m - 1. GLSL leaves open what % makes of negative numbers.
fn modulo(j: i32, m: i32) -> i32 {
    let rest = select(j, -1 - j, j < 0) % m;
    return select(rest, m - 1 - rest, j < 0);
}
