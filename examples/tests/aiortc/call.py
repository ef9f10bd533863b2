"""Calls the gateway's echo through its TURN server, and tells what came back and which way.

call.py GATEWAY TRANSPORT: the gateway's URL, and udp, tcp or tls. Prints one JSON object.
"""

import asyncio
import fractions
import json
import math
import ssl
import struct
import sys
import time
import urllib.request

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame

RATE = 8000
SAMPLES = 160
TONES = (350, 440, 700, 1000)
SAID = 440
LIMIT = 30  # seconds


class Tone(MediaStreamTrack):
    """A sine without an end."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.sent = 0
        self.began = None

    async def recv(self):
        self.began = self.began or time.monotonic()
        await asyncio.sleep(max(0, self.began + self.sent / RATE - time.monotonic()))
        phase = (2 * math.pi * SAID * n / RATE for n in range(self.sent, self.sent + SAMPLES))
        sound = [int(12000 * math.sin(angle)) for angle in phase]
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(struct.pack(f"<{SAMPLES}h", *sound))
        frame.sample_rate = RATE
        frame.pts = self.sent
        frame.time_base = fractions.Fraction(1, RATE)
        self.sent += SAMPLES
        return frame


def power(sound, rate, hertz):
    """How much of a frequency there is (Goertzel)."""
    step = 2 * math.cos(2 * math.pi * hertz / rate)
    one = two = 0.0
    for sample in sound:
        one, two = sample + step * one - two, one
    return one * one + two * two - step * one * two


async def listen(track):
    """The strongest of the tones in a second of what is heard, once there is sound."""
    sound = []
    while True:
        frame = await track.recv()
        channels = len(frame.layout.channels)
        data = bytes(frame.planes[0])[: 2 * channels * frame.samples]
        sound += struct.unpack(f"<{len(data) // 2}h", data)[::channels]
        if max(map(abs, sound[-frame.samples :])) < 1000:
            sound = []
        if len(sound) >= frame.sample_rate:
            return max(TONES, key=lambda hertz: power(sound, frame.sample_rate, hertz))


def request(url, method="GET", body=None, kind=None):
    """What the gateway answers; who it is does not matter here."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    headers = {"Content-Type": kind} if kind else {}
    asked = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(asked, context=trusting, timeout=LIMIT) as answer:
        return answer.headers, answer.read().decode()


def is_wanted(url, transport):
    if url.startswith("turns:"):
        return transport == "tls"
    return url.startswith("turn:") and url.endswith(f"transport={transport}")


async def call(gateway, transport):
    told = json.loads(request(f"{gateway}v1/ice-servers")[1])
    [server] = [server for server in told["iceServers"] if server.get("username")]
    [url] = [url for url in server["urls"] if is_wanted(url, transport)]
    relay = RTCIceServer(url, server["username"], server["credential"])
    configuration = RTCConfiguration([relay], iceTransportPolicy=RTCIceTransportPolicy.RELAY)
    connection = RTCPeerConnection(configuration)
    heard = asyncio.get_running_loop().create_future()
    connection.on("track", lambda track: heard.set_result(track))
    connection.addTrack(Tone())
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp
    address = f"{gateway}v1/calls?to=echo&grant={told['grant']}"
    headers, answer = request(address, "POST", offer.encode(), "application/sdp")
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    hertz = await listen(await heard)
    ice = connection.getTransceivers()[0].sender.transport.transport.iceGatherer._connection
    local = ice._nominated[1].local_candidate
    request(f"{gateway.rstrip('/')}{headers['Location']}", "DELETE")
    await connection.close()
    print(json.dumps({"heard": hertz, "said": SAID, "type": local.type, "url": url}))


asyncio.run(asyncio.wait_for(call(*sys.argv[1:]), LIMIT))
