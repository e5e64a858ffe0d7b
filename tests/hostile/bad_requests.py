"""Requests against the rules."""
import socket
import struct

from target import MIB, TOPIC, Failure, case, expect, expect_refused, push
import remoting


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
