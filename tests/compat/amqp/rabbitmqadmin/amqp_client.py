"""Somebody who is connected, so that there is something to show: a few frames by hand."""
import socket
import struct

from cases import unique
from tool import api


class Client:
    """An AMQP connection by hand: logs in, opens a channel, consumes a queue."""

    def __init__(self, queue=None):
        listeners = api("GET", "/overview")[1]["listeners"]
        port = next(one["port"] for one in listeners if one["protocol"] == "amqp")
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.buffer = b""
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.method(0, 10, 10)
        properties = self.table({b"connection_name": unique("client").encode()})
        self.send(0, 10, 11, properties + b"\x05PLAIN" + struct.pack(">I", 12) + b"\0guest\0guest" + b"\x05en_US")
        self.method(0, 10, 30)
        self.send(0, 10, 31, struct.pack(">HIH", 2047, 131072, 0))
        self.send(0, 10, 40, b"\x01/\x00\x00")
        self.method(0, 10, 41)
        self.send(1, 20, 10, b"\x00")
        self.method(1, 20, 11)
        if queue:
            self.send(1, 60, 10, struct.pack(">IHB", 0, 7, 0))
            self.method(1, 60, 11)
            self.send(1, 60, 20, b"\0\0" + self.short(queue) + self.short("tag-" + queue) + b"\0" + b"\0\0\0\0")
            self.method(1, 60, 21)
        self.name = "%s:%d -> %s:%d" % (*self.socket.getsockname(), *self.socket.getpeername())

    @staticmethod
    def short(text):
        return bytes([len(text)]) + text.encode()

    @staticmethod
    def table(values):
        fields = b"".join(bytes([len(k)]) + k + b"S" + struct.pack(">I", len(v)) + v for k, v in values.items())
        return struct.pack(">I", len(fields)) + fields

    def send(self, channel, class_id, method_id, arguments=b""):
        payload = struct.pack(">HH", class_id, method_id) + arguments
        self.socket.sendall(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

    def take(self, size):
        while len(self.buffer) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def method(self, channel, class_id, method_id):
        while True:
            kind, on, size = struct.unpack(">BHI", self.take(7))
            payload = self.take(size + 1)
            if kind == 1 and on == channel and struct.unpack(">HH", payload[:4]) == (class_id, method_id):
                return payload[4:-1]

    def close(self):
        self.socket.close()
