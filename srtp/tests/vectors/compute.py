#!/usr/bin/env python3
"""Computes srtp/computed_packets.json: whole packets under master keys, for every profile and option.

An implementation apart from the crate's, over OpenSSL's AES and HMAC (python3-cryptography), written
as the RFCs put it: first it reproduces what they print (the files beside its own), then it computes.

    srtp/tests/vectors/compute.py
"""

import hashlib
import hmac
import json
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FOLDER = Path(__file__).resolve().parent / "srtp"

# key length, salt length, RTP tag length, RTCP tag length (bytes)
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14, 10, 10),
    "AES_CM_128_HMAC_SHA1_32": (16, 14, 4, 10),
    "AES_256_CM_HMAC_SHA1_80": (32, 14, 10, 10),
    "AES_256_CM_HMAC_SHA1_32": (32, 14, 4, 10),
    "AEAD_AES_128_GCM": (16, 12, 16, 16),
    "AEAD_AES_256_GCM": (32, 12, 16, 16),
    "NULL_HMAC_SHA1_80": (16, 14, 10, 10),
    "NULL_HMAC_SHA1_32": (16, 14, 4, 10),
}


def key_stream(key, iv, length):
    """AES in counter mode from `iv`, 16 bytes."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return encryptor.update(bytes(length))


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def derive(key, salt, label, length):
    """RFC 3711 §4.3.1 and §4.3.3 with rate 0; a salt of 96 bits is padded on its right (RFC 7714 §11)."""
    x = xor(salt.ljust(14, b"\0"), bytes([label]).rjust(8, b"\0")[:8] + bytes(6))
    return key_stream(key, x + b"\0\0", length)


def counter_iv(salt, ssrc, index):
    """RFC 3711 §4.1.1."""
    return xor(salt.ljust(14, b"\0"), bytes(4) + ssrc + index.to_bytes(6, "big")) + b"\0\0"


def gcm_iv(salt, ssrc, index):
    """RFC 7714 §8.1, §9.1."""
    return xor(salt, bytes(2) + ssrc + index.to_bytes(6, "big"))


def tag_of(key, message, length):
    return hmac.new(key, message, hashlib.sha1).digest()[:length]


def header_lengths(packet):
    """Where the extension's first word stands, where its body begins, and where the payload does."""
    at = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10 == 0:
        return at, at, at
    return at, at + 4, at + 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")


def extension_mask(kind, body, ids):
    """Which bytes RFC 6904 §3 encrypts: the data of the elements with these ids.

    Elements end where RFC 8285 ends them: at the id 15 or the id 0 with a length in a one-byte header
    (§4.2, §4.1.2), and before one that is longer than the rest.
    """
    mask, at = bytearray(len(body)), 0
    while at < len(body):
        if body[at] == 0:
            at += 1
            continue
        if kind == b"\xbe\xde":
            element, length, data = body[at] >> 4, (body[at] & 15) + 1, at + 1
            if element in (0, 15):
                break
        elif kind[0] == 0x10 and kind[1] < 16 and at + 1 < len(body):
            element, length, data = body[at], body[at + 1], at + 2
        else:
            break
        if data + length > len(body):
            break
        if element in ids:
            mask[data : data + length] = b"\xff" * length
        at = data + length
    return bytes(mask)


def with_extension(packet):
    """The packet that cryptex encrypts: an empty extension where there was none (RFC 9335 §5.1)."""
    word, body, _ = header_lengths(packet)
    if word != body:
        return packet
    return bytes([packet[0] | 0x10]) + packet[1:word] + b"\xbe\xde\0\0" + packet[word:]


class Keys:
    def __init__(self, profile, key, salt, labels):
        self.profile = profile
        self.aead, self.null = profile.startswith("AEAD"), profile.startswith("NULL")
        encryption, authentication, salting = labels
        self.key = derive(key, salt, encryption, len(key))
        self.authentication = derive(key, salt, authentication, 20)
        self.salt = derive(key, salt, salting, len(salt))

    def encrypted(self, ssrc, index, associated, text):
        """Ciphertext, and the tag of an AEAD."""
        if self.null:
            return text
        if self.aead:
            return AESGCM(self.key).encrypt(gcm_iv(self.salt, ssrc, index), text, associated)
        return xor(text, key_stream(self.key, counter_iv(self.salt, ssrc, index), len(text)))


