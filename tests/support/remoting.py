"""RocketMQ remoting frames, just enough to ask a server questions and to send it nonsense. Standard library only."""
import json
import socket
import struct

SEND, PULL, CREATE_TOPIC, RUNTIME, MAX_OFFSET, MIN_OFFSET, HEARTBEAT = 10, 11, 17, 28, 30, 31, 34
OFFSET_BY_TIME, SEND_BACK = 29, 36
QUERY_OFFSET, UPDATE_OFFSET = 14, 15
ROUTE, SEND_V2 = 105, 310


def frame(header, body=b"", encoding=0):
    """The bytes of a frame with these header bytes."""
    return struct.pack(">II", 4 + len(header) + len(body), encoding << 24 | len(header)) + header + body


def request(code, fields=None, body=b"", opaque=1, flag=0, version=401):
    """A request with a JSON header."""
    header = {"code": code, "flag": flag, "language": "PYTHON", "opaque": opaque,
              "serializeTypeCurrentRPC": "JSON", "version": version, "extFields": fields or {}}
    return frame(json.dumps(header).encode(), body)


def binary_request(code, fields=None, body=b"", opaque=1, flag=0):
    """The same with a binary header."""
    ext = b"".join(struct.pack(">H", len(k)) + k.encode() + struct.pack(">I", len(v)) + v.encode()
                   for k, v in (fields or {}).items())
    header = struct.pack(">hBhiiI", code, 11, 401, opaque, flag, 0) + struct.pack(">I", len(ext)) + ext
    return frame(header, body, encoding=1)


def send_fields(topic, queue=0, queues=4, properties=""):
    return {"a": "posthorn_test", "b": topic, "c": "TBW102", "d": str(queues), "e": str(queue), "f": "0",
            "g": "1700000000000", "h": "0", "i": properties, "j": "0", "k": "false", "m": "false"}


def pull_fields(topic, queue=0, offset=0, group="posthorn_test", suspend_ms=0):
    return {"consumerGroup": group, "topic": topic, "queueId": str(queue), "queueOffset": str(offset),
            "maxMsgNums": "32", "sysFlag": "6" if suspend_ms else "4", "commitOffset": "0",
            "suspendTimeoutMillis": str(suspend_ms), "subscription": "*", "subVersion": "0",
            "expressionType": "TAG"}


def receive(sock, size):
    """Exactly `size` bytes, or None when the server closed before."""
    data = bytearray()
    while len(data) < size:
        try:
            part = sock.recv(min(size - len(data), 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        data += part
    return bytes(data)


def read_answer(sock):
    """(header, body) of the next frame; None when the server closed. Binary headers become the same dict."""
    lengths = receive(sock, 8)
    if lengths is None:
        return None
    total, word = struct.unpack(">II", lengths)
    rest = receive(sock, total - 4)
    if rest is None:
        return None
    size = word & 0xFFFFFF
    head = rest[:size]
    header = json.loads(head) if word >> 24 == 0 else binary_header(head)
    return header, rest[size:]


def binary_header(head):
    code, language, version, opaque, flag, size = struct.unpack(">hBhiiI", head[:17])
    remark = head[17:17 + size].decode()
    at, fields = 17 + size + 4, {}
    while at < len(head):
        length = struct.unpack(">H", head[at:at + 2])[0]
        key = head[at + 2:at + 2 + length].decode()
        at += 2 + length
        length = struct.unpack(">I", head[at:at + 4])[0]
        fields[key] = head[at + 4:at + 4 + length].decode()
        at += 4 + length
    return {"code": code, "language": language, "version": version, "opaque": opaque, "flag": flag,
            "remark": remark, "extFields": fields}


def stored_messages(data):
    """{queue offset: body} of what a pull brought."""
    found, at = {}, 0
    while at < len(data):
        size, = struct.unpack(">I", data[at:at + 4])
        offset, = struct.unpack(">Q", data[at + 20:at + 28])
        length, = struct.unpack(">I", data[at + 84:at + 88])
        found[offset] = data[at + 88:at + 88 + length]
        at += size
    return found


class Link:
    """A connection that asks and waits."""

    def __init__(self, port, timeout=10.0, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def ask(self, code, fields=None, body=b"", opaque=1):
        """(header, body) of the answer; ConnectionError when there is none."""
        self.sock.sendall(request(code, fields, body, opaque))
        while True:
            answer = read_answer(self.sock)
            if answer is None:
                raise ConnectionError("the server closed the connection")
            if answer[0]["opaque"] == opaque and answer[0]["flag"] & 1:
                return answer

    def create_topic(self, topic, queues=8):
        header, _ = self.ask(CREATE_TOPIC, {
            "topic": topic, "defaultTopic": "TBW102", "readQueueNums": str(queues), "writeQueueNums": str(queues),
            "perm": "6", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false"})
        if header["code"] != 0:
            raise RuntimeError(f"topic {topic} was not created: {header}")

    def send(self, topic, body, queue=0):
        """The header of the answer."""
        return self.ask(SEND_V2, send_fields(topic, queue), body)[0]

    def max_offset(self, topic, queue):
        header, _ = self.ask(MAX_OFFSET, {"topic": topic, "queueId": str(queue)})
        if header["code"] != 0:
            raise RuntimeError(f"no offset of {topic}/{queue}: {header}")
        return int(header["extFields"]["offset"])

    def messages(self, topic, queues=8):
        """How many messages the topic has taken."""
        return sum(self.max_offset(topic, queue) for queue in range(queues))
