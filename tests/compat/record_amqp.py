#!/usr/bin/env python3
"""A recording proxy between an AMQP 0-9-1 client and a server: writes golden frames.

    record_amqp.py --server 127.0.0.1:35672 --client pika-1.3.2 --done "what the client does" \\
        [--out DIR] -- COMMAND {port} ...

The command runs with {port} replaced by the proxy's port on 127.0.0.1. Of every method, direction and shape
(which properties, which types in its tables) the first is kept, at most three a method and direction:

    <client>-<class>-<method>[-N].hex   hex of the method frame; with content, header and body frames behind it
    <client>-<class>-<method>[-N].txt   where it comes from, and its fields in the order of the wire

The fields are decoded here, by a decoder of its own: the test compares Posthorn's with these words.
"""
import argparse
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

# One letter a field: B H I Q numbers, s shortstr, l longstr, t table, f flags (one a bit), - reserved ones.
METHODS = {
    (10, 10): ("connection.start", "BBtll"), (10, 11): ("connection.start-ok", "tsls"),
    (10, 20): ("connection.secure", "l"), (10, 21): ("connection.secure-ok", "l"),
    (10, 30): ("connection.tune", "HIH"), (10, 31): ("connection.tune-ok", "HIH"),
    (10, 40): ("connection.open", "s-s-B"), (10, 41): ("connection.open-ok", "-s"),
    (10, 50): ("connection.close", "HsHH"), (10, 51): ("connection.close-ok", ""),
    (10, 60): ("connection.blocked", "s"), (10, 61): ("connection.unblocked", ""),
    (10, 70): ("connection.update-secret", "ls"), (10, 71): ("connection.update-secret-ok", ""),
    (20, 10): ("channel.open", "-s"), (20, 11): ("channel.open-ok", "-l"),
    (20, 20): ("channel.flow", "f1"), (20, 21): ("channel.flow-ok", "f1"),
    (20, 40): ("channel.close", "HsHH"), (20, 41): ("channel.close-ok", ""),
    (30, 10): ("access.request", "sf5"), (30, 11): ("access.request-ok", "H"),
    (40, 10): ("exchange.declare", "-Hssf5t"), (40, 11): ("exchange.declare-ok", ""),
    (40, 20): ("exchange.delete", "-Hsf2"), (40, 21): ("exchange.delete-ok", ""),
    (40, 30): ("exchange.bind", "-Hsssf1t"), (40, 31): ("exchange.bind-ok", ""),
    (40, 40): ("exchange.unbind", "-Hsssf1t"), (40, 51): ("exchange.unbind-ok", ""),
    (50, 10): ("queue.declare", "-Hsf5t"), (50, 11): ("queue.declare-ok", "sII"),
    (50, 20): ("queue.bind", "-Hsssf1t"), (50, 21): ("queue.bind-ok", ""),
    (50, 30): ("queue.purge", "-Hsf1"), (50, 31): ("queue.purge-ok", "I"),
    (50, 40): ("queue.delete", "-Hsf3"), (50, 41): ("queue.delete-ok", "I"),
    (50, 50): ("queue.unbind", "-Hssst"), (50, 51): ("queue.unbind-ok", ""),
    (60, 10): ("basic.qos", "IHf1"), (60, 11): ("basic.qos-ok", ""),
    (60, 20): ("basic.consume", "-Hssf4t"), (60, 21): ("basic.consume-ok", "s"),
    (60, 30): ("basic.cancel", "sf1"), (60, 31): ("basic.cancel-ok", "s"),
    (60, 40): ("basic.publish", "-Hssf2"), (60, 50): ("basic.return", "Hsss"),
    (60, 60): ("basic.deliver", "sQf1ss"), (60, 70): ("basic.get", "-Hsf1"),
    (60, 71): ("basic.get-ok", "Qf1ssI"), (60, 72): ("basic.get-empty", "-s"),
    (60, 80): ("basic.ack", "Qf1"), (60, 90): ("basic.reject", "Qf1"),
    (60, 100): ("basic.recover-async", "f1"), (60, 110): ("basic.recover", "f1"),
    (60, 111): ("basic.recover-ok", ""), (60, 120): ("basic.nack", "Qf2"),
    (85, 10): ("confirm.select", "f1"), (85, 11): ("confirm.select-ok", ""),
    (90, 10): ("tx.select", ""), (90, 11): ("tx.select-ok", ""),
    (90, 20): ("tx.commit", ""), (90, 21): ("tx.commit-ok", ""),
    (90, 30): ("tx.rollback", ""), (90, 31): ("tx.rollback-ok", ""),
}
WITH_CONTENT = {"basic.publish", "basic.deliver", "basic.get-ok", "basic.return"}
PROPERTIES = [
    (15, "content-type", "s"), (14, "content-encoding", "s"), (13, "headers", "t"), (12, "delivery-mode", "B"),
    (11, "priority", "B"), (10, "correlation-id", "s"), (9, "reply-to", "s"), (8, "expiration", "s"),
    (7, "message-id", "s"), (6, "timestamp", "Q"), (5, "type", "s"), (4, "user-id", "s"), (3, "app-id", "s"),
    (2, "cluster-id", "s"),
]
NUMBERS = {"t": "?", "b": "b", "B": "B", "s": "h", "u": "H", "I": "i", "i": "I", "l": "q", "f": "f", "d": "d",
           "T": "Q"}
