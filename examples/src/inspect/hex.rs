//! Datagrams as hexadecimal text, one a line.

use std::io::{self, BufRead, Read};

/// The longest datagram that UDP has room for.
const DATAGRAM_MAX: usize = 65_535;

/// The longest line: `0x`, two digits and two separators for each byte.
const LINE_MAX: usize = 6 * DATAGRAM_MAX;

/// Why a line is no datagram.
#[derive(Debug)]
pub(super) enum Fault {
    /// The input failed, and there will be no more.
    Input(io::Error),
    /// The line is no hexadecimal text.
    Text {
        /// From 1.
        column: usize,
        /// What is wrong there.
        problem: &'static str,
    },
}

/// The datagrams of an input, each with the number of its line, from 1.
pub(super) struct Lines<R> {
    input: R,
    number: usize,
    over: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            over: false,
        }
    }

    /// The next line without its end, cut at the longest that can be a datagram. `None` at the
    /// end.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let most = LINE_MAX as u64 + 1;
        (&mut self.input).take(most).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.len() > LINE_MAX && !line.ends_with(b"\n") {
            self.input.skip_until(b'\n')?;
        }
        while line.last().is_some_and(u8::is_ascii_whitespace) {
            line.pop();
        }
        Ok(Some(line))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = (usize, Result<Vec<u8>, Fault>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            self.number += 1;
            match self.line() {
                Ok(None) => self.over = true,
                Ok(Some(line)) if line.is_empty() || line.starts_with(b"#") => {}
                Ok(Some(line)) => return Some((self.number, datagram(&line))),
                Err(error) => {
                    self.over = true;
                    return Some((self.number, Err(Fault::Input(error))));
                }
            }
        }
        None
    }
}

fn datagram(line: &[u8]) -> Result<Vec<u8>, Fault> {
    decode(line).map_err(|(column, problem)| Fault::Text { column, problem })
}

/// Reads pairs of digits; separators may stand between them, and `0x` at their beginning and after
/// a separator. What is wrong comes with its column, from 1.
pub(super) fn decode(line: &[u8]) -> Result<Vec<u8>, (usize, &'static str)> {
    let fault = |at: usize, problem| (at + 1, problem);
    let too_long = "the line is longer than a datagram can be";
    if line.len() > LINE_MAX {
        return Err(fault(LINE_MAX, too_long));
    }
    let mut bytes = Vec::with_capacity(line.len() / 2);
    let mut digits = line
        .iter()
        .enumerate()
        .filter(|(at, byte)| !is_separator(byte) && !is_in_prefix(line, *at));
    let value = |(at, digit): (usize, &u8)| {
        let value = char::from(*digit).to_digit(16);
        let value = value.and_then(|value| u8::try_from(value).ok());
        value.ok_or(fault(at, "not a hexadecimal digit"))
    };
    while let Some(high) = digits.next() {
        if bytes.len() == DATAGRAM_MAX {
            return Err(fault(high.0, too_long));
        }
        let high = value(high)?;
        let low = digits.next();
        let low = low.ok_or(fault(line.len(), "half a byte is missing"))?;
        bytes.push(high << 4 | value(low)?);
    }
    Ok(bytes)
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b':' | b',')
}

/// Whether this is one of the two characters of `0x` at the beginning of digits.
fn is_in_prefix(line: &[u8], at: usize) -> bool {
    let begins = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| line.get(before));
        matches!(line.get(at..at + 2), Some(b"0x" | b"0X")) && before.is_none_or(is_separator)
    };
    begins(at) || at.checked_sub(1).is_some_and(begins)
}

/// Bytes as they are written here.
pub(super) fn text(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(usize, Result<Vec<u8>, usize>)> {
        Lines::new(text)
            .map(|(line, bytes)| {
                let column = |fault| match fault {
                    Fault::Text { column, .. } => column,
                    Fault::Input(error) => panic!("{error}"),
                };
                (line, bytes.map_err(column))
            })
            .collect()
    }

    #[test]
    fn lines_are_datagrams_and_faults_have_a_column() {
        let text = b"# a capture\n80 0A:ff\r\n\n8\n80g0\nAb";
        assert_eq!(
            read(text),
            [
                (2, Ok(vec![0x80, 0x0a, 0xff])),
                (4, Err(2)),
                (5, Err(3)),
                (6, Ok(vec![0xab])),
            ]
        );
    }

    #[test]
    fn prefixes_and_separators_are_passed_over() {
        for text in [
            "0x800aff",
            "0x80, 0x0A, 0xff",
            "80:0a:ff",
            "80 0X0aff",
            "8 0\t0aff",
        ] {
            assert_eq!(read(text.as_bytes()), [(1, Ok(vec![0x80, 0x0a, 0xff]))]);
        }
        assert_eq!(read(b"800x0a"), [(1, Err(4))]);
        assert_eq!(read(b"0x0x80"), [(1, Err(4))]);
        let datagram = vec![b'0'; 2 * DATAGRAM_MAX];
        assert_eq!(read(&datagram), [(1, Ok(vec![0; DATAGRAM_MAX]))]);
        let longer = [datagram, vec![b'0'; 2]].concat();
        assert_eq!(read(&longer), [(1, Err(2 * DATAGRAM_MAX + 1))]);
    }

    #[test]
    fn a_line_without_end_is_one_fault_and_the_next_is_read() {
        let mut text = vec![b'0'; 3 * LINE_MAX];
        text.extend(b"\n01\n");
        assert_eq!(read(&text), [(1, Err(LINE_MAX + 1)), (2, Ok(vec![1]))]);
    }
}