def protect_rtp(case):
    profile, key, salt = case["profile"], case["key"], case["salt"]
    plain, mki = case["plain"], case.get("mki", b"")
    keys = Keys(profile, key, salt, (0, 1, 2))
    ssrc = plain[8:12]
    index = case["roc"] << 16 | int.from_bytes(plain[2:4], "big")
    word, body, payload = header_lengths(plain)
    if "ids" in case:
        # RFC 6904 §3: AES-CM under keys of its own; with an AEAD its salt has 96 bits.
        stream_key = derive(key, salt, 6, len(key))
        stream_salt = derive(key, salt, 7, len(salt))
        stream = key_stream(stream_key, counter_iv(stream_salt, ssrc, index), payload - body)
        mask = extension_mask(plain[word : word + 2], plain[body:payload], case["ids"])
        hidden = xor(plain[body:payload], bytes(a & b for a, b in zip(stream, mask)))
        plain = plain[:body] + hidden + plain[payload:]
    if case.get("cryptex"):
        # RFC 9335 §5.1, §6: CSRC list, extension body and payload are one run.
        plain = with_extension(plain)
        word, body, payload = header_lengths(plain)
        kind = {b"\xbe\xde": b"\xc0\xde", b"\x10\x00": b"\xc2\xde"}[plain[word : word + 2]]
        first, middle = plain[:12], kind + plain[word + 2 : body]
        sealed = keys.encrypted(ssrc, index, first + middle, plain[12:word] + plain[body:])
        packet = first + sealed[: word - 12] + middle + sealed[word - 12 :]
    else:
        header = plain[:payload]
        packet = header + keys.encrypted(ssrc, index, header, plain[payload:])
    if keys.aead:
        return packet + mki
    roc = case["roc"].to_bytes(4, "big")
    return packet + mki + tag_of(keys.authentication, packet + roc, PROFILES[profile][2])


def protect_rtcp(case):
    profile, plain, mki = case["profile"], case["plain"], case.get("mki", b"")
    keys = Keys(profile, case["key"], case["salt"], (3, 4, 5))
    # What is not encrypted has no E bit (RFC 3711 §3.4).
    word = (case["index"] | (0 if keys.null else 1 << 31)).to_bytes(4, "big")
    clear, hidden, ssrc = plain[:8], plain[8:], plain[4:8]
    sealed = keys.encrypted(ssrc, case["index"], clear + word, hidden)
    if keys.aead:
        return clear + sealed + word + mki
    packet = clear + sealed + word
    return packet + mki + tag_of(keys.authentication, packet, PROFILES[profile][3])


