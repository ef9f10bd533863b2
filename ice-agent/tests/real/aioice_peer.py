"""An agent of aioice, the ICE of aiortc: `aioice_peer.py controlling|controlled`.

Prints its credentials and candidates as a line of JSON, reads ours, connects, and sends back what it hears
until it hears "bye".
"""

import asyncio
import json
import sys

import aioice


async def main(role):
    connection = aioice.Connection(
        ice_controlling=role == "controlling", components=1, use_ipv6=False
    )
    await connection.gather_candidates()
    ours = {
        "ufrag": connection.local_username,
        "password": connection.local_password,
        "candidates": [candidate.to_sdp() for candidate in connection.local_candidates],
    }
    print(json.dumps(ours), flush=True)
    theirs = json.loads(sys.stdin.readline())
    connection.remote_username = theirs["ufrag"]
    connection.remote_password = theirs["password"]
    for line in theirs["candidates"]:
        await connection.add_remote_candidate(aioice.Candidate.from_sdp(line))
    await connection.add_remote_candidate(None)
    await connection.connect()
    print("connected", flush=True)
    while True:
        data = await connection.recv()
        await connection.send(data)
        if data == b"bye":
            break
    await asyncio.sleep(0.2)
    await connection.close()


asyncio.run(main(sys.argv[1]))