LARGEST = 24 * 1024
KINDS = 3


def text(raw):
    """As it is when that is unmistakable, else in hex."""
    if all(32 <= c < 127 and c not in b"'" for c in raw):
        return f"'{raw.decode()}'"
    return f"0x{raw.hex()}"


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0
        self.shape = ""

    def take(self, size):
        part = self.data[self.at:self.at + size]
        if len(part) != size:
            raise ValueError("too short")
        self.at += size
        return part

    def number(self, letter):
        return struct.unpack(">" + letter, self.take(struct.calcsize(">" + letter)))[0]

    def short(self):
        return self.take(self.number("B"))

    def long(self):
        return self.take(self.number("I"))

    def value(self):
        letter = chr(self.number("B"))
        self.shape += letter
        if letter in NUMBERS:
            value = self.number(NUMBERS[letter])
            shown = str(value).lower() if isinstance(value, bool) else f"{value:.9g}"
            if isinstance(value, int) and not isinstance(value, bool):
                shown = str(value)
            return f"{letter} {shown}"
        if letter == "V":
            return "V"
        if letter == "D":
            scale, digits = self.number("B"), self.number("I")
            return f"D {digits}/{scale}"
        raw = self.long()
        if letter in "Sx":
            return f"{letter} {text(raw)}"
        inner = Reader(raw)
        shown = inner.table() if letter == "F" else inner.array()
        self.shape += inner.shape
        return f"{letter} {shown}"

    def table(self):
        fields = []
        while self.at < len(self.data):
            name = text(self.short())
            fields.append(f"{name}: {self.value()}")
        return "{" + ", ".join(fields) + "}"

    def array(self):
        items = []
        while self.at < len(self.data):
            items.append(self.value())
        return "[" + ", ".join(items) + "]"

    def field(self, letter):
        if letter == "s":
            return text(self.short())
        if letter == "l":
            return text(self.long())
        if letter == "t":
            inner = Reader(self.long())
            shown = inner.table()
            self.shape += inner.shape
            return shown
        return str(self.number(letter))

    def fields(self, letters):
        """One text for each that is not reserved."""
        shown = []
        at = 0
        while at < len(letters):
            letter = letters[at]
            at += 1
            if letter == "-":
                self.field(letters[at])
                at += 1
            elif letter == "f":
                bits = self.number("B")
                shown += [str(bool(bits >> bit & 1)).lower() for bit in range(int(letters[at]))]
                at += 1
            else:
                shown.append(self.field(letter))
        if self.at != len(self.data):
            raise ValueError("bytes left over")
        return shown


