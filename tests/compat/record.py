#!/usr/bin/env python3
"""A recording proxy between a RocketMQ client and a server: writes golden frames.

    record.py --namesrv 127.0.0.1:19876 --broker 127.0.0.1:20911 \\
        --client java-4.9.4 --done "what the client does" [--out DIR] -- COMMAND {namesrv} ...

The command runs with {namesrv} replaced by the proxy's address. The name server's answers name the
broker's address; the proxy's own broker port has as many digits, so replacing it changes no length.
Frames are written as the two ends sent them, before that replacement.

For every kind of frame (code, direction, names of the header's fields, answer code) the first one is
kept, at most three kinds for each code and direction:

    <client>[-binary]-<code>-<what>-{request,response}[-N].hex   hex of one frame with its length
    <client>[-binary]-<code>-<what>-{request,response}[-N].txt   where it comes from, header in words
"""
import argparse
import json
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

NAMES = {
    10: "send", 11: "pull", 12: "query-message", 14: "query-offset", 15: "update-offset", 17: "create-topic",
    18: "create-topics", 25: "update-broker-config", 26: "get-broker-config", 28: "runtime-info",
    29: "search-offset", 30: "max-offset", 31: "min-offset",
    32: "earliest-store-time", 33: "view-message", 34: "heartbeat", 35: "unregister", 36: "send-back",
    37: "end-transaction", 38: "consumer-list", 39: "check-transaction", 40: "consumers-changed",
    41: "lock", 42: "unlock", 46: "check-client", 100: "put-kv", 101: "get-kv", 102: "delete-kv",
    105: "route", 106: "cluster-info", 200: "update-group", 201: "all-groups", 202: "topic-stats",
    203: "consumer-connections", 204: "producer-connections", 205: "wipe-write-perm", 206: "topic-list",
    207: "delete-group", 208: "consume-stats", 215: "delete-topic", 216: "delete-topic-namesrv",
    217: "topics-by-namespace",
    219: "kv-list", 220: "reset-client-offset", 221: "status-from-client", 222: "reset-offset",
    223: "consumer-status", 224: "topics-by-cluster", 300: "who-consumes", 303: "consume-time-span",
    304: "system-topics", 307: "running-info", 309: "consume-directly", 310: "send-v2",
    315: "broker-stats", 317: "broker-consume-stats", 320: "send-batch", 321: "consume-queue",
    324: "send-reply", 325: "send-reply-v2", 327: "add-write-perm", 328: "all-producers",
    343: "topics-of-group", 345: "subscription", 351: "topic-config", 352: "group-config",
    361: "lite-pull", 400: "query-assignment", 401: "set-request-mode",
}
LARGEST = 16 * 1024
KINDS = 3


class Frame:
    """One frame: the code, the flag and the header's fields, from either header form."""

    def __init__(self, data):
        self.data = data
        mark, = struct.unpack_from(">I", data, 4)
        self.binary = mark >> 24 == 1
        length = mark & 0xFFFFFF
        header = data[8:8 + length]
        self.body = data[8 + length:]
        if self.binary:
            self._binary(header)
        else:
            text = json.loads(header)
            self.code, self.opaque, self.flag = text["code"], text["opaque"], text.get("flag", 0)
            self.language, self.version = text.get("language"), text.get("version")
            self.remark, self.fields = text.get("remark"), text.get("extFields") or {}

    def _binary(self, header):
        self.code, self.language, self.version, self.opaque, self.flag, size = \
            struct.unpack_from(">hBhiiI", header)
        at = 17
        self.remark = header[at:at + size].decode() if size else None
        at += size
        fields, = struct.unpack_from(">I", header, at)
        at += 4
        self.fields, end = {}, at + fields
        while at < end:
            size, = struct.unpack_from(">H", header, at)
            key = header[at + 2:at + 2 + size].decode()
            at += 2 + size
            size, = struct.unpack_from(">I", header, at)
            self.fields[key] = header[at + 4:at + 4 + size].decode()
            at += 4 + size

    @property
    def response(self):
        return bool(self.flag & 1)