def check_against_the_rfcs():
    def load(name):
        return json.loads((FOLDER / name).read_text())

    for name in ("rfc3711_b2_aes_cm_128.json", "rfc6188_s7_1_aes_cm_256.json"):
        file = load(name)
        key, iv = bytes.fromhex(file["session_key_hex"]), bytes.fromhex(file["iv_hex"])
        stream = key_stream(key, iv, file["keystream_total_bytes"])
        for block in file["blocks"]:
            at = 16 * block["block_index"]
            assert stream[at : at + 16].hex() == block["keystream_hex"], name
    for name in ("rfc3711_b3_kdf.json", "rfc6188_s7_2_kdf_256.json"):
        file = load(name)
        key, salt = (bytes.fromhex(file[f"master_{what}_hex"]) for what in ("key", "salt"))
        for output in file["outputs"]:
            found = derive(key, salt, output["label"], output["length"])
            assert found.hex() == output["output_hex"], name
    for vector in load("rfc7714_s16_s17_gcm.json")["vectors"]:
        keys = Keys(vector["profile"], bytes(16), bytes(12), (0, 1, 2))
        keys.key, keys.salt = (bytes.fromhex(vector[f"session_{w}_hex"]) for w in ("key", "salt"))
        plain = bytes.fromhex(vector["plain_packet_hex"])
        if vector["kind"] == "srtp":
            at, ssrc, word = 12, plain[8:12], b""
            index = vector["roc"] << 16 | vector["seq"]
        else:
            at, ssrc, index = 8, plain[4:8], vector["srtcp_index"]
            word = bytes.fromhex(vector["esrtcp_word_hex"])
        at = at if vector["encrypted"] else len(plain)
        sealed = plain[:at] + keys.encrypted(ssrc, index, plain[:at] + word, plain[at:]) + word
        assert sealed.hex() == vector["protected_packet_hex"], vector["id"]
    file = load("rfc6904_appendix_a.json")
    header = bytes.fromhex("900f" + file["seq"] + "decafbad" + file["ssrc"] + "bede0006")
    case = {
        "profile": "AES_CM_128_HMAC_SHA1_80",
        "key": bytes.fromhex(file["master_key_hex"]),
        "salt": bytes.fromhex(file["master_salt_hex"]),
        "roc": file["roc"],
        "ids": file["encrypted_ids"],
        "plain": header + bytes.fromhex(file["ext_plain_hex"]),
    }
    assert protect_rtp(case)[16:40].hex() == file["ext_encrypted_hex"]


def bytes_of(name, length):
    """As many bytes as wanted, others for each name."""
    return hashlib.shake_128(name.encode()).digest(length)


ONE_BYTE = bytes.fromhex("bede0004 12aabbcc 00 50dd 00 e3 01020304 f7ff".replace(" ", "")) + b"\0"
TWO_BYTE = bytes.fromhex("10000004 0103aabbcc 0000 0500 ff04 01020304 00".replace(" ", ""))
CONTRIBUTORS = bytes.fromhex("0a0b0c0d01020304")

# Extensions of which elements 1 and 2 are chosen, and what does not belong there.
ODD = {
    "id 15 ends the elements": "bede0003 10aa f000 21bbcc 10dd 000000",
    "id 0 with a length ends the elements": "bede0002 10aa 01bbcc 10dd 00",
    "a one-byte element longer than the rest": "bede0002 10aa 25bbccddeeff",
    "padding before the first element": "bede0001 0000 10aa",
    "an element of 16 bytes over two blocks": "bede0009 1f" + 16 * "a5" + "2f" + 16 * "5a" + "0000",
    "a two-byte element longer than the rest": "10000002 0101aa 0205bbccdd",
    "a two-byte id without a length": "10000001 0101aa 02",
    "application bits": "10070001 0102aabb",
    "not of RFC 8285": "abcd0001 0102aabb",
    "the number of cryptex": "c0de0001 11aabb00",
}


def rtp(profile, sequence, contributors=b"", extension=b"", payload=160, padding=0):
    first = 0x80 | len(contributors) // 4 | (0x10 if extension else 0) | (0x20 if padding else 0)
    header = bytes([first, 0x60]) + sequence.to_bytes(2, "big") + bytes_of(profile + " header", 8)
    tail = bytes(max(padding - 1, 0)) + bytes([padding] if padding else [])
    return header + contributors + extension + bytes_of(profile + " payload", payload) + tail


