#!/usr/bin/env python3
"""Bad input and bad neighbours, against the real server over loopback.

    hostile.py --binary build/posthorn              starts a server of its own
    hostile.py --broker-port 10911 --pid 4711       against one that runs

After each case the server must still answer a stranger quickly and must not have grown. Ends with
"N passed, N failed"; exit code 77 means the program cannot serve yet.
"""
import argparse
import json
import os
import random
import re
import resource
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import remoting  # noqa: E402
from remoting import Link  # noqa: E402

MIB = 1 << 20
TOPIC = "HostileTest"
CASES = []
SKIPPED = 77


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


# Frames ------------------------------------------------------------------------------------------------------

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


# Requests ----------------------------------------------------------------------------------------------------

@case
def unknown_codes_are_answered_with_3(target):
    with target.link() as link:
        for code in (9999, -1, 0, 2147483647, 301):
            expect_refused(link, code, {}, codes={3})


@case
def foreign_versions_and_languages_are_served(target):
    with target.raw() as sock:
        for version in (0, -5, 2147483647):
            sock.sendall(remoting.request(28, version=version))
            expect(remoting.read_answer(sock)[0]["code"] == 0, f"version {version}")
        header = b'{"code":28,"language":"KLINGON","opaque":3,"flag":0,"version":1,"unknown":{"a":[1,{}]}}'
        sock.sendall(remoting.frame(header))
        expect(remoting.read_answer(sock)[0]["code"] == 0, "an unknown language")


@case
def sends_against_the_rules_are_refused_with_a_word_why(target):
    send, fields = remoting.SEND_V2, remoting.send_fields
    with target.link() as link:
        link.create_topic(TOPIC, 4)
        for topic in ("", "a b", "../etc/passwd", "x" * 128, "T\x00", "主题", "T/../x"):
            expect_refused(link, send, fields(topic), b"x")
        for queue in (4, 999, 2147483647):
            expect_refused(link, send, fields(TOPIC, queue), b"x", codes={1, 29})
        expect_refused(link, send, fields(TOPIC, properties="K\x01" + "v" * 40000 + "\x02"), b"x", codes={13})
        expect_refused(link, send, fields(TOPIC), b"x" * (4 * MIB + 1), codes={13})
        for missing in ("b", "e"):
            expect_refused(link, send, {k: v for k, v in fields(TOPIC).items() if k != missing}, b"x")
        for field, lie in (("e", "one"), ("f", "NaN"), ("g", "99999999999999999999999"), ("e", "1e3")):
            expect_refused(link, send, {**fields(TOPIC), field: lie}, b"x")
        expect(link.send(TOPIC, b"still good")["code"] == 0, "a good send was refused after the bad ones")


@case
def bad_batches_are_refused(target):
    fields = {**remoting.send_fields(TOPIC), "m": "true"}
    one = struct.pack(">IIIII", 0, 0, 0, 0, 2) + b"ab" + struct.pack(">H", 0)
    one = struct.pack(">I", len(one)) + one[4:]
    with target.link() as link:
        for body in (b"", b"\x00", one[:-1], struct.pack(">I", 0xFFFFFFFF) + one[4:], b"\x00" * 64,
                     one[:16] + struct.pack(">I", 0x7FFFFFFF) + one[20:]):
            expect_refused(link, 320, fields, body)
        expect(link.ask(320, fields, one)[0]["code"] == 0, "a good batch was refused")