class Recorder:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.shapes = {}

    def keep(self, sender, channel, frames):
        payload = frames[0][7:-1]
        ids = struct.unpack_from(">HH", payload)
        name, letters = METHODS[ids]
        reader = Reader(payload[4:])
        lines = [f"value {shown}" for shown in reader.fields(letters)]
        shape = reader.shape
        if name in WITH_CONTENT:
            size, = struct.unpack_from(">Q", frames[1], 11)
            flags, = struct.unpack_from(">H", frames[1], 19)
            properties = Reader(frames[1][21:-1])
            for bit, title, letter in PROPERTIES:
                if flags >> bit & 1:
                    lines.append(f"property {title} {properties.field(letter)}")
            lines.append(f"body {size} in {len(frames) - 2}")
            shape += f"{flags:x}{properties.shape}{min(len(frames) - 2, 2)}"
        raw = b"".join(frames)
        with self.lock:
            seen = self.shapes.setdefault((name, sender), [])
            if shape in seen or len(seen) == KINDS or len(raw) > LARGEST:
                return
            seen.append(shape)
            number = f"-{len(seen)}" if len(seen) > 1 else ""
            side = "" if sender == "client" else "server-"
            base = f"{self.options.client}-{side}{name.replace('.', '-')}{number}"
            digits = raw.hex()
            (self.options.out / f"{base}.hex").write_text(
                "\n".join(digits[at:at + 96] for at in range(0, len(digits), 96)) + "\n")
            head = [f"client: {self.options.client}", f"server: {self.options.peer}", f"sent by: {sender}",
                    f"done: {self.options.done}", f"method {name}", f"channel {channel}"]
            (self.options.out / f"{base}.txt").write_text("\n".join(head + lines) + "\n")


class Direction:
    """Cuts one direction of one connection into frames and hands whole methods on."""

    def __init__(self, recorder, sender):
        self.recorder = recorder
        self.sender = sender
        self.data = b""
        self.header = sender == "client"
        self.open = {}

    def feed(self, data):
        self.data += data
        if self.header and len(self.data) >= 8:
            self.data = self.data[8:]
            self.header = False
        while not self.header and len(self.data) >= 8:
            kind, channel, size = struct.unpack_from(">BHI", self.data)
            if len(self.data) < size + 8:
                return
            self.frame(kind, channel, self.data[:size + 8])
            self.data = self.data[size + 8:]

    def frame(self, kind, channel, raw):
        if kind == 8:
            return
        if kind == 1:
            name = METHODS[struct.unpack_from(">HH", raw, 7)][0]
            if name not in WITH_CONTENT:
                self.recorder.keep(self.sender, channel, [raw])
                return
            self.open[channel] = [raw]
            return
        frames = self.open[channel]
        frames.append(raw)
        left = struct.unpack_from(">Q", frames[1], 11)[0] - sum(len(body) - 8 for body in frames[2:])
        if left == 0:
            self.recorder.keep(self.sender, channel, self.open.pop(channel))


def pump(source, target, direction):
    try:
        while data := source.recv(65536):
            target.sendall(data)
            direction.feed(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(listener, server, recorder):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        upstream = socket.create_connection(server)
        for source, target, sender in ((client, upstream, "client"), (upstream, client, "server")):
            threading.Thread(target=pump, args=(source, target, Direction(recorder, sender)), daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--peer", default="RabbitMQ 3.10.8")
    parser.add_argument("--client", required=True)
    parser.add_argument("--done", required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "golden" / "amqp")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    host, port = options.server.rsplit(":", 1)
    listener = socket.create_server(("127.0.0.1", 0))
    recorder = Recorder(options)
    threading.Thread(target=serve, args=(listener, (host, int(port)), recorder), daemon=True).start()
    own = str(listener.getsockname()[1])
    code = subprocess.call([word.replace("{port}", own) for word in options.command])
    print(f"{sum(map(len, recorder.shapes.values()))} recorded in {options.out}")
    return code


if __name__ == "__main__":
    sys.exit(main())
