// The page: a small user of crosspoint.js.

import { dial, localNetworkAccess, ProblemError, UnreachableError } from "./crosspoint.js";

const $ = (id) => document.getElementById(id);
const TOKEN = "crosspoint-token";
const FLOOR = -60; // dB of full scale at the left end of a meter
const PEAK_FALL = 0.01; // of the scale, ten times a second
const QUESTION_AFTER = 1500; // ms without an answer; then perhaps the browser is asking something

const NAMES = {
  idle: "Ready",
  dialing: "Dialling…",
  trying: "Connecting…",
  ringing: "Ringing…",
  answered: "In call",
  held: "On hold",
  failed: "Call failed",
  ended: "Call ended",
};

/** The call under way: `null`, or `{ abort, call, timer }` with `call` once `dial` has it. */
let current = null;

// For tests, and for the curious at the console.
window.crosspoint = { dial, lastCall: null };

function show(state, reason = "") {
  document.body.dataset.state = state;
  document.body.removeAttribute("data-held");
  $("state").textContent = NAMES[state];
  $("reason").textContent = reason;
}

$("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!current) start($("to").value.trim());
});

$("hangup").addEventListener("click", () => {
  if (current?.call) current.call.hangUp();
  else current?.abort.abort();
});

$("to").addEventListener("input", () => {
  $("far-name").textContent = $("to").value;
  if (current) return;
  // How the last call went says nothing of the next.
  show("idle");
  $("elapsed").hidden = $("help").hidden = true;
});

async function start(to) {
  const attempt = { abort: new AbortController(), call: null, timer: 0 };
  current = attempt;
  reset(to);
  show("dialing");
  toggleControls(true);
  const token = $("token").value.trim();
  const question = setTimeout(explainQuestion, QUESTION_AFTER);
  try {
    const audio = $("remote");
    const { signal } = attempt.abort;
    attempt.call = await dial({ to, audio, signal, token: token || undefined });
  } catch (error) {
    finish(() => explain(error));
    return;
  } finally {
    clearTimeout(question);
  }
  $("help").hidden = true;
  if (token) sessionStorage.setItem(TOKEN, token);
  attach(attempt);
}

function attach(attempt) {
  const { call } = attempt;
  window.crosspoint.lastCall = call;
  call.addEventListener("state", ({ detail }) => advance(attempt, detail));
  call.addEventListener("hold", ({ detail }) => {
    document.body.toggleAttribute("data-held", detail.held);
    $("state").textContent = NAMES[detail.held ? "held" : "answered"];
  });
  call.addEventListener("levels", ({ detail }) => {
    meter("out", detail.sent);
    meter("in", detail.received);
  });
  call.addEventListener("pair", ({ detail }) => ($("pair").textContent = pairText(detail)));
  call.addEventListener("stats", ({ detail }) => showStats(call, detail));
  call.addEventListener("connection", ({ detail }) => {
    if (call.state.state !== "answered") return;
    $("reason").textContent =
      detail.state === "disconnected" ? "The line is interrupted; waiting for it to come back." : "";
  });
  for (const track of call.localStream.getAudioTracks()) {
    track.addEventListener("ended", () => {
      $("reason").textContent = "The microphone was unplugged or taken away: nobody hears you.";
    });
  }
  $("mute").disabled = false;
  show("trying");
}

function advance(attempt, detail) {
  switch (detail.state) {
    case "trying":
    case "ringing":
      return show(detail.state);
    case "answered": {
      const began = performance.now();
      attempt.timer = setInterval(() => showElapsed(performance.now() - began), 250);
      showElapsed(0);
      $("elapsed").hidden = false;
      for (const key of $("keypad").children) key.disabled = false;
      return show("answered");
    }
    case "failed":
      return finish(() => show("failed", failureText(detail)));
    case "ended":
      return finish(() => show("ended", endText(detail)));
  }
}

