//! The components of a picture and their coefficients.

/// One of luma, blue and red difference.
pub(super) struct Component {
    id: u8,
    /// Blocks of a unit, across and down.
    pub(super) sampling: [usize; 2],
    /// Which table of quantisation.
    pub(super) table: usize,
    /// The table, as it was when the component was first coded.
    pub(super) steps: Option<[u16; 64]>,
    /// Samples, across and down.
    pub(super) size: [usize; 2],
    /// Blocks that are stored, across and down: whole units.
    pub(super) blocks: [usize; 2],
    /// 64 for every block, in zigzag order.
    pub(super) coefficients: Vec<i16>,
}

impl Component {
    /// The coefficients of a block.
    pub(super) fn block(&mut self, column: usize, row: usize) -> Option<&mut [i16; 64]> {
        let at = (row * self.blocks[0] + column) * 64;
        self.coefficients.get_mut(at..at + 64)?.try_into().ok()
    }
}

/// A picture of three components.
pub(super) struct Frame {
    pub(super) progressive: bool,
    /// In pixels.
    pub(super) size: [usize; 2],
    /// Units, across and down.
    pub(super) units: [usize; 2],
    pub(super) components: [Component; 3],
}

impl Frame {
    /// `None` for what is not 8-bit YCbCr with chroma of full or half size, or larger than `most` bytes.
    pub(super) fn read(body: &[u8], progressive: bool, most: usize) -> Option<Self> {
        let &[8, a, b, c, d, 3, ref parts @ ..] = body else { return None };
        let size = [usize::from(u16::from_be_bytes([c, d])), usize::from(u16::from_be_bytes([a, b]))];
        let parts: Vec<&[u8]> = parts.chunks_exact(3).collect();
        let sampling = |i: usize| -> Option<[usize; 2]> { parts.get(i).map(|p| [usize::from(p[1] >> 4), usize::from(p[1] & 15)]) };
        let largest = sampling(0)?;
        let fits = size.iter().all(|&n| n > 0) && largest.iter().all(|n| (1..=2).contains(n));
        (parts.len() == 3 && fits && sampling(1)? == [1, 1] && sampling(2)? == [1, 1]).then_some(())?;
        let units = [0, 1].map(|i| size[i].div_ceil(8 * largest[i]));
        // Two bytes a coefficient, one a sample, three a pixel.
        let blocks = units[0] * units[1] * (largest[0] * largest[1] + 2);
        (blocks * 64 * 3 + size[0] * size[1] * 3 <= most).then_some(())?;
        let component = |i: usize| -> Option<Component> {
            let sampling = sampling(i)?;
            let blocks = [0, 1].map(|a| units[a] * sampling[a]);
            Some(Component {
                id: parts[i][0],
                sampling,
                table: usize::from(parts[i][2]),
                steps: None,
                size: [0, 1].map(|a| (size[a] * sampling[a]).div_ceil(largest[a])),
                blocks,
                coefficients: vec![0; blocks[0] * blocks[1] * 64],
            })
        };
        let components = [component(0)?, component(1)?, component(2)?];
        // Files without any marker of theirs may say so with letters.
        (components.each_ref().map(|c| c.id) != *b"RGB").then_some(Self { progressive, size, units, components })
    }

    /// The place of a component.
    pub(super) fn find(&self, id: u8) -> Option<usize> {
        self.components.iter().position(|c| c.id == id)
    }
}
