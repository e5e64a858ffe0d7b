"""The server under test, and what every case expects of it."""
import json
import os
import socket
import ssl
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import remoting  # noqa: E402
from remoting import Link  # noqa: E402

MIB = 1 << 20
TOPIC = "HostileTest"
CASES = []


def case(function):
    CASES.append(function)
    return function


class Failure(Exception):
    pass


def expect(true, what):
    if not true:
        raise Failure(what)


class Target:
    def __init__(self, options):
        self.port, self.http_port, self.pid = options.broker_port, options.http_port, options.pid
        self.idle, self.seed = options.idle_connections, options.seed
        self.tls_port, self.certificates = options.tls_port, options.certificates

    def resident(self):
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def link(self, timeout=10):
        return Link(self.port, timeout)

    def raw(self, timeout=10, receive_buffer=None):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(timeout)
        sock.connect(("127.0.0.1", self.port))
        return sock

    def raw_tls(self, timeout=10):
        """Connected to the port with TLS, and silent so far."""
        sock = socket.create_connection(("127.0.0.1", self.tls_port), timeout)
        sock.settimeout(timeout)
        return sock

    def tls(self, timeout=10, version=None):
        context = ssl.create_default_context(cafile=f"{self.certificates}/ca.pem")
        if version:
            context.maximum_version = version
        return context.wrap_socket(self.raw_tls(timeout), server_hostname="localhost")

    def expect_tls_served(self, seconds=5.0):
        begin = time.monotonic()
        with self.tls(seconds + 3) as sock:
            sock.sendall(b"AMQP\0\0\x09\x01")
            expect(sock.recv(7)[:1] == b"\x01", "a stranger with TLS is not greeted")
        took = time.monotonic() - begin
        expect(took < seconds, f"a stranger with TLS waited {took:.1f} s")

    def expect_served(self, seconds=2.0):
        """A stranger is answered, soon."""
        begin = time.monotonic()
        try:
            with self.link(timeout=seconds + 3) as link:
                header, _ = link.ask(remoting.RUNTIME)
        except OSError as error:
            raise Failure(f"a stranger is not served: {error}") from error
        took = time.monotonic() - begin
        expect(header["code"] == 0, f"a stranger was answered {header}")
        expect(took < seconds, f"a stranger waited {took:.1f} s")


def closed_by_server(sock, seconds=5):
    """True when the server ends the connection; what it says before does not matter."""
    sock.settimeout(seconds)
    try:
        while sock.recv(65536):
            pass
        return True
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def push(sock, data):
    """Sends what the server takes; it may well close before the end."""
    try:
        sock.sendall(data)
    except (ConnectionError, socket.timeout):
        pass


def expect_closed(target, data, what):
    with target.raw() as sock:
        push(sock, data)
        expect(closed_by_server(sock), f"{what}: the connection stayed open")


def expect_refused(link, code, fields, body=b"", codes=None, remark=True):
    """An answer that says no, with a word why, on a connection that goes on."""
    header, _ = link.ask(code, fields, body)
    shown = json.dumps(fields)[:120]
    expect(header["code"] != 0, f"{code} {shown} was accepted")
    expect(codes is None or header["code"] in codes, f"{code} {shown}: code {header['code']}, wanted one of {codes}")
    expect(not remark or header.get("remark"), f"{code} {shown}: code {header['code']} without a remark")
    again, _ = link.ask(remoting.RUNTIME)
    expect(again["code"] == 0, "the connection does not go on")
    return header
