/** Where audio comes from, where the gateway is, and whom to call. */
export interface DialOptions {
  /** The name to call: a user at the gateway's SIP server, or `echo`. */
  to: string;
  /**
   * The gateway's address, ending in a slash unless it is a bare origin. Default: the page's.
   * A page of another origin must be allowed by the gateway.
   */
  base?: string | URL;
  /** The bearer token, where the gateway asks for one (status 401). */
  token?: string;
  /** Audio to send. It is yours: its tracks go on after the call. Default: the microphone. */
  stream?: MediaStream;
  /** Constraints for the microphone, when there is no `stream`. Default: `{ audio: true }`. */
  media?: MediaStreamConstraints;
  /**
   * Plays the far side. It must not be muted: Chromium decodes audio, and measures its level,
   * only where it is played.
   */
  audio?: HTMLAudioElement;
  /** `relay` allows only paths through a TURN server. Default: `all`. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** Gives the call up while `dial` is under way. Afterwards use {@link Call.hangUp}. */
  signal?: AbortSignal;
}

/**
 * Places a call. Resolves as soon as the gateway has taken it, before the phone rings; progress
 * comes as `state` events.
 *
 * Rejects with a {@link ProblemError} when the gateway refuses, with a `DOMException` when the
 * microphone cannot be used (`NotAllowedError`, `NotFoundError`, `NotReadableError`,
 * `SecurityError` on a page without https) or `signal` aborts (`AbortError`), and with an
 * {@link UnreachableError} when the gateway cannot be reached. Nothing stays open after a rejection.
 */
export function dial(options: DialOptions): Promise<Call>;

/** How far a call has come. `failed` and `ended` are final. */
export type CallState =
  | { state: "trying" }
  | { state: "ringing" }
  | { state: "answered"; codec?: string }
  /** `status` is the SIP status, when a phone or SIP server refused. */
  | { state: "failed"; reason: string; status?: number }
  | { state: "ended"; by: "browser" | "phone" | "gateway"; reason?: string };

/** One end of the path that audio takes. */
export interface PathEnd {
  type: RTCIceCandidateType;
  /** `null` where the browser hides it. */
  address: string | null;
  port: number;
  protocol: string;
  /** How the browser reaches its TURN server, when `type` is `relay`. */
  relayProtocol: string | null;
}

/** The path that audio takes: ICE's selected candidate pair. */
export interface SelectedPair {
  local: PathEnd;
  remote: PathEnd;
  /** Of the latest connectivity check, in ms. */
  roundTripTime: number | null;
}

/** Root of the mean square over the latest 43 ms or so: 0 is silence, 1 is full scale. */
export interface Levels {
  sent: number;
  received: number;
}

/** Counted since the call began, as this browser sees it. */
export interface CallStats {
  packetsSent: number;
  packetsReceived: number;
  packetsLost: number;
  /** Of what is received, in ms. */
  jitter: number | null;
  /** As RTCP tells it, in ms. */
  roundTripTime: number | null;
  codec: string | null;
}

export interface CallEventMap {
  /** A new state; `trying`, `ringing`, `answered` once each, then one final state. */
  state: CustomEvent<CallState>;
  /** The phone has put the call on hold, or taken it back. The state stays `answered`. */
  hold: CustomEvent<{ held: boolean }>;
  /** Another pair was selected, or its round-trip time changed. */
  pair: CustomEvent<SelectedPair>;
  /** Ten times a second. */
  levels: CustomEvent<Levels>;
  /** Once a second. */
  stats: CustomEvent<CallStats>;
  /** The state of the connection to the gateway changed. */
  connection: CustomEvent<{ state: RTCPeerConnectionState }>;
}

/**
 * One call. It ends by `hangUp`, by the phone, by the gateway, when its page goes away, or with
 * `failed` when audio or the gateway's events are lost for good. Then everything it opened is
 * closed: microphone, connection, audio context.
 */
export class Call extends EventTarget {
  private constructor();

  /** The gateway's name of this call. */
  readonly id: string;
  /** The detail of the latest `state` event; `trying` at first. */
  readonly state: CallState;
  /** The selected pair, or `null` before there is one. */
  readonly pair: SelectedPair | null;
  readonly muted: boolean;
  /** Whether the phone has put the call on hold. */
  readonly held: boolean;
  readonly localStream: MediaStream;
  readonly remoteStream: MediaStream;
  /** What is sent and what is heard; `null` where the browser has no Web Audio. */
  readonly analyserOut: AnalyserNode | null;
  readonly analyserIn: AnalyserNode | null;
  /** The connection itself, for whatever is not covered here. */
  readonly connection: RTCPeerConnection;

  /** Sends silence instead of the microphone, or the microphone again. Default: `true`. */
  mute(muted?: boolean): void;

  /**
   * Sends key presses as telephone events: `0`-`9`, `A`-`D`, `*`, `#`; a comma waits two seconds.
   * Throws a `DOMException` for other characters, or while the call cannot carry them.
   */
  sendDigits(digits: string): void;

  /**
   * Looks for another network path (ICE restart) while audio goes on over the old one. It happens
   * by itself when the path is lost for some seconds or the browser changes its network. Resolves
   * when the gateway has agreed; whether a path was found is told by `connection`. Rejects when
   * the gateway was not reached or refused: the call then goes on over the old path.
   */
  restartIce(): Promise<void>;

  /** Ends the call. Resolves when the gateway has been told, or could not be. Never rejects. */
  hangUp(): Promise<void>;

  addEventListener<K extends keyof CallEventMap>(
    type: K,
    listener: (this: Call, event: CallEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof CallEventMap>(
    type: K,
    listener: (this: Call, event: CallEventMap[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** The gateway answered with an error (RFC 9457). `message` is the most telling text there is. */
export class ProblemError extends Error {
  readonly status: number;
  readonly title?: string;
  readonly detail?: string;
  /** Where in the offer, when the gateway could not read it. */
  readonly line?: number;
  readonly column?: number;
}

/** What the browser says of servers of its user's own network. */
export type LocalNetworkAccess = "granted" | "denied" | "prompt" | null;

/**
 * Whether the browser lets this page reach servers of its user's own network; `null` where it has no
 * such permission. Browsers ask when a page from outside calls a gateway inside: tell people before
 * that they have to allow it.
 */
export function localNetworkAccess(): Promise<LocalNetworkAccess>;

/** The gateway does not answer: it is off, the network is, CORS refuses this page, or the browser. */
export class UnreachableError extends TypeError {
  readonly localNetwork: LocalNetworkAccess;
}
