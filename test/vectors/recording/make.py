#!/usr/bin/env python3
"""Makes the recording test vectors beside this file, from core/recording/FORMAT.md and nothing else.

It shares no code with Custody. It needs Python 3.9 or newer, `cryptography` 42 or newer (deterministic ECDSA) and the
`zstd` command. Keys come from fixed seeds and are worth nothing; the output is the same on every run with the same
zstd. `expected.json` says what a verifier must make of each folder when it trusts `trusted-signer.pem`.

    python3 test/vectors/recording/make.py
"""

import base64
import hashlib
import json
import shutil
import struct
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).resolve().parent
CLIENT, TARGET, GATEWAY, NOTE = range(4)


def seed(text):
    return hashlib.sha256(b"custody test vectors: " + text.encode()).digest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


SIGNER = ec.derive_private_key(int.from_bytes(seed("signer"), "big"), ec.SECP256R1())


def public(key, encoding):
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def frame(time, stream, payload, withheld=False):
    return struct.pack("<IBBHQ", len(payload), stream, 1 if withheld else 0, 0, time) + payload


def zstd(data, *options):
    """One zstd frame, by the command line tool reading a pipe."""
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def zstd_by_hand(data):
    """One zstd frame written by hand (RFC 8878): single segment, a 2-byte content size, one raw block, no checksum."""
    assert 256 <= len(data) < 65536 + 256
    header = struct.pack("<IBH", 0xFD2FB528, 0x60, len(data) - 256)
    return header + struct.pack("<I", len(data) << 3 | 1)[:3] + data


class Session:
    """Writes one session's folder."""

    def __init__(self, name, session):
        self.folder = HERE / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.session = session
        self.recorder = Ed25519PrivateKey.from_private_bytes(seed(name))
        self.journal = None
        self.segments = self.frames = self.bytes = 0
        (self.folder / "signer.pem").write_bytes(public(SIGNER, serialization.Encoding.PEM))

    def statement(self, name, members, **style):
        data = json.dumps(members, ensure_ascii=False, **style).encode()
        assert len(data) <= 4352
        (self.folder / name).write_bytes(data)
        signature = SIGNER.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        (self.folder / (name + ".sig")).write_bytes(signature)
        return data

    def journal_key(self):
        """What vouches for the end of the recording, if the gateway dies. Earlier writers had none."""
        self.journal = Ed25519PrivateKey.from_private_bytes(seed("journal"))

    def open(self, principal=None, **style):
        members = {
            "type": "custody/open/1",
            "session": self.session,
            "startedAt": "2026-11-23T09:00:00.000Z",
            "principal": {
                "issuer": "http://127.0.0.1:7401",
                "subject": "dev-1",
                "email": "dana@example.com",
                "groups": ["developers", "größer"],
                "groupsOmitted": 0,
                **(principal or {}),
            },
            "target": {"name": "orders-db", "protocol": "postgres", "address": "127.0.0.1:7432"},
            "client": {"address": "127.0.0.1:50412", "application": "psql \"x\", {y}", "user": "dana"},
            "grant": {"rule": "developers-work"},
            "policy": sha256(b"policy"),
            "gateway": {"version": "0.1.0", "task": "task-1"},
            "durability": {"mode": "windowed", "windowMs": 250},
            "recorder": base64.b64encode(public(self.recorder, serialization.Encoding.DER)).decode(),
            **({"journal": base64.b64encode(public(self.journal, serialization.Encoding.DER)).decode()} if self.journal else {}),
            "signer": sha256(public(SIGNER, serialization.Encoding.DER)),
            "later": {"open": "members that readers do not know are ignored"},
        }
        self.opened = self.previous = self.statement("open.json", members, **style)

    def segment(self, blocks, frames, size, until, others=None):
        """`others`: heads of other sessions' that one manifest lists with this one's; the journal key signs that instead."""
        content = b"".join(blocks)
        head = {
            "type": "custody/head/1",
            "session": self.session,
            "segment": self.segments,
            "frames": frames,
            "bytes": size,
            "content": len(content),
            "sha256": sha256(content),
            "previous": sha256(self.previous),
            "until": until,
        }
        padded = json.dumps(head, separators=(",", ":")).encode().ljust(439) + b"\n"
        assert len(padded) == 440
        manifest, signature = b"", self.recorder.sign(padded)
        if others is not None:
            lines = sorted(sha256(head) for head in [*others, padded])
            text = "".join(line + "\n" for line in ["custody/manifest/1", *lines]).encode()
            manifest, signature = struct.pack("<II", 0x184D2A51, len(text)) + text, self.journal.sign(text)
        self.previous = manifest + content + struct.pack("<II", 0x184D2A50, 504) + padded + signature
        (self.folder / f"{self.segments:08d}.seg").write_bytes(self.previous)
        self.segments += 1
        self.frames += frames
        self.bytes += size

    def close(self, reason, recorded_until, recovered=False, **style):
        members = {
            "type": "custody/close/1",
            "session": self.session,
            "endedAt": "2026-11-23T09:04:10.120Z",
            "reason": reason,
            "recovered": recovered,
            "recordedUntil": recorded_until,
            "segments": self.segments,
            "frames": self.frames,
            "bytes": self.bytes,
            "open": sha256(self.opened),
            "last": sha256(self.previous),
            "signer": sha256(public(SIGNER, serialization.Encoding.DER)),
        }
        self.statement("close.json", members, **style)


