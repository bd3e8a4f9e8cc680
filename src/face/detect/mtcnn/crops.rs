//! What the networks of the cascade see of pictures, and in which batches.

use crate::face::detect::turn::Turn;
use crate::tensor::{Border, Look, Sampling};

use super::geometry::Crop;

/// Pixels of a level. A larger one is searched in tiles.
const LEVEL_PIXELS: usize = 1 << 21;
/// Side of a tile, even.
const TILE: usize = 1024;
/// Sizes of batches of crops: few, so that their plans are kept.
const BATCHES: [usize; 3] = [8, 32, 128];

/// A part of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    /// Width and height in pixels.
    pub(super) size: [usize; 2],
    /// The cell of the level (column, row) that its first one is.
    pub(super) first: [usize; 2],
}

/// Cells along a side of a level: convolution 3, pooling 2 rounded up, convolutions 3 and 3.
pub(super) fn cells(side: usize) -> usize {
    (side.saturating_sub(2)).div_ceil(2).saturating_sub(4)
}

/// The whole level, or tiles of one size that overlap by what a window needs.
pub(super) fn tiles(level: [usize; 2]) -> Vec<Tile> {
    if level[0] * level[1] <= LEVEL_PIXELS {
        return vec![Tile { size: level, first: [0, 0] }];
    }
    let size = level.map(|n| n.min(TILE).next_multiple_of(2));
    let firsts = |axis: usize| (0..cells(level[axis])).step_by(cells(size[axis]).max(1));
    firsts(1).flat_map(|y| firsts(0).map(move |x| Tile { size, first: [x, y] })).collect()
}

/// How a tile of a level lies in the picture. A whole level of an upright picture is averaged, as the ports do; others are supersampled.
pub(super) fn level_look(turn: Turn, level: [usize; 2], tile: Tile) -> Look {
    let [w, h] = turn.size();
    if turn.is_upright() && tile.size == level {
        return Look::Area { left: 0, top: 0, width: w, height: h };
    }
    let [sx, sy] = [f64::from(w) / level[0] as f64, f64::from(h) / level[1] as f64];
    let [x, y] = tile.first.map(|c| 2.0 * c as f64 + 0.5);
    warp(turn, [sx, 0.0, x * sx - 0.5, 0.0, sy, y * sy - 0.5], Border::Edge)
}

/// How a crop, seen in `side` pixels, lies in the picture.
pub(super) fn crop_look(turn: Turn, crop: Crop, side: usize) -> Look {
    let Crop { left, top, width, height } = crop;
    if turn.is_upright() {
        return Look::Area { left, top, width, height };
    }
    let [sx, sy] = [width, height].map(|n| f64::from(n) / side as f64);
    let (x, y) = (f64::from(left) + 0.5 * sx - 0.5, f64::from(top) + 0.5 * sy - 0.5);
    warp(turn, [sx, 0.0, x, 0.0, sy, y], Border::Black)
}

fn warp(turn: Turn, inner: [f64; 6], border: Border) -> Look {
    Look::Warp { transform: turn.after(inner), border, sampling: Sampling::Smooth }
}

/// The batch for the first of `left` crops. Places that remain are filled with one of them.
pub(super) fn crop_batch(left: usize) -> usize {
    let [small, middle, large] = BATCHES;
    if left > 2 * middle {
        large
    } else if left > 2 * small {
        middle
    } else {
        small
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_cell_once_or_more_and_nothing_small_is_cut() {
        assert_eq!(tiles([1368, 953]), [Tile { size: [1368, 953], first: [0, 0] }]);
        for level in [[4001, 1999], [20_001, 120], [13, 200_000]] {
            let tiles = tiles(level);
            assert!(tiles.len() > 1 && tiles.iter().all(|t| t.size == tiles[0].size));
            for (axis, &side) in level.iter().enumerate() {
                let mut reached = 0;
                let mut firsts: Vec<usize> = tiles.iter().map(|t| t.first[axis]).collect();
                firsts.sort_unstable();
                for first in firsts {
                    assert!(first <= reached);
                    reached = first + cells(tiles[0].size[axis]);
                }
                assert!(reached >= cells(side));
            }
        }
    }

    #[test]
    fn a_tile_sees_what_the_level_would() {
        let turn = Turn::all([4000, 2000], true).nth(1).unwrap_or_else(|| panic!("four orientations"));
        let level = [1000, 2000];
        let Look::Warp { transform, .. } = level_look(turn, level, Tile { size: [1000, 1024], first: [0, 507] }) else { panic!("no warp") };
        // Column 3 and row 5 of the tile are row 1019 of the level; a turned picture's row is a column of the picture.
        let [a, b, c, d, e, f] = transform;
        let at = [a * 3.0 + b * 5.0 + c, d * 3.0 + e * 5.0 + f];
        assert!((at[0] - (1019.5 * 2.0 - 0.5)).abs() < 1e-2 && (at[1] - (1999.0 - (3.5 * 2.0 - 0.5))).abs() < 1e-2, "{at:?}");
    }

    #[test]
    fn batches_hold_what_they_are_for() {
        for n in 1..400 {
            assert!(crop_batch(n) >= n.min(BATCHES[2]) || crop_batch(n) < n);
            assert!(BATCHES.contains(&crop_batch(n)));
        }
        assert_eq!([1, 8, 16, 17, 64, 65, 1000].map(crop_batch), [8, 8, 8, 32, 32, 128, 128]);
    }
}
