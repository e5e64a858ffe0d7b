"""The port with TLS: garbage, handshakes without end, and storms of them."""
import os
import random
import shutil
import socket
import ssl
import struct
import subprocess
import time

from target import CASES, MIB, closed_by_server, expect, push


def tls_case(function):
    """For servers whose port with TLS is known."""
    def run(target):
        if not target.tls_port:
            return
        function(target)
        target.expect_tls_served()
    run.__name__ = function.__name__
    CASES.append(run)
    return function


def client_hello():
    """The first flight of an honest client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


@tls_case
def garbage_at_the_door_of_tls_is_closed_at_once(target):
    dice = random.Random(target.seed)
    hello = client_hello()
    for garbage in (b"AMQP\0\0\x09\x01", b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"\x16\x03\x01\xff\xff" + bytes(70_000),
                    b"\x16\x03\x00\x00\x05" + b"\x01\xff\xff\xff\x03", b"\x80\x2e\x01\x00\x02" + bytes(44),
                    *(dice.randbytes(dice.randrange(5, 20_000)) for _ in range(50))):
        with target.raw_tls() as sock:
            push(sock, garbage + b"\xff" * 300)
            expect(closed_by_server(sock, 8), f"{garbage[:12]!r}: the connection stayed open")
    for _ in range(200):  # a hello with a few bytes turned round; the server may go on or not, but not break
        broken = bytearray(hello)
        for _ in range(dice.randrange(1, 6)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        with target.raw_tls() as sock:
            push(sock, bytes(broken))


@tls_case
def a_handshake_that_never_ends_is_ended(target):
    hello = client_hello()
    with target.raw_tls(timeout=0.25) as dripping, target.raw_tls() as silent:
        begin = time.monotonic()
        for byte in hello:
            try:
                dripping.sendall(bytes([byte]))
                if not dripping.recv(1000):
                    break
            except socket.timeout:
                pass
            except ConnectionError:
                break
            expect(time.monotonic() - begin < 15, "a handshake byte by byte goes on for ever")
        expect(closed_by_server(silent, 8), "a connection that says nothing stays open")


@tls_case
def a_thousand_half_open_handshakes_keep_nobody_out(target):
    descriptors = target.descriptors()
    hello = client_hello()
    socks = []
    try:
        for number in range(1000):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", target.tls_port))
            socks.append(sock)
        for number, sock in enumerate(socks):
            if number % 2:
                try:
                    sock.send(hello)  # answered, and never finished
                except OSError:
                    pass
        target.expect_served()
        target.expect_tls_served(8)
    finally:
        for sock in socks:
            sock.close()
    deadline = time.monotonic() + 10
    while target.descriptors() > descriptors + 20:
        expect(time.monotonic() < deadline, "descriptors stayed behind")
        time.sleep(0.05)


@tls_case
def records_that_were_tampered_with_end_the_connection(target):
    dice = random.Random(target.seed)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for _ in range(20):
            with target.tls(version=version) as sock:
                sock.sendall(b"AMQP\0\0\x09\x01")
                sock.recv(10)
                raw = socket.socket(fileno=os.dup(sock.fileno()))
                raw.settimeout(8)
                with raw:
                    size = dice.randrange(17, 200)
                    push(raw, b"\x17\x03\x03" + struct.pack(">H", size) + dice.randbytes(size))
                    expect(closed_by_server(raw, 8), "a broken record was passed over")


@tls_case
def renegotiation_is_refused(target):
    if not shutil.which("openssl"):
        return
    for _ in range(5):
        talk = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{target.tls_port}", "-CAfile",
                               f"{target.certificates}/ca.pem"], input=b"R\nR\nR\n", capture_output=True, timeout=20)
        said = talk.stdout + talk.stderr
        expect(b"RENEGOTIATING" in said, "the client did not try")
        expect(b"no renegotiation" in said, f"not refused: {said[-300:]!r}")


@tls_case
def a_storm_of_handshakes_leaves_nothing(target):
    before, descriptors = target.resident(), target.descriptors()
    for number in range(300):
        with target.tls() as sock:
            if number % 3 == 0:
                sock.sendall(b"AMQP\0\0\x09\x01")
    target.expect_served()
    grown = (target.resident() - before) / MIB
    expect(grown < 32, f"{grown:.0f} MiB stayed behind")
    deadline = time.monotonic() + 10
    while target.descriptors() > descriptors + 20:
        expect(time.monotonic() < deadline, "descriptors stayed behind")
        time.sleep(0.05)
