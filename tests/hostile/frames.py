"""Bytes that are no frames, and frames that lie."""
import random
import socket
import struct

from target import MIB, TOPIC, Failure, case, closed_by_server, expect, expect_closed, push
import remoting


@case
def lying_lengths_close_the_connection_at_once(target):
    for total, word in [(0, 0), (3, 0), (0xFFFFFFFF, 0), (0x7FFFFFFF, 10), (16 * MIB + 1, 10), (100, 97),
                        (100, 0xFFFFFF), (4, 1), (0x80000000, 0)]:
        expect_closed(target, struct.pack(">II", total, word) + b"x" * 200, f"length {total}, header word {word:#x}")


@case
def other_protocols_at_the_door_are_closed(target):
    for hello in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"AMQP\x00\x00\x09\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                  bytes(range(256)) * 4):
        expect_closed(target, hello, repr(hello[:12]))


@case
def an_unknown_header_encoding_closes(target):
    for encoding in (2, 7, 0xFF):
        expect_closed(target, remoting.frame(b'{"code":28}', encoding=encoding), f"encoding {encoding}")


@case
def bad_json_headers_are_refused(target):
    for header in (b"", b"{", b"[]", b"null", b"28", b'"x"', b'{"code":}', b'{"code":28,"opaque":',
                   b"\xff\xfe\x00", b'{"code":"\\u12"}', b'{"extFields":[1,2]}', b"[" * 100_000, b'{"a":' * 50_000):
        with target.raw() as sock:
            push(sock, remoting.frame(header))
            sock.settimeout(5)
            try:
                answer = remoting.read_answer(sock)
            except socket.timeout:
                raise Failure(f"header {header[:40]!r}: neither answered nor closed") from None
            expect(answer is None or answer[0]["code"] != 0, f"header {header[:40]!r} was accepted")


@case
def lying_binary_headers_are_refused(target):
    good = remoting.binary_request(28)[8:]
    for cut in range(len(good)):
        with target.raw() as sock:
            push(sock, remoting.frame(good[:cut], encoding=1))
            expect(closed_by_server(sock) if cut < 21 else True, f"a binary header of {cut} bytes stayed unanswered")
    for at in (13, 17):  # the lengths of remark and fields
        for lie in (0xFFFFFFFF, 0x7FFFFFFF, 1000):
            header = bytearray(good)
            header[at:at + 4] = struct.pack(">I", lie)
            expect_closed(target, remoting.frame(bytes(header), encoding=1), f"binary length {lie:#x} at {at}")


@case
def a_header_of_sixteen_mebibytes_leaves_no_trace(target):
    before = target.resident()
    for _ in range(3):
        with target.raw(timeout=20) as sock:
            push(sock, remoting.frame(b'{"code":28,"remark":"' + b"x" * (16 * MIB - 100) + b'"}'))
            sock.settimeout(10)
            try:
                remoting.read_answer(sock)  # closed or answered: both are good
            except socket.timeout:
                raise Failure("neither answered nor closed") from None
    target.expect_served()
    grown = (target.resident() - before) / MIB
    expect(grown < 48, f"{grown:.0f} MiB stayed behind")


@case
def a_frame_cut_anywhere_harms_nobody(target):
    whole = remoting.request(remoting.SEND_V2, remoting.send_fields(TOPIC), b"body")
    for cut in range(0, len(whole), 7):
        with target.raw() as sock:
            push(sock, whole[:cut])
    target.expect_served()


@case
def garbage_behind_a_good_request_closes(target):
    """Whether the good one is still answered is open: Apache's broker does not."""
    for good in (b"", remoting.request(28, opaque=5), remoting.binary_request(28) * 50):
        expect_closed(target, good + b"\x00\x00\x00\x01garbage", f"garbage behind {len(good)} good bytes")


@case
def mutated_frames_never_stop_the_server(target):
    rng = random.Random(target.seed)
    seeds = [remoting.request(remoting.SEND_V2, remoting.send_fields(TOPIC), b"body" * 10),
             remoting.binary_request(remoting.SEND_V2, remoting.send_fields(TOPIC), b"body" * 10),
             remoting.request(remoting.PULL, remoting.pull_fields(TOPIC)),
             remoting.request(remoting.HEARTBEAT, {}, b'{"clientID":"c","consumerDataSet":[],"producerDataSet":[]}')]
    for round_number in range(300):
        data = bytearray(rng.choice(seeds) * 2)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with target.raw() as sock:
            push(sock, bytes(data))
            if round_number % 10 == 0:
                closed_by_server(sock, 0.05)
    target.expect_served()
