//! Records of DTLS 1.2 as bytes (RFC 6347 §4.1), and handshake fragments in those that are not
//! protected (§4.2.2).

/// The length of a record's header in bytes.
pub(crate) const HEADER: usize = 13;
/// The length of a fragment's header in bytes.
pub(crate) const FRAGMENT_HEADER: usize = 12;

/// One record, header and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record(pub(crate) Vec<u8>);

/// The records of a datagram.
pub(crate) fn split(mut datagram: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while datagram.len() >= HEADER {
        let length = usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        let (record, rest) = datagram.split_at(datagram.len().min(HEADER + length));
        records.push(Record(record.to_vec()));
        datagram = rest;
    }
    records
}

impl Record {
    pub(crate) fn new(content: u8, epoch: u16, sequence: u64, payload: &[u8]) -> Self {
        let mut bytes = vec![content, 0xFE, 0xFD];
        bytes.extend(epoch.to_be_bytes());
        bytes.extend(&sequence.to_be_bytes()[2..]);
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend(payload);
        Self(bytes)
    }

    pub(crate) fn has_header(&self) -> bool {
        self.0.len() >= HEADER
    }

    pub(crate) fn epoch(&self) -> u16 {
        u16::from_be_bytes([self.0[3], self.0[4]])
    }

    pub(crate) fn set_sequence(&mut self, sequence: u64) {
        self.0[5..11].copy_from_slice(&sequence.to_be_bytes()[2..]);
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    /// Whether it is one whole handshake fragment that anybody can read.
    pub(crate) fn is_open_fragment(&self) -> bool {
        self.0[0] == 22 && self.epoch() == 0 && self.payload().len() > FRAGMENT_HEADER
    }

    /// The part of the same fragment whose body stands in this range.
    pub(crate) fn part(&self, start: usize, end: usize) -> Self {
        let payload = self.payload();
        let offset = number(&payload[6..9]);
        let mut bytes = payload[..FRAGMENT_HEADER].to_vec();
        bytes[6..9].copy_from_slice(&u24(offset + start));
        bytes[9..12].copy_from_slice(&u24(end - start));
        bytes.extend(&payload[FRAGMENT_HEADER..][start..end]);
        Self::new(22, 0, 0, &bytes)
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn u24(value: usize) -> [u8; 3] {
    let [.., a, b, c] = value.to_be_bytes();
    [a, b, c]
}
