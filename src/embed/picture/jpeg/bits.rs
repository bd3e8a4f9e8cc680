//! Entropy-coded data: bits, and symbols of canonical Huffman codes.

/// Bits that a table look-up decides.
const FAST: u32 = 9;

/// A code, by length and by look-up.
pub(super) struct Huffman {
    /// For every prefix of `FAST` bits, length and symbol; length 0 for longer codes.
    fast: Vec<(u8, u8)>,
    /// For every length, one more than the last code, aligned to 16 bits, and what to add to a code for its place in `symbols`.
    ends: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// The code with as many symbols of each length. `None` for one that cannot be.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut fast = vec![(0, 0); 1 << FAST];
        let mut ends = [(0, 0); 17];
        let (mut code, mut place) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = u32::from(counts[length as usize - 1]);
            ends[length as usize].1 = place as i32 - code as i32;
            for _ in 0..count {
                let symbol = *symbols.get(place)?;
                if length <= FAST {
                    let first = (code << (FAST - length)) as usize;
                    fast.get_mut(first..first + (1 << (FAST - length)))?.fill((length as u8, symbol));
                }
                code += 1;
                place += 1;
            }
            if code > 1 << length {
                return None;
            }
            ends[length as usize].0 = code << (16 - length);
            code <<= 1;
        }
        Some(Self { fast, ends, symbols: symbols.to_vec() })
    }
}

/// Bits of a scan, up to its next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, held: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let step = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                // A byte of ones is followed by one of zeros, or is the beginning of a marker.
                (Some(0xFF), Some(0)) => 2,
                (Some(0xFF) | None, _) => return,
                _ => 1,
            };
            self.held = self.held << 8 | u64::from(self.bytes[self.at]);
            self.count += 8;
            self.at += step;
        }
    }

    /// The next 16 bits; zeros beyond the end.
    fn peek(&mut self) -> u32 {
        if self.count < 16 {
            self.fill();
        }
        let bits = if self.count >= 16 { self.held >> (self.count - 16) } else { self.held << (16 - self.count) };
        (bits & 0xFFFF) as u32
    }

    fn skip(&mut self, n: u32) -> Option<()> {
        self.count = self.count.checked_sub(n)?;
        Some(())
    }

    /// The next `n` bits, at most 16. `None` at the end of the data.
    pub(super) fn take(&mut self, n: u32) -> Option<i32> {
        let bits = self.peek() >> (16 - n);
        self.skip(n)?;
        Some(bits as i32)
    }

    /// A number of `n` bits, whose first bit tells its sign.
    pub(super) fn number(&mut self, n: u32) -> Option<i32> {
        if n == 0 {
            return Some(0);
        }
        let bits = self.take(n)?;
        Some(if bits < 1 << (n - 1) { bits - (1 << n) + 1 } else { bits })
    }

    /// The next symbol.
    pub(super) fn symbol(&mut self, code: &Huffman) -> Option<u8> {
        let bits = self.peek();
        let (length, symbol) = code.fast[(bits >> (16 - FAST)) as usize];
        if length > 0 {
            self.skip(u32::from(length))?;
            return Some(symbol);
        }
        let length = (FAST + 1..=16).find(|&l| bits < code.ends[l as usize].0)?;
        self.skip(length)?;
        let place = (bits >> (16 - length)) as i32 + code.ends[length as usize].1;
        code.symbols.get(usize::try_from(place).ok()?).copied()
    }

    /// Leaves what remains before the next marker that is no restart, and says where that is.
    pub(super) fn end(self) -> Option<usize> {
        let rest = self.bytes.get(self.at..)?;
        rest.windows(2).position(|w| w[0] == 0xFF && !matches!(w[1], 0 | 0xFF | 0xD0..=0xD7)).map(|i| self.at + i)
    }

    /// Leaves what remains before a restart marker, which has to be the next one.
    pub(super) fn restart(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let skipped = rest.windows(2).position(|w| w[0] == 0xFF && !matches!(w[1], 0 | 0xFF))?;
        matches!(rest[skipped + 1], 0xD0..=0xD7).then_some(())?;
        (self.at, self.held, self.count) = (self.at + skipped + 2, 0, 0);
        Some(())
    }
}