/** Back to where a call can be placed; `tell` says how the last one went. */
function finish(tell) {
  clearInterval(current?.timer);
  current = null;
  const focused = document.activeElement === $("hangup");
  toggleControls(false);
  if (focused) $("call").focus();
  tell();
}

function toggleControls(busy) {
  const focused = document.activeElement;
  $("to").disabled = $("token").disabled = busy;
  $("call").hidden = busy;
  $("hangup").hidden = !busy;
  if (busy) {
    if (focused === $("call") || focused === $("to")) $("hangup").focus();
    return;
  }
  for (const key of $("keypad").children) key.disabled = true;
  $("mute").disabled = true;
  $("mute").setAttribute("aria-pressed", "false");
  meter("out", 0);
  meter("in", 0);
}

function reset(to) {
  $("far-name").textContent = to;
  $("elapsed").hidden = true;
  $("help").hidden = true;
  $("pair").textContent = $("packets").textContent = $("quality").textContent = "–";
}

// How it went, in words.

function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return "";
  const end = /[.!?]$/.test(trimmed) ? "" : ".";
  return trimmed[0].toUpperCase() + trimmed.slice(1) + end;
}

function failureText({ reason = "", status }) {
  const code = status ? ` (SIP ${status})` : "";
  return sentence((reason || "the call did not go through") + code);
}

function endText({ by, reason = "" }) {
  const who = { browser: "You hung up.", phone: "The far side hung up.", gateway: "The gateway ended the call." };
  const more = by === "gateway" ? ` ${sentence(reason)}` : "";
  return ((who[by] ?? "") + more).trim();
}

function explain(error) {
  $("help").hidden = true;
  if (error.name === "AbortError") return show("ended", "You hung up.");
  if (error instanceof ProblemError) {
    if (error.status === 401) return askForToken();
    return show("failed", sentence(error.message));
  }
  const help = error instanceof UnreachableError ? networkHelp(error) : microphoneHelp(error.name);
  if (!help) return show("failed", sentence(error.message));
  const [reason, steps] = help;
  if (steps) advise("What to do:", steps);
  show("failed", reason);
}

function advise(title, steps) {
  const list = document.createElement("ul");
  list.append(...steps.map((step) => Object.assign(document.createElement("li"), { textContent: step })));
  $("help").replaceChildren(title, list);
  $("help").hidden = false;
}

/** Nothing happens while the browser waits for an answer that nobody knows is asked for. */
async function explainQuestion() {
  if ((await localNetworkAccess()) !== "prompt" || !current || current.call) return;
  advise("Does the browser ask whether this page may reach devices on your local network?", [
    "Allow it: the gateway and its audio are on that network. The page looks for nothing else there.",
  ]);
}

/** Why the gateway was not reached, and what helps. */
function networkHelp({ localNetwork }) {
  if (localNetwork !== "denied") {
    return ["The gateway does not answer. Is it running, and is the network up?"];
  }
  return [
    "The browser keeps this page away from your local network, where the gateway is.",
    ["Press the icon left of the address, allow the local network, then call again."],
  ];
}

/** Why there is no microphone, and what helps, by the name of getUserMedia's error. */
function microphoneHelp(name) {
  switch (name) {
    case "NotAllowedError":
      return [
        "The browser does not let this page use the microphone.",
        [
          "Press the icon left of the address, allow the microphone, then call again.",
          "If it is allowed there, allow it for the browser in the privacy settings of the system.",
        ],
      ];
    case "NotFoundError":
    case "OverconstrainedError":
      return [
        "No microphone was found.",
        ["Plug one in or switch it on, then call again.", "In a remote desktop, pass the microphone through."],
      ];
    case "NotReadableError":
      return [
        "The microphone is there, but it cannot be opened.",
        ["Close other programs that use it, then call again.", "If that does not help, plug it in anew."],
      ];
    case "SecurityError":
      return [
        "Browsers open the microphone only on secure pages.",
        ["Open this page with https, or on the gateway's own machine as localhost."],
      ];
    default:
      return null;
  }
}

