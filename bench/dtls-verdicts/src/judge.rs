//! Who is being judged: one side of a handshake.

/// Which side of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It begins.
    Client,
    /// It is spoken to.
    Server,
}

/// How far a side has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The handshake goes on.
    Waiting,
    /// It is complete.
    Connected,
    /// It has failed, for this reason.
    Failed(String),
}

/// One implementation in one role. Time does not pass for it.
pub trait Judge {
    /// Takes a datagram, and appends what it answers.
    fn take(&mut self, datagram: &[u8], answers: &mut Vec<Vec<u8>>);
    /// How far it has come.
    fn state(&self) -> State;
}
