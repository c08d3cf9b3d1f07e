#!/usr/bin/env python3
"""Check a proof that `bridge prove` wrote, with nothing of the bridge: Python 3.9 or later and this file.

    python check_proof.py proof.json [--key seal.pub] [--checkpoint kept.txt] [--roots roots.pem]

The proof says, in words of the exchange's tables, what was taken in of one record and what was delivered of it.
This checks that each such entry is a leaf of the Merkle tree (RFC 6962) whose root its seal's manifest names, that
the seal's head is the hash of the head before and of that manifest's hash, that the head was signed (Ed25519), and that
the seals after it lead to the newest checkpoint, or to the one that you kept. It exits with 0 if all of that holds.

The signature is checked with the package `cryptography` where it is installed; where it is not, this says so and
prints what openssl needs. Name the public key that the operator gave you with --key: without it, the key that
stands in the proof is believed.

Time stamps (RFC 3161) say when a seal existed at the latest. With --roots, the root certificates of the authority as it
publishes them, each is checked with the program `openssl`, at the moment that it names.
"""

import argparse
import base64
import calendar
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(entry, place, size, path):
    """The root to which an entry's path leads (RFC 9162, 2.1.3.2)."""
    if not 0 <= place < size:
        raise SystemExit("WRONG: an entry's place is outside its tree")
    now, last, left = sha256(b"\x00" + entry), size - 1, list(path)
    while last:
        if place % 2 or place < last:
            if not left:
                raise SystemExit("WRONG: a path is too short")
            other = left.pop(0)
            now = sha256(b"\x01" + (other + now if place % 2 else now + other))
        place //= 2
        last //= 2
    if left:
        raise SystemExit("WRONG: a path is too long")
    return now


def note(text):
    """Number, head, key, signed text and signature of a checkpoint."""
    signed, _, mark = text.partition("\n\n")
    _, number, head, key = signed.split("\n")
    signature = base64.b64decode(mark.split()[2])[4:]
    return int(number), base64.b64decode(head), base64.b64decode(key), (signed + "\n").encode(), signature


def signed_by(key, text, signature):
    """Whether the signature holds; None where it cannot be checked here."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def public_key(path):
    """The 32 bytes of an Ed25519 public key in PEM: the last ones of its DER."""
    lines = Path(path).read_text(encoding="ascii").split("\n")
    return base64.b64decode("".join(line for line in lines if line and not line.startswith("-")))[-32:]


def stamped(answer, head, roots):
    """The moment that a time stamp of this head names, in words, once openssl has found that it holds."""
    openssl = shutil.which("openssl")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "answer.tsr")
        file.write_bytes(answer)
        read = [openssl, "ts", "-reply", "-in", str(file), "-text"]
        told = subprocess.run(read, capture_output=True, text=True, check=False).stdout
        moment = re.search(r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", told, re.MULTILINE)
        if moment is None:
            raise SystemExit("WRONG: a time stamp cannot be read")
        when = time.strptime(" ".join(moment.groups()), "%b %d %H:%M:%S %Y")
        asked = ["-digest", head.hex(), "-in", str(file), "-CAfile", roots, "-attime", str(calendar.timegm(when))]
        judged = subprocess.run([openssl, "ts", "-verify", *asked], capture_output=True, text=True, check=False)
    if judged.returncode != 0 or "Verification: OK" not in judged.stdout + judged.stderr:
        raise SystemExit("WRONG: a time stamp does not hold, or is over another head: %s" % judged.stderr.strip())
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", when)


def main():
    asked = argparse.ArgumentParser(description="Check a proof of the enforcement bridge.")
    asked.add_argument("proof")
    asked.add_argument("--key", help="the operator's public key, PEM")
    asked.add_argument("--checkpoint", help="a checkpoint that you kept")
    asked.add_argument("--roots", help="root certificates of the time-stamping authority, PEM")
    options = asked.parse_args()
    proof = json.loads(Path(options.proof).read_text(encoding="utf-8"))
    if proof["format"] != "enforcement-bridge proof 1":
        raise SystemExit("WRONG: this script does not know the proof's format: %s" % proof["format"])
    key = public_key(options.key) if options.key else None
    heads, chains, unchecked = {}, {}, False
    ends = [note(proof["newest"])]
    if options.checkpoint:
        ends.append(note(Path(options.checkpoint).read_text(encoding="utf-8")))
    for seal in proof["seals"]:
        number, head, signer, text, signature = note(seal["checkpoint"])
        now = sha256(bytes.fromhex(seal["previous"]) + sha256(seal["manifest"].encode()))
        if number != seal["number"] or now != head:
            raise SystemExit("WRONG: seal %d is not the hash of what it seals" % seal["number"])
        if key is not None and signer != key:
            raise SystemExit("WRONG: seal %d is signed with another key than the one given" % number)
        holds = signed_by(signer, text, signature)
        if holds is False:
            raise SystemExit("WRONG: the signature of seal %d does not hold" % number)
        unchecked = unchecked or holds is None
        heads[number] = json.loads(seal["manifest"])
        chain = {number: now}
        for place, manifest in enumerate(seal["later"], number + 1):
            now = sha256(now + bytes.fromhex(manifest))
            chain[place] = now
        chains.update(chain)
        for end, head, signer, text, signature in ends:
            if signed_by(signer, text, signature) is False or (key is not None and signer != key):
                raise SystemExit("WRONG: a checkpoint is not signed with its key")
            if end >= number and chain.get(end) != head:
                raise SystemExit("WRONG: seal %d does not lead to checkpoint %d" % (number, end))
    if not proof["entries"]:
        raise SystemExit("WRONG: the proof says nothing")
    if options.checkpoint and ends[-1][0] < max(heads):
        raise SystemExit(
            "WRONG: your checkpoint %d is older than seal %d; ask for a newer one, or for a proof as of yours"
            % (ends[-1][0], max(heads))
        )
    for entry in proof["entries"]:
        size, root = heads[entry["seal"]][entry["part"]]
        path = [bytes.fromhex(one) for one in entry["path"]]
        if size != entry["size"] or root_of(entry["entry"].encode(), entry["place"], size, path).hex() != root:
            raise SystemExit("WRONG: what seal %d sealed is not %s" % (entry["seal"], entry["entry"]))
        print("seal %d, %s, %d of %d: %s" % (entry["seal"], entry["part"], entry["place"] + 1, size, entry["entry"]))
    print("All %d entries stand as they were sealed." % len(proof["entries"]))
    for stamp in proof.get("stamps", []):
        number = stamp["number"]
        if number not in chains:
            raise SystemExit("WRONG: a time stamp is of seal %d, to which nothing here leads" % number)
        if options.roots and shutil.which("openssl"):
            when = stamped(base64.b64decode(stamp["answer"]), chains[number], options.roots)
            print("Seal %d, and every seal before it, existed on %s." % (number, when))
        else:
            print("The time stamp of seal %d was NOT checked: that takes openssl, and --roots." % number)
    if key is None:
        print("The public key is the one in the proof; name the operator's with --key.")
    if unchecked:
        print("The signatures were NOT checked: install the Python package cryptography and run this again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
