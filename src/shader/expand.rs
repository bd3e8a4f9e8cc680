//! The build-time expansion of shaders: imports, conditions, unrolled loops and integer interpolation.
//!
//! WGSL has no preprocessor, private arrays are slow on several drivers, and `override` constants cannot size registers. So a fast tile
//! needs many named variables, and this is how they are written readably:
//!
//! ```text
//! #import shared/epilogue           the text of shaders/shared/epilogue.wgsl, once
//! #if F16 && SG > 8 … #else … #endif    lines kept when the integer expression is not 0
//! #for i in 0..PX … #endfor         the lines once for every i
//! acc{{i}}, {{PX * SG - 1}}         the value of an integer expression
//! ```
//!
//! Names are the defines of the permutation (`shaders/permutations.txt`) and the loop variables around a line. An unknown name is an
//! error. Everything else is WGSL. This file is used by the build script and by the library's own tests; it depends on nothing.

use std::collections::{BTreeMap, BTreeSet};

/// Integer names visible to expressions.
pub type Defines = BTreeMap<String, i64>;

/// Expands `source`; `import` gives the text behind an import path.
///
/// # Errors
/// A sentence with the 1-based line of `source` (or of the import) that is wrong.
pub fn expand(source: &str, defines: &Defines, import: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(source.len() * 4);
    let mut imported = BTreeSet::new();
    let lines: Vec<&str> = source.lines().collect();
    expand_lines(&lines, 0, &mut defines.clone(), import, &mut imported, &mut out)?;
    Ok(out)
}

fn expand_lines(
    lines: &[&str],
    first: usize,
    names: &mut Defines,
    import: &dyn Fn(&str) -> Option<String>,
    imported: &mut BTreeSet<String>,
    out: &mut String,
) -> Result<(), String> {
    let mut i = 0;
    while i < lines.len() {
        let line = lines[i];
        let at = |e: String| format!("line {}: {e}", first + i + 1);
        let trimmed = line.trim_start();
        if let Some(path) = trimmed.strip_prefix("#import ") {
            let path = path.trim();
            if imported.insert(path.to_owned()) {
                let text = import(path).ok_or_else(|| at(format!("there is no shaders/{path}.wgsl to import")))?;
                let inner: Vec<&str> = text.lines().collect();
                expand_lines(&inner, 0, names, import, imported, out).map_err(|e| format!("{path}, {e}"))?;
            }
        } else if let Some(condition) = trimmed.strip_prefix("#if ") {
            let (middle, end) = block(lines, i, "#if ", "#endif").map_err(at)?;
            let yes = evaluate(condition, names).map_err(at)? != 0;
            let range = match (yes, middle) {
                (true, Some(m)) => i + 1..m,
                (true, None) => i + 1..end,
                (false, Some(m)) => m + 1..end,
                (false, None) => end..end,
            };
            expand_lines(&lines[range.clone()], first + range.start, names, import, imported, out)?;
            i = end;
        } else if let Some(header) = trimmed.strip_prefix("#for ") {
            let (_, end) = block(lines, i, "#for ", "#endfor").map_err(at)?;
            let (name, range) = header.split_once(" in ").ok_or_else(|| at("a loop reads `#for NAME in A..B`".into()))?;
            let (a, b) = range.split_once("..").ok_or_else(|| at("a loop reads `#for NAME in A..B`".into()))?;
            let (name, a, b) = (name.trim().to_owned(), evaluate(a, names).map_err(at)?, evaluate(b, names).map_err(at)?);
            let shadowed = names.get(&name).copied();
            for k in a..b {
                names.insert(name.clone(), k);
                expand_lines(&lines[i + 1..end], first + i + 1, names, import, imported, out)?;
            }
            match shadowed {
                Some(v) => names.insert(name, v),
                None => names.remove(&name),
            };
            i = end;
        } else if trimmed.starts_with('#') {
            return Err(at(format!("unknown or unmatched directive `{trimmed}`")));
        } else {
            interpolate(line, names, out).map_err(at)?;
            out.push('\n');
        }
        i += 1;
    }
    Ok(())
}

/// The lines of the matching `#else` (if any) and end of the block opened at `start`.
fn block(lines: &[&str], start: usize, open: &str, close: &str) -> Result<(Option<usize>, usize), String> {
    let (mut depth, mut middle) = (0usize, None);
    for (i, line) in lines.iter().enumerate().skip(start) {
        let t = line.trim();
        if t.starts_with(open) {
            depth += 1;
        } else if t == close {
            depth -= 1;
            if depth == 0 {
                return Ok((middle, i));
            }
        } else if t == "#else" && depth == 1 && open == "#if " {
            middle = Some(i);
        }
    }
    Err(format!("`{}` without `{close}`", lines[start].trim()))
}

fn interpolate(line: &str, names: &Defines, out: &mut String) -> Result<(), String> {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let (expression, tail) = after.split_once("}}").ok_or("`{{` without `}}`")?;
        out.push_str(before);
        out.push_str(&evaluate(expression, names)?.to_string());
        rest = tail;
    }
    out.push_str(rest);
    Ok(())
}

