#!/usr/bin/env python3
"""Verifies an export of a log of Tidings, as docs/notary.md describes it, with nothing but the standard library.

usage: verify.py KEY EXPORT [CHECKPOINT...]

KEY is the verifier key (as `tidings audit key` prints it), EXPORT the output of `tidings audit export`, each CHECKPOINT a file
with a signed head that was kept elsewhere. Exit code 0: the log is what was signed. 1: it is not; the place is printed.
"""
import base64, hashlib, json, struct, sys, uuid

# Ed25519, RFC 8032, section 6: points are (x, y, z, x*y) in extended coordinates
P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)

def add(a, b):
    m, n = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    t, z = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = n - m, z - t, z + t, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(number, point):
    product = (0, 1, 1, 0)
    while number:
        if number & 1:
            product = add(product, point)
        point, number = add(point, point), number >> 1
    return product

def point(data):
    y = int.from_bytes(data, "little")
    y, sign = y & (1 << 255) - 1, y >> 255
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if (x * x - xx) % P == 0 else x * ROOT % P
    if y >= P or (x * x - xx) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P

def is_signature(public, message, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % Q
    a, b = times(s, point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))), add(point(r), times(h, point(public)))
    return len(signature) == 64 and s < Q and all((a[i] * b[2] - b[i] * a[2]) % P == 0 for i in (0, 1))

def sha256(data):
    return hashlib.sha256(data).digest()

def read_checkpoint(note, key):
    """Size and root of a signed head; it must be signed by the key."""
    name, key_id, public = key.strip().split("+", 2)
    public = base64.b64decode(public, validate=True)
    if public[0] != 1 or sha256(name.encode() + b"\n" + public)[:4].hex() != key_id:
        raise ValueError("this is no verifier key")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    if origin != name:
        raise ValueError("a checkpoint is of another log")
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if (dash, signer, signature[:4].hex()) == ("\u2014", name, key_id):
            if is_signature(public[1:], text.encode(), signature[4:]):
                return int(size), base64.b64decode(root, validate=True)
    raise ValueError("a checkpoint is not signed by the key")

def leaf_hash(entry):
    field = lambda data: struct.pack(">I", len(data)) + data
    return sha256(b"\x00" + field(b"tidings-event-v1") + struct.pack(">Q", entry["position"])
        + field(entry["stream"].encode()) + struct.pack(">Q", entry["version"]) + field(uuid.UUID(entry["id"]).bytes)
        + field(entry["name"].encode()) + struct.pack(">q", entry["recorded_at"])
        + field(base64.b64decode(entry["data"])) + field(base64.b64decode(entry["metadata"])))

def push(peaks, leaf):
    """Adds a leaf to the peaks of a tree, the largest first: (leaves below, hash)."""
    peaks.append((1, leaf))
    while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
        (count, right), (_, left) = peaks.pop(), peaks.pop()
        peaks.append((2 * count, sha256(b"\x01" + left + right)))

def root_of(peaks):
    hashes = [hash for _, hash in peaks] or [sha256(b"")]
    while len(hashes) > 1:
        right, left = hashes.pop(), hashes.pop()
        hashes.append(sha256(b"\x01" + left + right))
    return hashes[0]

def verify(key, export, notes):
    with open(export, encoding="utf-8") as lines:
        notes = notes + [json.loads(line)["checkpoint"] for line in lines if line.startswith('{"checkpoint"')]
    heads = sorted(read_checkpoint(note, key) for note in notes)
    if not heads:
        raise ValueError("there is no signed head to compare with")
    peaks, size, last, good, waiting = [], 0, 0, 0, list(heads)
    with open(export, encoding="utf-8") as lines:
        for entry in (json.loads(line) for line in lines if not line.startswith('{"checkpoint"')):
            position, index = entry["position"], entry.get("index")
            if index is None:
                raise ValueError(f"position {position} was not there when its neighbours were signed")
            if position <= last or index < size:
                raise ValueError(f"position {position} comes after position {last}")
            if index > size:
                raise ValueError(f"entry {size} is missing: after position {last} the log goes on with position {position}")
            leaf = leaf_hash(entry)
            if "leaf_hash" in entry and base64.b64decode(entry["leaf_hash"]) != leaf:
                raise ValueError(f"position {position} differs from what was signed (entry {index})")
            push(peaks, leaf)
            size, last = size + 1, position
            while waiting and waiting[0][0] == size:
                if waiting.pop(0)[1] != root_of(peaks):
                    raise ValueError(f"the log is not the one whose head of {size} entries was signed: it was rewritten "
                        f"after entry {good} and up to entry {size}, which is at position {last}")
                good = size
    if waiting:
        raise ValueError(f"the log ends with entry {size} of {heads[-1][0]}: what came after position {last} is missing")
    return f"{size} entries are as they were signed in {len(heads)} heads, but for {size - good} that came after"

if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        print(verify(sys.argv[1], sys.argv[2], [open(path, encoding="utf-8").read() for path in sys.argv[3:]]))
    except (OSError, ValueError, KeyError) as difference:
        print(difference)
        sys.exit(1)
