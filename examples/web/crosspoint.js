// Crosspoint's browser client: one call from a browser to a phone, through the gateway.
//
//   import { dial } from "./crosspoint.js";
//   const call = await dial({ to: "echo", audio: document.querySelector("audio") });
//   call.addEventListener("state", (event) => console.log(event.detail.state));
//   await call.hangUp();
//
// No dependency, no build step. The types and the whole interface stand in crosspoint.d.ts.

const LEVEL_INTERVAL = 100; // ms between two `levels` events
const STATS_INTERVAL = 1000; // ms between two looks at the statistics
const SILENCE_LIMIT = 45_000; // ms; the gateway sends something at least every 15 s
const RETRY_DELAYS = [500, 1000, 2000, 4000, 8000]; // ms; then the call is given up
const DISCONNECTED_LIMIT = 3000; // ms without a path before another one is looked for
const RESTARTS = 5; // of ICE, without a path in between; then the call is given up
const RESTART_LIMIT = 10_000; // ms; a connection that died with the old network answers nothing
const STEADY = 20_000; // ms; an event stream that lived longer than this was a working one
const LONGEST_MESSAGE = 65_536; // characters of one server-sent event
const TONE = 100; // ms of a DTMF digit
const TONE_GAP = 70; // ms between two

/** How far a call has come. Later states replace earlier ones, never the other way round. */
const RANK = { trying: 1, ringing: 2, answered: 3, failed: 4, ended: 4 };

/** An answer of the gateway that is an error (RFC 9457, problem details). */
export class ProblemError extends Error {
  constructor({ status, title, detail, line, column }) {
    super(detail ?? title ?? `the gateway answered ${status}`);
    this.name = "ProblemError";
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.line = line;
    this.column = column;
  }
}

/** The gateway does not answer. `localNetwork` is what `localNetworkAccess` says then. */
export class UnreachableError extends TypeError {
  constructor(cause, localNetwork) {
    super("the gateway cannot be reached", { cause });
    this.name = "UnreachableError";
    this.localNetwork = localNetwork;
  }
}

// Older and newer names of one permission; browsers refuse to speak of those they do not know.
const LOCAL_NETWORK = ["local-network", "loopback-network", "local-network-access"];

/**
 * Whether the browser lets this page reach servers of its user's own network: "granted", "denied",
 * "prompt" when it will ask, or null where it has no such permission.
 */
export async function localNetworkAccess() {
  const ask = async (name) => (await navigator.permissions.query({ name })).state;
  const known = await Promise.allSettled(LOCAL_NETWORK.map(ask));
  const states = known.map(({ value }) => value);
  return ["denied", "prompt", "granted"].find((state) => states.includes(state)) ?? null;
}

/**
 * Places a call. Resolves once the gateway has taken it; rejects with a ProblemError when the
 * gateway refuses, with an UnreachableError when it does not answer, with a DOMException when the microphone cannot be used or `signal` aborts.
 */
export async function dial(options) {
  const gateway = new Gateway(options.base ?? location.href, options.token);
  const resources = new Resources(options.audio);
  try {
    return await place(gateway, resources, options);
  } catch (error) {
    resources.release();
    throw error;
  }
}

async function place(gateway, resources, { to, stream, media, iceTransportPolicy, signal }) {
  // Before the first await: inside the user's click the audio context may start at once.
  resources.openAudioContext();
  const { iceServers, grant } = await gateway.iceServers(signal);
  const local =
    stream ??
    (await unlessAborted(signal, resources.openMicrophone(media), () => resources.release()));
  if (local.getAudioTracks().length === 0) throw new TypeError("the stream has no audio track");

  const connection = resources.openConnection({
    iceServers,
    iceTransportPolicy: iceTransportPolicy ?? "all",
    bundlePolicy: "max-bundle",
  });
  for (const track of local.getAudioTracks()) connection.addTrack(track, local);
  const candidates = new CandidateQueue(connection);
  await connection.setLocalDescription();
  // Sent at once; candidates follow as they are found.
  const offer = connection.localDescription.sdp;
  const accepted = await unlessAborted(signal, gateway.offer(to, offer, grant), (late) =>
    gateway.hangUp(late.url),
  );
  try {
    await connection.setRemoteDescription({ type: "answer", sdp: accepted.answer });
  } catch (error) {
    gateway.hangUp(accepted.url).catch(() => {});
    throw error;
  }
  return new Call(gateway, resources, { ...accepted, connection, local, candidates });
}