def three_segments():
    session = Session("three-segments", "019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f")
    session.open(indent=2)
    query = b"Q\0\0\0\rselect 1\0"
    session.segment(
        [
            zstd(frame(1_000, CLIENT, bytes(20), withheld=True) + frame(2_000, GATEWAY, b"R\0\0\0\x08\0\0\0\0")),
            zstd(frame(3_000, CLIENT, query), "-19", "--no-check"),
        ],
        frames=3, size=20 + 9 + len(query), until=250_000,
    )
    rows = b"".join(b"D\0\0\0\x11\0\1\0\0\0\7row %03d" % number for number in range(500))
    session.segment(
        [zstd(frame(251_000 + number, TARGET, rows), f"-{number}") for number in (1, 3)]
        + [zstd_by_hand(frame(300_000, TARGET, rows[:900]) + frame(300_000, TARGET, b""))],
        frames=4, size=2 * len(rows) + 900, until=500_000,
    )
    note = b'{"note":"cancel"}'
    session.segment([zstd(frame(9_000_000, NOTE, note))], frames=1, size=len(note), until=250_120_000)
    session.close("client-closed", 250_120_000, indent=2)


def empty():
    session = Session("empty", "019aaf3e-6d1c-7a61-9f43-000000000001")
    session.open(separators=(",", ":"))
    session.close("target-refused", 0, separators=(",", ":"))


def recovered():
    session = Session("recovered", "019aaf3e-6d1c-7a61-9f43-000000000002")
    session.open()
    session.segment([zstd(frame(1_000, CLIENT, b"begin"))], frames=1, size=5, until=60_000_000)
    session.segment([zstd(frame(60_000_001, CLIENT, b"insert"))], frames=1, size=6, until=61_500_250)
    session.close("recovered", 61_500_250, recovered=True)


def recovered_tail():
    session = Session("recovered-tail", "019aaf3e-6d1c-7a61-9f43-000000000005")
    session.journal_key()
    session.open()
    session.segment([zstd(frame(1_000, CLIENT, b"begin"))], frames=1, size=5, until=60_000_000)
    session.segment([zstd(frame(60_000_001, CLIENT, b"insert")), zstd(frame(60_000_009, TARGET, b"ok"))], frames=2, size=8,
                    until=61_500_250, others=[b"another session's head".ljust(440), b"and another's".ljust(440)])
    session.close("recovered", 61_500_250, recovered=True)


def unsealed():
    session = Session("unsealed", "019aaf3e-6d1c-7a61-9f43-000000000003")
    session.open()
    session.segment([zstd(frame(1_000, CLIENT, b"begin"))], frames=1, size=5, until=250_000)


def acted():
    session = Session("acted", "019aaf3e-6d1c-7a61-9f43-000000000004")
    session.open(principal=ACTED)
    session.close("target-refused", 0)


ACTED = {
    "issuerName": "okta",
    "actors": [{"issuer": "https://ci.example.com", "subject": "agent-7"},
               {"issuer": "http://127.0.0.1:7401", "subject": "planner"}],
    "claims": {"ref": "refs/heads/größer", "roles": ["a", "b"]},
    "claimsOmitted": 1,
    "leeway": 12,
}

EXPECTED = {
    "three-segments": {"verdict": "verified", "reason": "client-closed", "recovered": False, "segments": 3,
                       "frames": 8, "bytes": 18_960, "recordedUntil": 250_120_000},
    "empty": {"verdict": "verified", "reason": "target-refused", "recovered": False, "segments": 0,
              "frames": 0, "bytes": 0, "recordedUntil": 0},
    "recovered": {"verdict": "verified", "reason": "recovered", "recovered": True, "segments": 2,
                  "frames": 2, "bytes": 11, "recordedUntil": 61_500_250},
    "recovered-tail": {"verdict": "verified", "reason": "recovered", "recovered": True, "segments": 2,
                       "frames": 3, "bytes": 13, "recordedUntil": 61_500_250},
    "unsealed": {"verdict": "incomplete", "recovered": False, "segments": 1,
                 "frames": 1, "bytes": 5, "recordedUntil": 250_000},
    "acted": {"verdict": "verified", "reason": "target-refused", "recovered": False, "segments": 0,
              "frames": 0, "bytes": 0, "recordedUntil": 0,
              "principal": {"issuerName": "okta", "subject": "dev-1", "actors": ACTED["actors"], "leeway": 12}},
}

if __name__ == "__main__":
    (HERE / "trusted-signer.pem").write_bytes(public(SIGNER, serialization.Encoding.PEM))
    three_segments()
    empty()
    recovered()
    recovered_tail()
    unsealed()
    acted()
    (HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=2) + "\n")
