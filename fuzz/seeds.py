#!/usr/bin/env python3
"""Writes the inputs each fuzz target begins with: seeds.py DIRECTORY

They come from what stands in tests/golden already (recorded frames, segment files) and from the table of settings, so
that nothing is kept twice. An input that once broke something is kept in fuzz/corpus/TARGET instead.
"""
import hashlib
import json
import re
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = Path(sys.argv[1])
LARGEST = 8192  # a larger seed only slows the fuzzer down


def put(target, data):
    folder = OUT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def fields_of(header):
    try:
        return json.loads(header).get("extFields") or {}
    except ValueError:
        return {}


def frames():
    for path in sorted((ROOT / "tests/golden/remoting").glob("*.hex")):
        frame = bytes.fromhex(re.sub(r"\s", "", path.read_text()))
        if len(frame) > LARGEST:
            continue
        word, = struct.unpack(">I", frame[4:8])
        header, body = frame[8:8 + (word & 0xFFFFFF)], frame[8 + (word & 0xFFFFFF):]
        put("remoting_frame", frame)
        put("remoting_header", bytes([word >> 24]) + header)
        for properties in filter(None, (fields_of(header).get(key) for key in ("i", "properties"))):
            put("remoting_properties", b"\x04TAGS" + properties.encode())
        if body.startswith(b"{"):
            put("remoting_bodies", body)
        elif body:
            put("remoting_message", body)


def files():
    folder = ROOT / "tests/golden/store/log-v1"
    for segment in folder.glob("*.seg"):
        put("segment", b"\0" + segment.read_bytes())
    put("segment", b"\1" + record(1, b"a payload") + record(2, b"another"))
    put("segment", b"\1" + record(1, b"", offset=7) + record(1, b"moved"))
    for index in folder.glob("*.idx"):
        put("index_file", b"\0" + index.read_bytes())
    put("index_file", b"\1" + struct.pack("<HB", 12, 3) + struct.pack("<HB", 101, 9))


def record(queue, payload, offset=0):
    """A batch of one record, as fuzz/segment_fuzz.cc takes it."""
    head = struct.pack("<IBBBBqqQQiI", 60 + len(payload), 1, 1, 1, 0, 1000, 0, 0, 0, 0, 0)
    bytes_ = head + struct.pack("<IQ", queue, offset) + payload
    bytes_ += bytes(-len(bytes_) % 8)
    return struct.pack("<HB", 0, len(bytes_) // 8) + bytes_


def notes():
    """The notes docs/formats/state-records.md draws: version, type, two bytes of nothing, then what the type has."""
    bodies = {1: struct.pack("<IIQ", 7, 12, 300), 2: struct.pack("<II", 3, 4) + b"name", 3: struct.pack("<I", 3),
              4: struct.pack("<IIQQQQIIq", 3, 1, 90, 80, 85, 50, 2, 0, 0), 5: struct.pack("<QQ", 1, 4096),
              6: struct.pack("<Q", 4096), 7: struct.pack("<QQ", 4096, 1), 8: b"", 9: struct.pack("<QQ", 1, 2),
              10: struct.pack("<I", 7)}
    for kind, body in bodies.items():
        put("state_records", struct.pack("<BBH", 1, kind, 0) + body)


def settings():
    table = (ROOT / "docs/configuration.md").read_text()
    rows = re.findall(r"^\| `([a-z_.]+)` \| `?([^|`]*)`? \|", table, re.M)
    values = [(key, "" if value.strip() == "empty" else value.strip()) for key, value in rows]
    assert len(values) > 40, "docs/configuration.md has no table of settings any more"
    whole, room = b"\0", ""
    for number, (key, value) in enumerate(values):
        put("configuration", b"\3" + bytes([number]) + value.encode())
        head, tail = key.split(".", 1)
        put("configuration", f"\0{head}: {{{tail}: {value or '~'}}}".encode())
        whole += (f"{head}:\n" if head != room else "").encode() + f"  {tail}: '{value}'\n".encode()
        room = head
    put("configuration", whole)
    put("configuration", b"\0a: &a [1, 2]\nremoting:\n  delay_levels: [1s, 5s]\n  trace: !!bool yes # so\nb: *a\n")
    source = (ROOT / "src/server/rocketmq_conf.cc").read_text()
    carried = re.findall(r'^    \{"(\w+)", "[a-z_.]+", \w+\},', source, re.M)
    assert len(carried) > 20, "rocketmq_conf.cc lists its keys otherwise now"
    for key in carried:
        put("configuration", b"\1" + f"{key}=1\n".encode())
    put("configuration", b"\1" + "".join(f"{key} = 1\n" for key in carried).encode())
    put("configuration", b"\1# so\nbrokerRole=SYNC_MASTER\nbrokerId=0\nlistenPort = 10911\ndeleteWhen=04;05\n"
                         b"flushDiskType=SYNC_FLUSH\nmessageDelayLevel=1s 5s \\\n 10s\naclEnable=true\nnoSuchKey=1\n")
    put("configuration", b"\2listenPort=9876\nkvConfigPath=/tmp/kv\nuseEpollNativeSelector=true\n")


for make in (frames, files, notes, settings):
    make()