@case
def pulls_against_the_rules_are_refused(target):
    pull, fields = remoting.PULL, remoting.pull_fields
    with target.link() as link:
        expect_refused(link, pull, fields("NoSuchTopicAnywhere"), codes={17})
        for queue in (999, -1, 2147483647):
            expect_refused(link, pull, fields(TOPIC, queue))
        for group in ("", "a b", "x" * 300):
            expect_refused(link, pull, fields(TOPIC, group=group))
        for field, lie in (("queueOffset", "x"), ("maxMsgNums", "many"), ("queueId", "")):
            expect_refused(link, pull, {**fields(TOPIC), field: lie})
        for offset in (-1, 1 << 62):
            expect_refused(link, pull, fields(TOPIC, offset=offset), codes={19, 21}, remark=False)
        for count in ("0", "-5", "2147483647"):
            header, _ = link.ask(pull, {**fields(TOPIC), "maxMsgNums": count})
            expect(header["code"] in (0, 1, 19, 20, 21, 29), f"maxMsgNums {count}: {header}")


@case
def numbers_at_the_edge_are_survived(target):
    """Counts and times a client may write as it likes, and that somebody calculates with later."""
    with target.link() as link:
        link.create_topic("HostileNumbers", 1)
        for offset, tries in enumerate((-1000, -(1 << 31), (1 << 31) - 1)):
            fields = {**remoting.send_fields("HostileNumbers"), "j": str(tries),
                      "i": f"TIMER_DELAY_SEC\x01{-(1 << 63)}\x02"}
            expect(link.ask(remoting.SEND_V2, fields, b"x")[0]["code"] == 0, f"a send tried {tries} times")
            _, body = link.ask(remoting.PULL, remoting.pull_fields("HostileNumbers", offset=offset))
            place = struct.unpack(">q", body[28:36])[0]
            header, _ = link.ask(remoting.SEND_BACK, {"group": "hostile_numbers", "offset": str(place),
                                                      "delayLevel": "0", "maxReconsumeTimes": "16"})
            expect(header["code"] == 0, f"a message tried {tries} times, sent back: {header}")
        header, _ = link.ask(remoting.OFFSET_BY_TIME, {"topic": "HostileNumbers", "queueId": "0",
                                                       "timestamp": str((1 << 63) - 1), "boundaryType": "UPPER"})
        expect(header["code"] == 0, f"an offset by the last of all times: {header}")


@case
def bodies_that_are_no_json_are_refused(target):
    for code in (remoting.HEARTBEAT, 41, 42, 46, 200):
        for body in (b"", b"{", b"\xff" * 50, b"[" * 50_000):
            with target.raw() as sock:
                push(sock, remoting.request(code, {}, body))
                sock.settimeout(5)
                try:
                    answer = remoting.read_answer(sock)
                except socket.timeout:
                    raise Failure(f"{code} with body {body[:10]!r}: neither answered nor closed") from None
                expect(answer is None or answer[0]["code"] != 0, f"{code} with body {body[:10]!r} was accepted")


@case
def answers_nobody_asked_for_and_bad_oneways_are_passed_over(target):
    with target.raw() as sock:
        sock.sendall(remoting.request(0, opaque=77, flag=1))
        sock.sendall(remoting.request(9999, opaque=78, flag=2))
        sock.sendall(remoting.request(remoting.SEND_V2, {"b": "a b"}, flag=2, opaque=79))
        sock.sendall(remoting.request(28, opaque=80))
        answer = remoting.read_answer(sock)
        expect(answer is not None and answer[0]["opaque"] == 80, f"answered {answer and answer[0]}")


# Neighbours --------------------------------------------------------------------------------------------------

@case
def dripping_clients_hold_nobody_up(target):
    whole = remoting.request(28)
    drips = [target.raw() for _ in range(100)]
    try:
        for byte in whole[:40]:
            for sock in drips:
                sock.sendall(bytes([byte]))
            if byte % 8 == 0:
                target.expect_served(1.0)
        for sock in drips:
            sock.sendall(whole[40:])
        for sock in drips:
            sock.settimeout(10)
            answer = remoting.read_answer(sock)
            expect(answer and answer[0]["code"] == 0, f"a slow but honest client was answered {answer and answer[0]}")
    finally:
        for sock in drips:
            sock.close()