/** Waits for `work`. When `signal` comes first, `undo` gets the result if there ever is one. */
async function unlessAborted(signal, work, undo) {
  if (!signal) return work;
  let onAbort;
  const aborted = new Promise((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    if (signal.aborted) work.then(undo).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** One call. Made by `dial`; see crosspoint.d.ts for its events. */
export class Call extends EventTarget {
  #gateway;
  #resources;
  #url;
  #connection;
  #etag;
  #answer;
  #candidates;
  #stopped = new AbortController();
  #recovery = { everConnected: false, restarts: 0, timer: 0, restarting: null };
  #state = { state: "trying" };
  #rank = 0;
  #pair = null;
  #held = false;

  constructor(gateway, resources, { url, etag, answer, connection, local, candidates }) {
    super();
    this.#gateway = gateway;
    this.#resources = resources;
    this.#url = url;
    this.#connection = connection;
    this.#etag = etag;
    this.#answer = answer;
    this.#candidates = candidates;
    this.localStream = local;
    this.remoteStream = new MediaStream(connection.getReceivers().map((r) => r.track));
    this.analyserOut = resources.analyse(local);
    this.analyserIn = resources.analyse(this.remoteStream);
    resources.play(this.remoteStream);

    const { signal } = this.#stopped;
    connection.addEventListener("connectionstatechange", () => this.#connectionChanged(), {
      signal,
    });
    // A page that goes away takes its call with it.
    addEventListener("pagehide", () => this.#leave(), { signal });
    every(LEVEL_INTERVAL, signal, () => this.#measure());
    every(STATS_INTERVAL, signal, () => this.#observe());
    this.#watchNetwork();
    this.#trickle();
    this.#follow();
  }

  /** The gateway's name of this call. */
  get id() {
    return this.#url.pathname.split("/").pop();
  }

  /** The detail of the latest `state` event. */
  get state() {
    return this.#state;
  }

  /** Whether the phone has put the call on hold. */
  get held() {
    return this.#held;
  }

  /** The selected candidate pair, or null before there is one. */
  get pair() {
    return this.#pair;
  }

  /** The RTCPeerConnection, for whatever is not covered here. */
  get connection() {
    return this.#connection;
  }

  get muted() {
    return !this.localStream.getAudioTracks().some((track) => track.enabled);
  }

  /** Stops or resumes sending the microphone; silence is sent meanwhile. */
  mute(muted = true) {
    for (const track of this.localStream.getAudioTracks()) track.enabled = !muted;
  }

  /** Sends key presses (0-9 A-D * #; a comma waits two seconds) as telephone events. */
  sendDigits(digits) {
    if (!/^[0-9A-D*#,]+$/i.test(digits)) {
      throw new DOMException(`"${digits}" are not keys of a phone`, "InvalidCharacterError");
    }
    const dtmf = this.#connection.getSenders().find((sender) => sender.dtmf)?.dtmf;
    if (!dtmf?.canInsertDTMF) {
      throw new DOMException("this call cannot carry key presses", "InvalidStateError");
    }
    // A second call replaces what still waits: put it in front.
    dtmf.insertDTMF(dtmf.toneBuffer + digits, TONE, TONE_GAP);
  }

  /**
   * Looks for another network path (ICE restart) while audio goes on over the old one. Resolves
   * when the gateway agrees; whether there is a path is told by `connection`.
   */
  restartIce() {
    if (this.#stopped.signal.aborted) return Promise.resolve();
    const recovery = this.#recovery;
    recovery.restarting ??= this.#restart().finally(() => (recovery.restarting = null));
    return recovery.restarting;
  }

  async #restart() {
    const connection = this.#connection;
    connection.restartIce();
    this.#candidates.begin();
    await connection.setLocalDescription();
    try {
      const offer = fragment(connection.localDescription.sdp, [], false);
      const { etag, answer } = await this.#gateway.restart(this.#url, offer, this.#stopped.signal);
      const sdp = renewed(this.#answer, answer);
      await connection.setRemoteDescription({ type: "answer", sdp });
      this.#etag = etag;
      this.#answer = sdp;
    } catch (error) {
      // As it was: the old path may still live.
      await connection.setLocalDescription({ type: "rollback" }).catch(() => {});
      throw error;
    }
    this.#trickle();
  }

  #trickle() {
    const [url, etag] = [this.#url, this.#etag];
    const send = (candidates) => this.#gateway.trickle(url, etag, candidates);
    this.#candidates.deliver(send, this.#stopped.signal);
  }

  /** Ends the call. Resolves when the gateway has been told, or could not be. */
  async hangUp() {
    if (this.#stopped.signal.aborted) return;
    this.#finish({ state: "ended", by: "browser", reason: "hung up" });
    await this.#gateway.hangUp(this.#url).catch(() => {});
  }

  #leave() {
    this.#finish({ state: "ended", by: "browser", reason: "the page was closed" });
    this.#gateway.hangUp(this.#url).catch(() => {});
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Takes a state from the gateway. After a reconnect it tells all states again. */
  #advance(detail) {
    if (detail.state === "held" || detail.state === "resumed") return this.#hold(detail.state === "held");
    const rank = RANK[detail.state] ?? 0;
    if (this.#stopped.signal.aborted || rank <= this.#rank) return;
    if (rank === RANK.ended) return this.#finish(detail);
    this.#rank = rank;
    this.#state = detail;
    this.#emit("state", detail);
  }

  /** Hold comes and goes while the call stays `answered`. */
  #hold(held) {
    if (this.#stopped.signal.aborted || held === this.#held) return;
    this.#held = held;
    this.#emit("hold", { held });
  }

  #finish(detail) {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#rank = RANK.ended;
    this.#state = detail;
    this.#resources.release();
    this.#emit("state", detail);
  }

  /** Ends a call that cannot go on, and tells the gateway. */
  #giveUp(reason) {
    if (this.#stopped.signal.aborted) return;
    this.#finish({ state: "failed", reason });
    this.#gateway.hangUp(this.#url).catch(() => {});
  }

  #connectionChanged() {
    const { connectionState } = this.#connection;
    this.#emit("connection", { state: connectionState });
    clearTimeout(this.#recovery.timer);
    if (connectionState === "connected") {
      this.#recovery.everConnected = true;
      this.#recovery.restarts = 0;
      this.#observe();
    }
    if (connectionState === "failed") this.#recover();
    if (connectionState === "disconnected") this.#recoverIn(DISCONNECTED_LIMIT);
  }

  /** A browser that changes its network is heard of before its old path is dead. */
  #watchNetwork() {
    const { signal } = this.#stopped;
    const changed = () => this.#recovery.everConnected && this.restartIce().catch(() => {});
    addEventListener("online", changed, { signal });
    const network = navigator.connection;
    let type = network?.type;
    // It tells of other measurements as well.
    const compare = () => network.type !== type && ((type = network.type), changed());
    network?.addEventListener?.("change", compare, { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#recovery.timer));
  }

  #recoverIn(delay) {
    clearTimeout(this.#recovery.timer);
    this.#recovery.timer = setTimeout(() => this.#recover(), delay);
  }

  /** Looks for another path, or gives the call up. */
  async #recover() {
    const recovery = this.#recovery;
    if (this.#stopped.signal.aborted) return;
    if (!recovery.everConnected || recovery.restarts === RESTARTS) {
      return this.#giveUp("no network path carries audio between this browser and the gateway");
    }
    recovery.restarts += 1;
    try {
      await this.restartIce();
    } catch {
      // The gateway was not reached, or does not want to: perhaps the next time.
      this.#recoverIn(RETRY_DELAYS[recovery.restarts - 1]);
    }
  }

  #measure() {
    const sent = this.analyserOut ? rms(this.analyserOut) : 0;
    const received = this.analyserIn ? rms(this.analyserIn) : 0;
    this.#emit("levels", { sent, received });
  }

  async #observe() {
    const report = await this.#connection.getStats().catch(() => null);
    if (!report || this.#stopped.signal.aborted) return;
    const pair = selectedPair(report);
    if (pair && JSON.stringify(pair) !== JSON.stringify(this.#pair)) {
      this.#pair = pair;
      this.#emit("pair", pair);
    }
    this.#emit("stats", summary(report));
  }

  /** Reads the gateway's events until the call is over, through broken connections. */
  async #follow() {
    const { signal } = this.#stopped;
    let failures = 0;
    while (!signal.aborted) {
      const began = performance.now();
      try {
        await this.#gateway.events(this.#url, signal, (detail) => this.#advance(detail));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ProblemError && error.status < 500 && error.status !== 429) {
          if (error.status !== 404) return this.#giveUp(error.message);
          // There is nothing left to hang up.
          return this.#finish({ state: "failed", reason: "the gateway no longer knows this call" });
        }
      }
      if (performance.now() - began > STEADY) failures = 0;
      if (failures === RETRY_DELAYS.length) {
        return this.#giveUp("the connection to the gateway is lost");
      }
      await pause(RETRY_DELAYS[failures], signal);
      failures += 1;
    }
  }
}

/** What a call holds and must give back. */
class Resources {
  #audio;
  #context = null;
  #microphone = null;
  #connection = null;
  #playing = null;

  constructor(audio) {
    this.#audio = audio;
  }

  openAudioContext() {
    // Levels are a service, not a condition: without Web Audio the call works.
    if (globalThis.AudioContext) this.#context = new AudioContext();
  }

  async openMicrophone(media) {
    if (!navigator.mediaDevices) {
      throw new DOMException("the microphone needs a page on https or localhost", "SecurityError");
    }
    const constraints = media ?? { audio: true };
    this.#microphone = await navigator.mediaDevices.getUserMedia(constraints);
    return this.#microphone;
  }

  openConnection(configuration) {
    this.#connection = new RTCPeerConnection(configuration);
    return this.#connection;
  }

  analyse(stream) {
    if (!this.#context || stream.getAudioTracks().length === 0) return null;
    this.#context.resume().catch(() => {});
    const analyser = this.#context.createAnalyser();
    this.#context.createMediaStreamSource(stream).connect(analyser);
    return analyser;
  }

  play(stream) {
    if (!this.#audio) return;
    this.#playing = stream;
    this.#audio.srcObject = stream;
    // Autoplay may be forbidden; the element's own controls still work then.
    this.#audio.play().catch(() => {});
  }

  release() {
    // A stream that the caller brought is the caller's to stop.
    this.#microphone?.getTracks().forEach((track) => track.stop());
    this.#connection?.close();
    this.#context?.close().catch(() => {});
    // The element may play another call by now.
    if (this.#playing && this.#audio.srcObject === this.#playing) this.#audio.srcObject = null;
    this.#context = this.#microphone = this.#playing = null;
  }
}

/** Collects the candidates of an ICE session and delivers them, one request at a time. */
class CandidateQueue {
  #connection;
  #lines = [];
  #wake = () => {};
  #complete = false;
  #delivery = new AbortController();

  constructor(connection) {
    this.#connection = connection;
    connection.addEventListener("icecandidate", ({ candidate }) => {
      // An empty string ends one generation; null ends them all.
      if (candidate?.candidate) this.#lines.push(`a=${candidate.candidate}`);
      if (!candidate) this.#complete = true;
      this.#wake();
    });
  }

  /** ICE restarts: what comes from now on belongs to the next session. */
  begin() {
    this.#delivery.abort();
    this.#delivery = new AbortController();
    this.#lines = [];
    this.#complete = false;
  }

  /** Sends what has come so far and then whatever comes, until the end of candidates. */
  async deliver(send, parent) {
    const signal = AbortSignal.any([parent, this.#delivery.signal]);
    signal.addEventListener("abort", () => this.#wake());
    let failures = 0;
    let ended = false;
    while (!ended && !signal.aborted) {
      if (this.#lines.length === 0 && !this.#complete) {
        await new Promise((wake) => (this.#wake = wake));
        continue;
      }
      const lines = this.#lines.splice(0);
      ended = this.#complete;
      try {
        await send(fragment(this.#connection.localDescription.sdp, lines, ended));
        failures = 0;
      } catch (error) {
        // What belongs to the session from before a restart is of no use in the next.
        if (signal.aborted) return;
        const final = error instanceof ProblemError && error.status < 500 && error.status !== 429;
        // The gateway may have what it needs already: the call decides, not this request.
        if (final || failures === RETRY_DELAYS.length) return;
        this.#lines.unshift(...lines);
        ended = false;
        await pause(RETRY_DELAYS[failures], signal);
        failures += 1;
      }
    }
  }
}

/** A trickle fragment (RFC 8840 §9) of the first media section, to which all are bundled. */
function fragment(sdp, candidates, complete) {
  const lines = sdp.split(/\r\n|\n/);
  const first = (start) => lines.find((line) => line.startsWith(start));
  const head = ["m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:"].map(first).filter(Boolean);
  const end = complete ? ["a=end-of-candidates"] : [];
  return [...head, ...candidates, ...end, ""].join("\r\n");
}

/** An answer with the ICE credentials and candidates of a fragment in place of its own. */
function renewed(answer, fragment) {
  const lines = (text) => text.split(/\r\n|\n/).filter(Boolean);
  const isIce = (line) => /^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)\b/.test(line);
  const fresh = lines(fragment).filter(isIce);
  const mid = lines(fragment).find((line) => line.startsWith("a=mid:"));
  const kept = lines(answer).filter((line) => !isIce(line));
  const joined = kept.flatMap((line) => (line === mid ? [line, ...fresh] : [line]));
  return [...joined, ""].join("\r\n");
}

/** The gateway's HTTP interface. */
class Gateway {
  #base;
  #token;

  constructor(base, token) {
    this.#base = new URL(base, location.href);
    this.#token = token;
  }

  async iceServers(signal) {
    const response = await this.#fetch("v1/ice-servers", { signal });
    return response.json();
  }

  /** `grant` names the TURN login that came with the ICE servers: it lives as long as the call. */
  async offer(to, sdp, grant) {
    const query = new URLSearchParams(grant ? { to, grant } : { to });
    const path = `v1/calls?${query}`;
    const headers = { "Content-Type": "application/sdp" };
    const response = await this.#fetch(path, { method: "POST", headers, body: sdp });
    const url = new URL(response.headers.get("Location") ?? "", response.url);
    // The token goes where the call is: never to another server.
    if (url.origin !== this.#base.origin) throw new TypeError("the call is at another server");
    return { url, etag: response.headers.get("ETag"), answer: await response.text() };
  }

  async trickle(url, etag, body) {
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": etag };
    await this.#fetch(url, { method: "PATCH", headers, body });
  }

  /** Restarts ICE (RFC 9725 §4.3.3). The entity tag from before is stale then. */
  async restart(url, body, signal) {
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" };
    const limited = AbortSignal.any([signal, AbortSignal.timeout(RESTART_LIMIT)]);
    const response = await this.#fetch(url, { method: "PATCH", headers, body, signal: limited });
    return { etag: response.headers.get("ETag"), answer: await response.text() };
  }

  /** `keepalive`: it must get through while the page goes away. */
  async hangUp(url) {
    await this.#fetch(url, { method: "DELETE", keepalive: true });
  }

  /** Reads one event stream to its end. */
  async events(url, signal, onState) {
    const silence = new Watchdog(SILENCE_LIMIT, signal);
    try {
      const headers = { Accept: "text/event-stream" };
      const path = new URL(`${url.pathname}/events`, url);
      const init = { headers, signal: silence.signal, cache: "no-store" };
      const response = await this.#fetch(path, init);
      const messages = new EventReader((type, data) => {
        if (type === "state") onState(JSON.parse(data));
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        silence.reset();
        messages.push(value);
      }
    } finally {
      silence.stop();
    }
  }

  async #fetch(path, { headers = {}, ...init }) {
    if (this.#token) headers = { ...headers, Authorization: `Bearer ${this.#token}` };
    const response = await fetch(new URL(path, this.#base), { ...init, headers }).catch(unreachable);
    if (!response.ok) throw await problem(response);
    return response;
  }
}

/** A TypeError is all that `fetch` says when the network, CORS or the browser's user is against it. */
async function unreachable(error) {
  if (!(error instanceof TypeError)) throw error;
  throw new UnreachableError(error, await localNetworkAccess());
}

async function problem(response) {
  const { status, statusText } = response;
  const isProblem = /^application\/problem\+json\b/i.test(response.headers.get("Content-Type"));
  const body = isProblem ? await response.json().catch(() => ({})) : {};
  return new ProblemError({ title: statusText, ...body, status });
}

/** Server-sent events (HTML standard), fed with text as it comes. */
class EventReader {
  #rest = "";
  #type = "";
  #data = [];
  #onMessage;

  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  push(text) {
    this.#rest += text;
    // A carriage return at the very end may be half of a line end.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    lines.forEach((line) => this.#line(line));
    const size = this.#data.reduce((sum, line) => sum + line.length, this.#rest.length);
    if (size > LONGEST_MESSAGE) throw new RangeError("an event of the gateway is too long");
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") this.#type = value;
    if (field === "data") this.#data.push(value);
  }

  #dispatch() {
    if (this.#data.length > 0) this.#onMessage(this.#type || "message", this.#data.join("\n"));
    this.#type = "";
    this.#data = [];
  }
}

/** A signal that aborts with its parent, or when `reset` does not come for `limit` ms. */
class Watchdog {
  #controller = new AbortController();
  #limit;
  #timer;

  constructor(limit, parent) {
    this.#limit = limit;
    this.signal = AbortSignal.any([parent, this.#controller.signal]);
    this.reset();
  }

  reset() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), this.#limit);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

/** The root of the mean square of what an analyser heard last: 0 is silence, 1 full scale. */
function rms(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  const sum = samples.reduce((total, sample) => total + sample * sample, 0);
  return Math.min(1, Math.sqrt(sum / samples.length));
}

function selectedPair(report) {
  const all = [...report.values()];
  const named = all.find((s) => s.type === "transport" && s.selectedCandidatePairId);
  const pair = named
    ? report.get(named.selectedCandidatePairId)
    : all.find((s) => s.type === "candidate-pair" && s.selected); // Firefox
  const end = (id) => {
    const candidate = report.get(id);
    if (!candidate) return null;
    const { candidateType: type, address, port, protocol, relayProtocol } = candidate;
    // Hidden addresses are empty in one browser and missing in another.
    return { type, address: address || null, port, protocol, relayProtocol: relayProtocol ?? null };
  };
  const local = pair && end(pair.localCandidateId);
  const remote = pair && end(pair.remoteCandidateId);
  if (!local || !remote) return null;
  return { local, remote, roundTripTime: milliseconds(pair.currentRoundTripTime) };
}

/** The numbers a person asks for when a call sounds bad. */
function summary(report) {
  const all = [...report.values()];
  const audio = (type) => all.find((s) => s.type === type && s.kind === "audio") ?? {};
  const received = audio("inbound-rtp");
  const sent = audio("outbound-rtp");
  const heard = audio("remote-inbound-rtp");
  const codec = report.get(received.codecId ?? sent.codecId);
  return {
    packetsSent: sent.packetsSent ?? 0,
    packetsReceived: received.packetsReceived ?? 0,
    packetsLost: Math.max(0, received.packetsLost ?? 0),
    jitter: milliseconds(received.jitter),
    roundTripTime: milliseconds(heard.roundTripTime),
    codec: codec ? codec.mimeType.replace(/^audio\//i, "") : null,
  };
}

function milliseconds(seconds) {
  return Number.isFinite(seconds) ? Math.round(seconds * 10_000) / 10 : null;
}

function every(interval, signal, work) {
  const timer = setInterval(work, interval);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** Resolves after `delay` ms, or as soon as `signal` aborts. */
function pause(delay, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delay);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