function askForToken() {
  const wrong = $("token").value !== "";
  sessionStorage.removeItem(TOKEN);
  $("token-field").hidden = false;
  $("token").value = "";
  show("failed", wrong ? "The gateway does not know this token." : "This gateway asks for a token.");
  $("token").focus();
}

// Numbers.

function meter(side, level) {
  const element = $(`level-${side}`);
  const decibels = level > 0 ? Math.max(FLOOR, 20 * Math.log10(level)) : FLOOR;
  const position = 1 - decibels / FLOOR;
  const fallen = Number(element.style.getPropertyValue("--peak")) - PEAK_FALL;
  element.style.setProperty("--level", position.toFixed(3));
  element.style.setProperty("--peak", (level > 0 ? Math.max(position, fallen) : 0).toFixed(3));
  element.dataset.level = level.toFixed(4);
  const silent = decibels <= FLOOR;
  const text = silent ? "silent" : `${Math.round(decibels)} dB`.replace("-", "−");
  element.setAttribute("aria-valuenow", Math.round(decibels));
  element.setAttribute("aria-valuetext", text);
  $(`decibels-${side}`).textContent = silent ? "" : text;
}

function pairText({ local, remote, roundTripTime }) {
  const end = ({ type, address, port, relayProtocol }) => {
    const host = address?.includes(":") ? `[${address}]` : (address ?? "hidden");
    const over = relayProtocol ? ` over\u00a0${relayProtocol.toUpperCase()}` : "";
    return `${host}:${port} (${TYPES[type] ?? type}${over})`;
  };
  // Behind a relay it is UDP always; how the relay is reached is what matters.
  const protocol = local.relayProtocol ? "" : `, ${local.protocol.toUpperCase()}`;
  const time = roundTripTime === null ? "" : `, ${roundTripTime}\u00a0ms`;
  return `${end(local)} ↔ ${end(remote)}${protocol}${time}`;
}

const TYPES = { host: "direct", srflx: "behind NAT", prflx: "behind NAT", relay: "relayed" };

function showStats(call, stats) {
  const { packetsSent, packetsReceived, packetsLost, jitter, codec } = stats;
  const lost = percent(packetsLost, packetsLost + packetsReceived);
  $("packets").textContent = `${packetsSent} sent, ${packetsReceived} received`;
  const parts = [`${packetsLost} lost (${lost} %)`];
  if (jitter !== null) parts.push(`jitter ${jitter} ms`);
  const negotiated = codec ?? call.state.codec;
  if (negotiated) parts.push(negotiated);
  $("quality").textContent = parts.join(", ");
}

function percent(part, whole) {
  return whole === 0 ? "0" : ((100 * part) / whole).toFixed(1).replace(/\.0$/, "");
}

function showElapsed(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  $("elapsed").textContent = h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// Keys and mute.

function press(button) {
  if (button.disabled || !current?.call) return;
  try {
    current.call.sendDigits(button.value);
  } catch (error) {
    $("reason").textContent = sentence(error.message);
    return;
  }
  button.classList.add("pressed");
  setTimeout(() => button.classList.remove("pressed"), 150);
}

$("keypad").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) press(button);
});

addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement && !event.target.disabled;
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const button = [...$("keypad").children].find((key) => key.value === event.key);
  if (button) press(button);
});

$("mute").addEventListener("click", () => {
  if (!current?.call) return;
  current.call.mute(!current.call.muted);
  $("mute").setAttribute("aria-pressed", String(current.call.muted));
});

// A link may say whom to call: ?to=echo
const wanted = new URLSearchParams(location.search).get("to");
if (wanted) $("to").value = wanted;
$("far-name").textContent = $("to").value;
$("token").value = sessionStorage.getItem(TOKEN) ?? "";