@case
def a_client_that_never_reads_is_bounded(target):
    """It asks for a lot and takes nothing: the server must stop reading it or let it go, and not remember for it."""
    with target.link() as link:
        link.create_topic("HostileBig", 1)
        for _ in range(8):
            expect(link.send("HostileBig", b"x" * 60_000)["code"] == 0, "a send was refused")
    before = target.resident()
    ask = remoting.request(remoting.PULL, remoting.pull_fields("HostileBig"))
    socks = [target.raw(receive_buffer=4096) for _ in range(4)]
    try:
        for sock in socks:
            sock.setblocking(False)
        end = time.monotonic() + 6
        pushed = 0
        while time.monotonic() < end and pushed < 400 * MIB:
            _, ready, _ = select.select([], socks, [], 0.2)
            if not ready:
                break
            for sock in ready:
                try:
                    pushed += sock.send(ask * 50)
                except BlockingIOError:
                    pass
                except ConnectionError:
                    socks.remove(sock)
        target.expect_served()
        grown = (target.resident() - before) / MIB
        expect(grown < 128, f"{grown:.0f} MiB are held for four clients that never read")
    finally:
        for sock in socks:
            sock.close()


@case
def ten_thousand_idle_connections_cost_at_most_100_mb(target):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(target.idle, (soft if soft != resource.RLIM_INFINITY else 1 << 20) - 200)
    if count < target.idle:
        print(f"    (only {count} connections: the limit of open files is {soft}, hard {hard})")
    target.expect_served()
    before, descriptors = target.resident(), target.descriptors()
    idle = []
    try:
        for _ in range(count):
            idle.append(target.raw())
        ping = remoting.request(28)
        for sock in idle[:: max(1, count // 200)]:  # a few say something first, as clients do
            sock.sendall(ping)
            expect(remoting.read_answer(sock) is not None, "an idle connection was dropped at once")
        target.expect_served()
        grown = target.resident() - before
        print(f"    ({count} connections: {grown / 1e6:.1f} MB, {grown / count / 1000:.1f} KB each)")
        expect(grown <= 100e6 * count / 10_000 + 4e6, f"{count} idle connections cost {grown / 1e6:.0f} MB")
    finally:
        for sock in idle:
            sock.close()
    end = time.monotonic() + 10
    while target.descriptors() > descriptors + 20 and time.monotonic() < end:
        time.sleep(0.1)
    expect(target.descriptors() <= descriptors + 20,
           f"{target.descriptors() - descriptors} descriptors stay open after the clients left")


@case
def connections_that_come_and_go_leave_nothing(target):
    before, descriptors = target.resident(), target.descriptors()
    for number in range(3000):
        with target.raw() as sock:
            if number % 3 == 0:
                push(sock, remoting.request(28))
    target.expect_served()
    grown = (target.resident() - before) / MIB
    expect(grown < 32, f"{grown:.0f} MiB stayed behind")
    expect(target.descriptors() <= descriptors + 20, "descriptors stayed behind")


# TLS ---------------------------------------------------------------------------------------------------------

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


# The run -----------------------------------------------------------------------------------------------------

def counters(target):
    """Every sample of /metrics; nothing when there is no HTTP port."""
    if not target.http_port:
        return {}
    text = urllib.request.urlopen(f"http://127.0.0.1:{target.http_port}/metrics", timeout=5).read().decode()
    return {m.group(1): float(m.group(2)) for m in re.finditer(r"^([a-zA-Z_:][^ ]*(?:\{[^}]*\})?) ([-+0-9.eE]+)$", text, re.M)}


def run_cases(target, wanted):
    passed = failed = 0
    first = counters(target)
    for function in CASES:
        name = function.__name__.replace("_", " ")
        if wanted and not re.search(wanted, function.__name__):
            continue
        begin = time.monotonic()
        try:
            function(target)
            target.expect_served()
            passed += 1
            print(f"ok    {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except (Failure, OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
        if not Path(f"/proc/{target.pid}").exists():
            print("the server is gone")
            return passed, failed + 1
    if target.http_port and not wanted:
        last = counters(target)
        moved = [k for k in last if re.search("malformed|invalid|error|reject|refused|bad", k) and last[k] > first.get(k, 0)]
        print(f"{'ok   ' if moved else 'FAIL '} counters of bad input move: {', '.join(moved[:6]) or 'none did'}")
        passed, failed = passed + bool(moved), failed + (not moved)
    return passed, failed


def choose_free_ports(options):
    """For the ports that were not named: another program, or a connection of a test before, may have any."""
    taken = []

    def take(port):
        held = socket.socket()
        taken.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        return held.getsockname()[1]

    def pair():
        for _ in range(100):
            port = take(0)
            try:
                take(port - 2)  # the VIP twin
                return port
            except OSError:
                continue
        raise SystemExit("no two free ports")

    for name, choose in (("broker_port", pair), ("namesrv_port", lambda: take(0)), ("http_port", lambda: take(0)),
                         ("tls_port", lambda: take(0))):
        if getattr(options, name) is None:
            setattr(options, name, choose())
    for held in taken:
        held.close()


def can_serve(binary):
    listed = subprocess.run([binary, "help"], capture_output=True, text=True).stdout
    return re.search(r"^ +serve ", listed, re.M) is not None


def start(options, directory):
    log = open(Path(directory) / "server.log", "wb")
    options.certificates = str(Path(directory) / "certificates")
    subprocess.run([options.binary, "certificates", options.certificates], check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(
        [options.binary, "serve", "--data-directory", str(Path(directory) / "data"),
         "--ports-name-service", str(options.namesrv_port), "--ports-broker", str(options.broker_port),
         "--ports-vip", str(options.broker_port - 2), "--ports-amqp-enabled", "off",
         "--ports-amqps", str(options.tls_port), "--tls-certfile", f"{options.certificates}/server.pem",
         "--tls-keyfile", f"{options.certificates}/server.key", "--ports-http", str(options.http_port)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    for _ in range(500):
        if process.poll() is not None:
            break
        try:
            with Link(options.broker_port, timeout=2) as link:
                if link.ask(remoting.RUNTIME)[0]["code"] == 0:
                    return process
        except OSError:
            pass
        time.sleep(0.02)
    process.kill()
    raise SystemExit(f"the server does not answer:\n{(Path(directory) / 'server.log').read_text(errors='replace')[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", help="start this program")
    parser.add_argument("--pid", type=int, help="of a server that runs")
    parser.add_argument("--broker-port", type=int, help="without it a free one")
    parser.add_argument("--namesrv-port", type=int, help="without it a free one")
    parser.add_argument("--http-port", type=int, help="without it a free one")
    parser.add_argument("--tls-port", type=int, help="AMQP with TLS; without it a free one")
    parser.add_argument("--certificates", default="", help="where that port's ca.pem lies")
    parser.add_argument("--idle-connections", type=int, default=10_000)
    parser.add_argument("--only", default="", help="only cases whose name matches this regular expression")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    if not options.binary:
        if not options.pid:
            parser.error("--binary, or --pid of a running server")
        passed, failed = run_cases(Target(options), options.only)
    else:
        if not can_serve(options.binary):
            print("skipped: the program has no command 'serve'")
            return SKIPPED
        choose_free_ports(options)
        directory = tempfile.mkdtemp(prefix="posthorn-hostile-")
        process = start(options, directory)
        options.pid = process.pid
        try:
            passed, failed = run_cases(Target(options), options.only)
            process.terminate()
            code = process.wait(20)
            if code != 0:
                print(f"FAIL  the server ends well when asked to: exit code {code}")
            passed, failed = passed + (code == 0), failed + (code != 0)
        finally:
            process.kill()
            process.wait()
        if failed:
            print((Path(directory) / "server.log").read_text(errors="replace")[-3000:])
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
