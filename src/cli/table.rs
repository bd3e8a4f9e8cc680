//! Plain text tables and the numbers in them.

/// Columns of text, padded to line up.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A table with these headings. A heading that begins with `>` makes a right-aligned column.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|h| h.starts_with('>')).collect();
        let first = headings.iter().map(|h| h.trim_start_matches('>').to_owned()).collect();
        Self { rows: vec![first], right }
    }

    pub(crate) fn row<I: Into<String>>(&mut self, cells: impl IntoIterator<Item = I>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = |c: usize| self.rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.right.len()).map(width).collect();
        for (i, row) in self.rows.iter().enumerate() {
            let cells: Vec<_> = row
                .iter()
                .zip(widths.iter().zip(&self.right))
                .map(|(cell, (&w, &right))| if right { format!("{cell:>w$}") } else { format!("{cell:<w$}") })
                .collect();
            if i > 0 {
                f.write_str("\n")?;
            }
            f.write_str(cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Bytes in a unit a person reads.
pub(crate) fn bytes(n: u64) -> String {
    let n = n as f64;
    if n < 1024.0 {
        format!("{n} B")
    } else if n < 1_048_576.0 {
        format!("{:.1} KiB", n / 1024.0)
    } else if n < 1_073_741_824.0 {
        format!("{:.1} MiB", n / 1_048_576.0)
    } else {
        format!("{:.2} GiB", n / 1_073_741_824.0)
    }
}

/// Microseconds in a unit a person reads.
pub(crate) fn micros(us: f64) -> String {
    if us < 1000.0 {
        format!("{us:.1} µs")
    } else if us < 1e6 {
        format!("{:.2} ms", us / 1e3)
    } else {
        format!("{:.2} s", us / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut t = Table::new(&["name", ">n"]);
        t.row(["a", "1"]);
        t.row(["bcd", "1000"]);
        assert_eq!(t.to_string(), "name     n\na        1\nbcd   1000");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 86_200_000].map(grouped), ["0", "999", "1,000", "86,200,000"]);
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(micros(1500.0), "1.50 ms");
    }
}