def rtcp(profile, length):
    words = (length // 4 - 1).to_bytes(2, "big")
    return bytes([0x81, 200]) + words + bytes_of(profile + " report", length - 4)


def cases():
    for profile, (key, salt, _, _) in PROFILES.items():
        keys = {
            "profile": profile,
            "key": bytes_of(profile + " key", key),
            "salt": bytes_of(profile + " salt", salt),
        }

        def sent(name, plain, **more):
            return {"id": f"{profile}, {name}", "kind": "srtp", **keys, "plain": plain, "roc": 0, **more}

        def report(name, plain, **more):
            return {"id": f"{profile}, {name}", "kind": "srtcp", **keys, "plain": plain, "index": 0, **more}

        yield sent("160 bytes", rtp(profile, 1))
        yield sent("1 byte", rtp(profile, 0, payload=1))
        yield sent("no payload", rtp(profile, 65535, payload=0))
        yield sent("roll-over counter 1", rtp(profile, 7, payload=20), roc=1)
        yield sent("the last index", rtp(profile, 65535, payload=20), roc=2**32 - 1)
        everything = rtp(profile, 40000, CONTRIBUTORS, ONE_BYTE, 33, padding=4)
        yield sent("CSRC list, extension, padding", everything, roc=0x01020304)
        for length in (1, 4, 128):
            mki = bytes_of("mki", length)
            yield sent(f"MKI of {length}", rtp(profile, 2, payload=20), mki=mki)
        yield report("report", rtcp(profile, 60))
        yield report("8 bytes", rtcp(profile, 8), index=1)
        yield report("the last index of RTCP", rtcp(profile, 28), index=2**31 - 1)
        for length in (1, 4, 128):
            mki = bytes_of("mki", length)
            yield report(f"RTCP with MKI of {length}", rtcp(profile, 32), index=77, mki=mki)
        if profile.startswith("NULL"):
            continue
        for name, extension, ids in (
            ("one-byte ids 1, 14", ONE_BYTE, [1, 14]),
            ("one-byte id 5", ONE_BYTE, [5]),
            ("no such id", ONE_BYTE, [2, 15]),
            ("two-byte ids 1, 255", TWO_BYTE, [1, 255]),
        ):
            plain = rtp(profile, 3, CONTRIBUTORS, extension, 20)
            yield sent(f"RFC 6904, {name}", plain, ids=ids, roc=3)
        for name, extension in ODD.items():
            plain = rtp(profile, 8, CONTRIBUTORS, bytes.fromhex(extension.replace(" ", "")), 5)
            yield sent(f"RFC 6904, {name}", plain, ids=[1, 2])
        mki = bytes_of("mki", 4)
        plain = rtp(profile, 4, b"", ONE_BYTE, 20)
        yield sent("RFC 6904, MKI", plain, ids=[1, 5], mki=mki)
        for name, contributors, extension in (
            ("one-byte", b"", ONE_BYTE),
            ("two-byte, CSRC list", CONTRIBUTORS, TWO_BYTE),
            ("empty extension, CSRC list", CONTRIBUTORS, bytes.fromhex("bede0000")),
            ("15 CSRCs", bytes_of("contributors", 60), ONE_BYTE),
            ("CSRC list alone", CONTRIBUTORS, b""),
        ):
            plain = rtp(profile, 5, contributors, extension, 21)
            yield sent(f"cryptex, {name}", plain, cryptex=True, roc=2)
        plain = rtp(profile, 6, CONTRIBUTORS, ONE_BYTE, 20)
        yield sent("cryptex, MKI", plain, cryptex=True, mki=mki)


def written(case):
    protect = protect_rtp if case["kind"] == "srtp" else protect_rtcp
    line = {
        "id": case["id"],
        "profile": case["profile"],
        "kind": case["kind"],
        "master_key_hex": case["key"].hex(),
        "master_salt_hex": case["salt"].hex(),
        "plain_packet_hex": case["plain"].hex(),
        "protected_packet_hex": protect(case).hex(),
    }
    for name, field in (("roc", "roc"), ("index", "srtcp_index"), ("ids", "encrypted_ext_ids")):
        if name in case:
            line[field] = case[name]
    if "mki" in case:
        line["mki_hex"] = case["mki"].hex()
    if case.get("cryptex") and with_extension(case["plain"]) != case["plain"]:
        line["opened_packet_hex"] = with_extension(case["plain"]).hex()
    return line


def main():
    check_against_the_rfcs()
    lines = [json.dumps(written(case)) for case in cases()]
    source = "computed by compute.py, which first reproduces RFC 3711 B.2 and B.3, RFC 6188 7.1 and 7.2, RFC 6904 A, RFC 7714 16 and 17"
    vectors = ",\n".join(lines)
    (FOLDER / "computed_packets.json").write_text(
        f'{{"source": {json.dumps(source)},\n"vectors": [\n{vectors}\n]}}\n'
    )
    print(f"{len(lines)} packets")


main()
