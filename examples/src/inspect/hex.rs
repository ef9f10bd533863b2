//! Datagrams as hexadecimal text, one a line.

use std::io::{self, BufRead, Read};

/// The longest line: a UDP datagram, two digits a byte and a separator after each.
const LINE_MAX: usize = 3 * 65_535;

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
                Ok(Some(line)) => return Some((self.number, decode(&line))),
                Err(error) => {
                    self.over = true;
                    return Some((self.number, Err(Fault::Input(error))));
                }
            }
        }
        None
    }
}

/// Reads pairs of digits; spaces and colons may stand between them.
fn decode(line: &[u8]) -> Result<Vec<u8>, Fault> {
    let fault = |at: usize, problem| Fault::Text {
        column: at + 1,
        problem,
    };
    if line.len() > LINE_MAX {
        return Err(fault(LINE_MAX, "the line is longer than a datagram can be"));
    }
    let mut bytes = Vec::with_capacity(line.len() / 2);
    let mut digits = line
        .iter()
        .enumerate()
        .filter(|(_, b)| !matches!(b, b' ' | b'\t' | b':'));
    let value = |(at, digit): (usize, &u8)| {
        let value = char::from(*digit).to_digit(16);
        let value = value.and_then(|value| u8::try_from(value).ok());
        value.ok_or(fault(at, "not a hexadecimal digit"))
    };
    while let Some(high) = digits.next() {
        let high = value(high)?;
        let low = digits.next();
        let low = low.ok_or(fault(line.len(), "half a byte is missing"))?;
        bytes.push(high << 4 | value(low)?);
    }
    Ok(bytes)
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
    fn a_line_without_end_is_one_fault_and_the_next_is_read() {
        let mut text = vec![b'0'; 3 * LINE_MAX];
        text.extend(b"\n01\n");
        assert_eq!(read(&text), [(1, Err(LINE_MAX + 1)), (2, Ok(vec![1]))]);
    }
}