class Recorder:
    def __init__(self, out, client, done):
        self.out, self.client, self.done = Path(out), client, done
        self.out.mkdir(parents=True, exist_ok=True)
        self.lock, self.kinds, self.count = threading.Lock(), set(), {}

    def take(self, frame, requests, replies, sender):
        """`requests`: what the sender has asked on this connection; `replies`: what its peer has."""
        if frame.response:
            code = replies.pop(frame.opaque, None)
            if code is None:
                return
        else:
            code = frame.code
            requests[frame.opaque] = code
        side = "response" if frame.response else "request"
        kind = (frame.binary, code, sender, side, frame.code, tuple(sorted(frame.fields)),
                frame.fields.get("batch"), frame.fields.get("m"), frame.fields.get("sysFlag"), frame.fields.get("f"))
        name = f"{self.client}{'-binary' if frame.binary else ''}-{code}-{NAMES.get(code, 'other')}-{side}"
        with self.lock:
            number = self.count.get(name, 0) + 1
            if kind in self.kinds or number > KINDS or len(frame.data) > LARGEST:
                return
            self.kinds.add(kind)
            self.count[name] = number
        if number > 1:
            name += f"-{number}"
        text = frame.data.hex()
        (self.out / f"{name}.hex").write_text(
            "\n".join(text[i:i + 96] for i in range(0, len(text), 96)) + "\n")
        lines = [f"client: {self.client}", "server: Apache RocketMQ 5.5.0", f"sent by: {sender}",
                 f"header: {'binary' if frame.binary else 'JSON'}", f"done: {self.done}",
                 f"{'answers' if frame.response else 'code'}: {code} ({NAMES.get(code, 'other')})"]
        if frame.response:
            lines.append(f"response code: {frame.code}")
        lines += [f"language: {frame.language}", f"version: {frame.version}", f"opaque: {frame.opaque}",
                  f"flag: {frame.flag}"]
        if frame.remark is not None:
            lines.append(f"remark: {frame.remark}")
        lines += [f"field {key}: {value!r}" for key, value in frame.fields.items()]
        lines.append(f"body bytes: {len(frame.body)}")
        (self.out / f"{name}.txt").write_text("\n".join(lines) + "\n")


def receive(source, size):
    data = b""
    while len(data) < size:
        part = source.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


def pump(source, target, sender, requests, replies, recorder, replace):
    """Copies frames one way until either end closes."""
    try:
        while True:
            head = receive(source, 4)
            rest = head and receive(source, struct.unpack(">I", head)[0])
            if not rest:
                break
            data = head + rest
            recorder.take(Frame(data), requests, replies, sender)
            target.sendall(data.replace(*replace) if replace else data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(listener, upstream, recorder, replace):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection(upstream)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked, pushed = {}, {}
        threading.Thread(target=pump, daemon=True,
                         args=(client, server, "client", asked, pushed, recorder, None)).start()
        threading.Thread(target=pump, daemon=True,
                         args=(server, client, "server", pushed, asked, recorder, replace)).start()


def listen(digits=None):
    """A listening socket; with a port of so many digits when asked."""
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        if digits is None or len(str(listener.getsockname()[1])) == digits:
            return listener
        listener.close()


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--namesrv", required=True)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--done", required=True)
    parser.add_argument("--out", default=str(Path(__file__).resolve().parent.parent / "golden" / "remoting"))
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    recorder = Recorder(options.out, options.client, options.done)
    broker = listen(len(options.broker.rsplit(":", 1)[1]))
    namesrv = listen()
    shown = f"127.0.0.1:{broker.getsockname()[1]}".encode()
    threading.Thread(target=serve, daemon=True,
                     args=(broker, address(options.broker), recorder, None)).start()
    threading.Thread(target=serve, daemon=True, args=(
        namesrv, address(options.namesrv), recorder, (options.broker.encode(), shown))).start()
    proxy = f"127.0.0.1:{namesrv.getsockname()[1]}"
    command = [part.replace("{namesrv}", proxy) for part in options.command if part != "--"]
    result = subprocess.run(command)
    print(f"{sum(recorder.count.values())} frames of {options.client}")
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
