// A bilinear sample of the photo, pixel centres at integers; outside is its nearest pixel, or black.
#import shared/photo

fn at(black: u32, col: i32, row: i32) -> vec3<f32> {
    return select(nearest(col, row), vec3<f32>(), black != 0u && !is_inside(col, row));
}

fn bilinear(black: u32, x: f32, y: f32) -> vec3<f32> {
    let cell = floor(vec2<f32>(x, y));
    let w = vec2<f32>(x, y) - cell;
    let col = i32(cell.x);
    let row = i32(cell.y);
    let upper = at(black, col, row) * (1.0 - w.x) + at(black, col + 1, row) * w.x;
    let lower = at(black, col, row + 1) * (1.0 - w.x) + at(black, col + 1, row + 1) * w.x;
    return upper * (1.0 - w.y) + lower * w.y;
}
