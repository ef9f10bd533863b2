//! Tones: made for one side, found on the other.

use std::f64::consts::TAU;
use std::io::Write;
use std::path::Path;

/// Writes a WAV file with a sine of `hertz`, 16 bits, one channel.
pub(crate) fn write_tone(path: &Path, hertz: f64, rate: u32, seconds: u32) {
    let samples = (0..rate * seconds).map(|n| {
        let phase = TAU * hertz * f64::from(n) / f64::from(rate);
        (phase.sin() * 12_000.0) as i16
    });
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let mut file = std::fs::File::create(path).unwrap();
    let header = [
        b"RIFF".as_slice(),
        &(36 + data.len() as u32).to_le_bytes(),
        b"WAVEfmt ",
        &16u32.to_le_bytes(),
        &1u16.to_le_bytes(),
        &1u16.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * 2).to_le_bytes(),
        &2u16.to_le_bytes(),
        &16u16.to_le_bytes(),
        b"data",
        &(data.len() as u32).to_le_bytes(),
    ];
    file.write_all(&header.concat()).unwrap();
    file.write_all(&data).unwrap();
}

/// 20 ms of a sine as PCMU, 160 octets; `first` is the number of its first sample since the sine
/// began.
pub(crate) fn mu_law_tone(hertz: f64, first: u32) -> Vec<u8> {
    let sample = |n: u32| (TAU * hertz * f64::from(n) / 8000.0).sin() * 12_000.0;
    let samples = (first..first + 160).map(|n| mu_law(sample(n) as i16));
    samples.collect()
}

/// ITU-T G.711 §3.2.
fn mu_law(sample: i16) -> u8 {
    let sign = u8::from(sample < 0) << 7;
    let biased = sample.unsigned_abs().min(32_635) + 132;
    let segment = biased.ilog2() - 7;
    let step = (biased >> (segment + 3)) as u8 & 15;
    !(sign | (segment as u8) << 4 | step)
}

/// A recording: the first channel of a WAV file with 16-bit samples.
#[derive(Debug)]
pub(crate) struct Recording {
    /// Samples a second.
    pub(crate) rate: u32,
    /// The first channel.
    pub(crate) samples: Vec<f64>,
}

impl Recording {
    /// Reads a WAV file as far as it has been written; `None` while it has no header.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).unwrap();
        if bytes.len() < 64 {
            return None;
        }
        let channels = usize::from(u16::from_le_bytes([bytes[22], bytes[23]]));
        let rate = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
        assert_eq!(
            u16::from_le_bytes([bytes[34], bytes[35]]),
            16,
            "16-bit samples"
        );
        let data = bytes.windows(4).position(|four| four == b"data").unwrap() + 8;
        let samples = bytes[data..]
            .chunks_exact(2 * channels)
            .map(|frame| f64::from(i16::from_le_bytes([frame[0], frame[1]])))
            .collect();
        Some(Self { rate, samples })
    }

    /// The frequency that is the strongest in most of the last second's tenths, in hertz, and the
    /// share of the tenths in which it is (0 to 1). `None` if nothing is heard.
    ///
    /// Tenths, because a lost packet breaks the phase of a tone, but not its frequency.
    pub(crate) fn dominant(&self) -> Option<(f64, f64)> {
        let tenth = self.rate as usize / 10;
        let last = self.samples.len().saturating_sub(10 * tenth);
        let strongest: Vec<f64> = self.samples[last..]
            .chunks_exact(tenth)
            .filter(|part| loudness(part) > 100.0)
            .map(|part| strongest(part, f64::from(self.rate)))
            .collect();
        let votes = |hertz: f64| {
            strongest
                .iter()
                .filter(|other| (hertz - **other).abs() <= 10.0)
                .count()
        };
        let best = strongest
            .iter()
            .copied()
            .max_by_key(|hertz| votes(*hertz))?;
        Some((best, votes(best) as f64 / strongest.len() as f64))
    }
}

/// The root of the mean square.
fn loudness(samples: &[f64]) -> f64 {
    (samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64).sqrt()
}

/// The strongest frequency between 100 and 3400 Hz.
fn strongest(samples: &[f64], rate: f64) -> f64 {
    let scan = (100..3400).step_by(5).map(f64::from);
    let power = |hertz: &f64| goertzel(samples, *hertz, rate);
    scan.max_by(|a, b| power(a).total_cmp(&power(b))).unwrap()
}

/// The power of one frequency (Goertzel).
fn goertzel(samples: &[f64], hertz: f64, rate: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hertz / rate).cos();
    let (s1, s2) = samples.iter().fold((0.0, 0.0), |(s1, s2), sample| {
        (sample + coefficient * s1 - s2, s1)
    });
    s1 * s1 + s2 * s2 - coefficient * s1 * s2
}

#[test]
fn a_tone_is_found_where_it_was_made() {
    let scratch = super::process::Scratch::new("tone");
    let path = scratch.join("t.wav");
    write_tone(&path, 700.0, 8000, 2);
    let (hertz, purity) = Recording::read(&path).unwrap().dominant().unwrap();
    assert!(
        (hertz - 700.0).abs() < 10.0 && purity > 0.9,
        "{hertz} {purity}"
    );
}

#[test]
fn mu_law_has_its_known_values() {
    for (sample, octet) in [(0, 0xff), (32_635, 0x80), (-32_635, 0x00), (1000, 0xce)] {
        assert_eq!(mu_law(sample), octet, "{sample}");
    }
}
