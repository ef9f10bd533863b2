//! A page whose connections go through a TURN server, and what it says of its path.

use serde_json::Value;

use super::browser::Browser;
use super::process::PATIENCE;

/// How a browser reaches its TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    /// All there are.
    pub(crate) const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Tls];

    /// The name in `relayProtocol` (W3C, Identifiers for WebRTC's Statistics API).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl Browser {
    /// From now on the page's calls go through TURN servers alone, and over one transport alone if one
    /// is given.
    pub(crate) async fn relay_only(&self, transport: Option<Transport>) {
        let wanted = transport.map_or("", Transport::name);
        self.script(&format!("const transport = '{wanted}'; {RELAY_ONLY}"))
            .await;
    }

    /// Waits until the call has a path through a TURN server, and answers the browser's statistics of
    /// its own end.
    pub(crate) async fn relayed_path(&self) -> Value {
        let local = self.until(LOCAL_CANDIDATE, PATIENCE).await;
        let errors = self.script("return window.iceErrors ?? []").await;
        local.unwrap_or_else(|| panic!("there is no relayed path; the browser said {errors}"))
    }
}

const RELAY_ONLY: &str = "
    const Native = (window.NativePeerConnection ??= window.RTCPeerConnection);
    const scheme = (url) => (url.startsWith('turns:') ? 'tls' : new URL(url).searchParams.get('transport'));
    const fits = (url) => url.startsWith('turn') && (!transport || scheme(url) === transport);
    window.iceErrors = [];
    window.RTCPeerConnection = class extends Native {
        constructor(configuration) {
            const iceServers = configuration.iceServers
                .map((server) => ({ ...server, urls: server.urls.filter(fits) }))
                .filter(({ urls }) => urls.length > 0);
            super({ ...configuration, iceServers, iceTransportPolicy: 'relay' });
            this.addEventListener('icecandidateerror', ({ errorCode, errorText, url }) => {
                window.iceErrors.push(`${url}: ${errorCode} ${errorText}`);
            });
        }
    };";

const LOCAL_CANDIDATE: &str = "
    const connection = window.crosspoint?.lastCall?.connection;
    if (!connection) return null;
    return connection.getStats().then((report) => {
        const all = [...report.values()];
        const transport = all.find((s) => s.type === 'transport' && s.selectedCandidatePairId);
        const pair = report.get(transport?.selectedCandidatePairId)
            ?? all.find((s) => s.type === 'candidate-pair' && s.selected);
        const local = report.get(pair?.localCandidateId);
        return local?.candidateType === 'relay' ? local : null;
    });";
