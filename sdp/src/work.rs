//! Counts the work of reading, in tests only: one step for each byte that is looked at and for each
//! line that is visited. The properties of the crate hold it to be linear; a clock could not.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Notes `steps` more.
#[inline(always)]
pub(crate) fn done(steps: usize) {
    #[cfg(test)]
    STEPS.with(|counted| counted.set(counted.get() + steps));
    #[cfg(not(test))]
    let _ = steps;
}

/// The steps that `work` takes.
#[cfg(test)]
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = STEPS.with(std::cell::Cell::get);
    let result = work();
    (STEPS.with(std::cell::Cell::get) - before, result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Description, Limits, Mode, Options};

    const SESSION: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n";

    fn times(count: usize, line: impl Fn(usize) -> String) -> String {
        (0..count).map(line).collect()
    }

    /// Descriptions that grow with `n`, each in another way.
    fn shapes(n: usize) -> Vec<String> {
        let audio = "m=audio 9 RTP/AVP 0\r\n";
        let digits = "7".repeat(n);
        let mids = times(n, |mid| format!(" {mid}"));
        let named = |mid: usize| format!("{audio}a=mid:{mid}\r\na=ice-ufrag:abcd\r\n");
        let rids = times(n, |id| format!("a=rid:{id} send\r\n"));
        let ids = times(n, |id| format!("{id};"));
        let mut shapes = vec![
            SESSION.to_owned() + &"a=x-unknown:1\r\n".repeat(n),
            SESSION.to_owned() + &audio.repeat(n),
            SESSION.to_owned() + &"a=x:1\r\n".repeat(n) + &audio.repeat(n),
            format!("{SESSION}a=group:BUNDLE{mids}\r\n{}", times(n, named)),
            times(n, |mid| format!("a=group:LS {mid}\r\n")) + &times(n, named),
            times(n, |mid| format!("a=group:BUNDLE {mid} x{mid}\r\n")) + &times(n, named),
            format!("{audio}{rids}a=simulcast:send {}0\r\n", ids),
            audio.to_owned() + &times(n, |id| format!("a=extmap:{} urn:x\r\n", id % 256 + 1)),
            format!("m=audio 9 RTP/AVP{mids}\r\n"),
            audio.to_owned() + &"a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n".repeat(n),
        ];
        // Every attribute with a value that goes on and on, of digits and of lists.
        for name in crate::attribute::NAMES {
            let long =
                ["", "1 ", "sha-256 ", " incl IN IP4 * "].map(|start| format!("{start}{digits}"));
            let lists =
                [" 1", ";1", ",1", ":AB", "|1"].map(|item| format!("1 a{}", item.repeat(n)));
            for value in long.iter().chain(&lists) {
                shapes.push(format!("{audio}a={name}:{value}\r\n"));
            }
        }
        for shape in &mut shapes {
            if !shape.starts_with("v=") {
                shape.insert_str(0, SESSION);
            }
        }
        shapes
    }

    /// However long a text is, a byte of it costs the same.
    #[test]
    fn reading_is_linear() {
        let limits = Limits {
            bytes: usize::MAX,
            lines: usize::MAX,
            media: usize::MAX,
        };
        for mode in [Mode::Lenient, Mode::Strict] {
            let options = Options { mode, limits };
            for (one, two) in shapes(400).iter().zip(&shapes(800)) {
                let steps = |text: &String| of(|| Description::parse_with(text, options).is_ok());
                let ((half, _), (full, read)) = (steps(one), steps(two));
                let start = two.chars().skip(SESSION.len()).take(50).collect::<String>();
                let (before, now) = (
                    half as f64 / one.len() as f64,
                    full as f64 / two.len() as f64,
                );
                assert!(
                    now <= 1.1 * before + 0.5,
                    "{before} then {now} steps a byte ({read}): {start}"
                );
                assert!(
                    full <= 8 * two.len(),
                    "{full} steps for {}: {start}",
                    two.len()
                );
            }
        }
    }

    /// Finding what holds for a section looks at each line a bounded number of times.
    #[test]
    fn finding_is_linear_in_the_lines() {
        use crate::attribute::Setup;
        let text = |n: usize| format!("{SESSION}m=audio 9 RTP/AVP 0\r\n{}", "a=x:1\r\n".repeat(n));
        let steps = |n: usize| {
            let text = text(n);
            let description = Description::parse(&text).unwrap();
            of(|| description.find_for::<Setup>(&description.media()[0])).0
        };
        assert!(
            steps(1000) > 1000 && steps(2000) <= 2 * steps(1000),
            "{}",
            steps(2000)
        );
    }
}