/// Evaluates an integer expression: `+ - * / %`, comparisons, `&& || !`, parentheses, names and decimal numbers.
///
/// # Errors
/// A sentence that names what could not be read.
pub fn evaluate(text: &str, names: &Defines) -> Result<i64, String> {
    let mut parser = Parser { rest: text.trim(), names };
    let value = parser.binary(0)?;
    if parser.rest.is_empty() { Ok(value) } else { Err(format!("`{}` is left over in the expression `{text}`", parser.rest)) }
}

struct Parser<'a> {
    rest: &'a str,
    names: &'a Defines,
}

/// Binary operators by precedence, loosest first; longer spellings before their prefixes.
const LEVELS: [&[&str]; 5] = [&["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else { return self.primary() };
        let mut a = self.binary(level + 1)?;
        while let Some(op) = operators.iter().find(|op| self.rest.starts_with(**op)) {
            self.eat(op);
            let b = self.binary(level + 1)?;
            a = match *op {
                "||" => i64::from(a != 0 || b != 0),
                "&&" => i64::from(a != 0 && b != 0),
                "==" => i64::from(a == b),
                "!=" => i64::from(a != b),
                "<=" => i64::from(a <= b),
                ">=" => i64::from(a >= b),
                "<" => i64::from(a < b),
                ">" => i64::from(a > b),
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                "/" => a.checked_div(b).ok_or("division by zero")?,
                _ => a.checked_rem(b).ok_or("division by zero")?,
            };
        }
        Ok(a)
    }

    fn primary(&mut self) -> Result<i64, String> {
        if self.eat("(") {
            let value = self.binary(0)?;
            return if self.eat(")") { Ok(value) } else { Err("`(` without `)`".into()) };
        }
        if self.eat("!") {
            return Ok(i64::from(self.primary()? == 0));
        }
        if self.eat("-") {
            return Ok(-self.primary()?);
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        if word.is_empty() {
            return Err(format!("a number or name is missing before `{rest}`"));
        }
        word.parse().or_else(|_| self.names.get(word).copied().ok_or_else(|| format!("the name `{word}` is not defined")))
    }
}

/// One permutation of a shader, as a line of `shaders/permutations.txt` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permutation {
    /// Path below `shaders/` without extension, for example `conv/depthwise`.
    pub stem: String,
    /// `conv/depthwise.k3s1`, or the stem alone for a shader with one form.
    pub name: String,
    /// Its defines.
    pub defines: Defines,
}

/// Reads the permutation list: `stem`, then `- NAME DEFINE=VALUE …` lines for its forms; `//` begins a comment.
///
/// # Errors
/// A sentence with the line that is wrong.
pub fn permutations(text: &str) -> Result<Vec<Permutation>, String> {
    let mut out: Vec<Permutation> = Vec::new();
    let mut stem: Option<(String, bool)> = None;
    let plain = |s: String| Permutation { name: s.clone(), stem: s, defines: Defines::new() };
    for (i, line) in text.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let Some(form) = line.strip_prefix('-') else {
            if let Some((s, false)) = stem.take() {
                out.push(plain(s));
            }
            stem = Some((line.to_owned(), false));
            continue;
        };
        let (stem, seen) = stem.as_mut().ok_or_else(|| format!("permutations.txt line {}: a form without a shader", i + 1))?;
        *seen = true;
        let mut words = form.split_whitespace();
        let name = words.next().ok_or_else(|| format!("permutations.txt line {}: a form without a name", i + 1))?;
        let defines = words
            .map(|w| {
                let (k, v) = w.split_once('=')?;
                Some((k.to_owned(), v.parse().ok()?))
            })
            .collect::<Option<Defines>>()
            .ok_or_else(|| format!("permutations.txt line {}: defines read NAME=NUMBER", i + 1))?;
        out.push(Permutation { stem: stem.clone(), name: format!("{stem}.{name}"), defines });
    }
    if let Some((s, false)) = stem {
        out.push(plain(s));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn defines() -> Defines {
        [("SG".to_owned(), 8), ("F16".to_owned(), 0)].into()
    }

    #[test]
    fn loops_conditions_and_interpolation_nest() {
        let source = "#for i in 0..2\n#if i == F16\nlet a{{i}} = {{i * SG + 1}};\n#else\nlet b{{i}};\n#endif\n#endfor";
        assert_eq!(expand(source, &defines(), &|_| None).unwrap(), "let a0 = 1;\nlet b1;\n");
    }

    #[test]
    fn imports_are_expanded_once() {
        let source = "#import shared/x\n#import shared/x\nend";
        assert_eq!(expand(source, &defines(), &|p| Some(format!("// {p} {{{{SG}}}}"))).unwrap(), "// shared/x 8\nend\n");
    }

    #[test]
    fn mistakes_name_their_line() {
        for (source, line) in [("ok\n{{NOPE}}", 2), ("#for i in 0..2\nx", 1), ("\n\n#nonsense", 3), ("#import nowhere", 1)] {
            let e = expand(source, &defines(), &|_| None).unwrap_err();
            assert!(e.contains(&format!("line {line}:")), "{e}");
        }
    }

    #[test]
    fn expressions_follow_the_usual_precedence() {
        for (text, value) in [("1+2*3", 7), ("(1+2)*3", 9), ("7/2%2", 1), ("SG>=8&&!F16", 1), ("-2 - -3", 1), ("2 == 2 || 1 == 2", 1)] {
            assert_eq!(evaluate(text, &defines()), Ok(value), "{text}");
        }
    }
}
