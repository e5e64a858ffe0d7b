#!/usr/bin/env python3
"""The program on its bad days: bad_days_test.py POSTHORN [unittest arguments]"""
import errno
import os
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import remoting  # noqa: E402
from server import SECONDS, Server  # noqa: E402

POSTHORN = str(Path(sys.argv.pop(1)).resolve())
MIB = 1 << 20
TOPIC = "BadDays"
SERVICE_NOT_AVAILABLE = 14
BODY = bytes(range(256)) * 64
SMALL = ["--store-message-max", "65536", "--amqp-message-max", "65536", "--store-stream-segment", "4MiB",
         "--store-queue-segment", "2MiB", "--store-stream-tail", "2MiB", "--store-queue-tail", "2MiB"]
NO_DISK_MARKS = ["--store-disk-clean", "1.0", "--store-disk-force", "1.0", "--store-disk-refuse", "1.0"]


class BadDaysTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="posthorn-test-")
        self.servers, self.links, self.mounted = [], [], None

    def tearDown(self):
        for link in self.links:
            link.close()
        for server in self.servers:
            server.stop(signal.SIGKILL)
            server.errors.close()
        if self.mounted:
            subprocess.run(["umount", self.mounted], check=True)
        shutil.rmtree(self.directory)

    def start(self, *options, **more):
        self.server = Server(POSTHORN, self.directory, *options, **more)
        self.servers.append(self.server)
        return self.server

    def link(self):
        self.links.append(remoting.Link(self.server.port("RocketMQ broker"), SECONDS))
        return self.links[-1]

    def crowd(self, door, size):
        """So many connections that say nothing."""
        socks = [socket.create_connection(("127.0.0.1", self.server.port(door)), SECONDS) for _ in range(size)]
        for sock in socks:
            self.addCleanup(sock.close)
        return socks

    def small_disk(self, mib):
        """A directory on a file system of its own, of this size."""
        where = str(Path(self.directory) / "disk")
        os.mkdir(where)
        if os.geteuid() != 0:
            self.skipTest("only root may mount a small disk")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "posthorn-test", where],
                              capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"no small disk here: {done.stderr.strip()}")
        self.mounted = where
        return Path(where)

    def fill(self, disk, keep=0):
        """A file that takes the disk's space up to `keep` bytes."""
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while (free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - keep) > 0:
                    filler.write(bytes(min(free, MIB)))
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)

    def send_until_refused(self, link, seconds=30):
        """The offsets acknowledged, and the refusal."""
        offsets, begin = [], time.monotonic()
        while time.monotonic() - begin < seconds:
            answer = link.send(TOPIC, self.body)
            if answer["code"] != 0:
                return offsets, answer
            offsets.append(int(answer["extFields"]["queueOffset"]))
            time.sleep(self.pause)
        self.fail(f"{len(offsets)} sends, and none was refused")

    def send_until_taken(self, link, seconds=10):
        """The offset and how long it took."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            answer = link.send(TOPIC, b"after")
            if answer["code"] == 0:
                return int(answer["extFields"]["queueOffset"]), time.monotonic() - begin
            self.assertEqual(answer["code"], SERVICE_NOT_AVAILABLE, answer)
            time.sleep(0.05)
        self.fail(f"still refused after {seconds} s: {answer}")

    def pull_all(self, link, end):
        """Bodies by offset, of queue 0, up to `end`."""
        bodies, offset, deadline = {}, 0, time.monotonic() + SECONDS
        while offset < end and time.monotonic() < deadline:
            header, body = link.ask(remoting.PULL, remoting.pull_fields(TOPIC, 0, offset))
            bodies.update(remoting.stored_messages(body))
            offset = int(header["extFields"]["nextBeginOffset"])
        self.assertGreaterEqual(offset, end, f"pulled no further than {offset}")
        return bodies

    def commit_and_read_back(self, link, offset):
        fields = {"consumerGroup": "posthorn_test", "topic": TOPIC, "queueId": "0"}
        header, _ = link.ask(remoting.UPDATE_OFFSET, {**fields, "commitOffset": str(offset)})
        self.assertEqual(header["code"], 0, header)
        header, _ = link.ask(remoting.QUERY_OFFSET, fields)
        self.assertEqual(header["extFields"]["offset"], str(offset))

    def eventually(self, what, holds):
        deadline = time.monotonic() + SECONDS
        while not holds():
            self.assertLess(time.monotonic(), deadline, f"not within {SECONDS} s: {what}")
            time.sleep(0.02)

    def lets_in(self):
        """Whether a new connection is served; at the limit it is closed at once."""
        try:
            with remoting.Link(self.server.port("RocketMQ broker"), SECONDS) as link:
                return link.ask(remoting.RUNTIME)[0]["code"] == 0
        except ConnectionError:
            return False

    def noted(self, data, offset):
        """Whether a group's progress to this offset stands in the queue log (docs/formats/state-records.md)."""
        written = b"".join(segment.read_bytes() for segment in Path(data).glob("log/queue/*.seg"))
        return offset.to_bytes(8, "little") in written

    def stays_idle(self, why, seconds=1.5):
        """For showing that something does not happen, and only there: half a core at most in these seconds."""
        before, begin = self.cpu_seconds(), time.monotonic()
        while time.monotonic() - begin < seconds:
            self.assertLess(self.cpu_seconds() - before, seconds / 2, why)
            time.sleep(0.1)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sealed_segment(self, count):
        """The directory of the topics' log after so many numbered messages; the server is stopped."""
        self.start(*SMALL)
        link = self.link()
        link.create_topic(TOPIC, 1)
        for n in range(count):
            self.assertEqual(link.send(TOPIC, b"%08d" % n + BODY)["code"], 0)
        stream = Path(self.directory) / "data/log/stream"
        self.eventually("the first segment is sealed", (stream / f"{0:020}.idx").exists)
        self.assertEqual(self.server.stop(), 0)
        return stream

    def on_a_full_disk(self, options, keep, body, refusal, pause=0):
        self.body, self.pause = body, pause
        disk = self.small_disk(48)
        self.start(*SMALL, *options, data=disk / "data")
        link = self.link()
        link.create_topic(TOPIC, 1)
        early = [int(link.send(TOPIC, body)["extFields"]["queueOffset"]) for _ in range(20)]
        self.assertEqual(early, list(range(20)))
        self.commit_and_read_back(link, 1)
        self.fill(disk, keep)

        offsets, answer = self.send_until_refused(link)
        offsets = early + offsets
        self.assertEqual(answer["code"], SERVICE_NOT_AVAILABLE, answer)
        self.assertRegex(answer["remark"], refusal)
        self.assertIn("free space", answer["remark"], "the remark says what to do")
        self.assertEqual(offsets, list(range(len(offsets))))
        self.assertEqual(len(self.pull_all(link, len(offsets))), len(offsets), "reads go on")
        for offset in range(2, 12):
            self.commit_and_read_back(link, offset)
        self.stays_idle("a full disk keeps no core busy")
        self.assertEqual(link.send(TOPIC, b"still full")["code"], SERVICE_NOT_AVAILABLE)

        os.unlink(disk / "filler")
        after, seconds = self.send_until_taken(link)
        self.assertEqual(after, len(offsets))
        self.assertLess(seconds, 5)
        self.commit_and_read_back(link, after)
        self.eventually("the offset is noted", lambda: self.noted(disk / "data", after))
        self.server.stop(signal.SIGKILL)

        self.start(*SMALL, *options, data=disk / "data")
        link = self.link()
        bodies = self.pull_all(link, after + 1)
        self.assertEqual(len(bodies), after + 1, "nothing acknowledged is lost")
        self.assertEqual(bodies[after], b"after")
        self.assertTrue(all(bodies[n] == body for n in range(after)))
        header, _ = link.ask(remoting.QUERY_OFFSET,
                             {"consumerGroup": "posthorn_test", "topic": TOPIC, "queueId": "0"})
        self.assertEqual(header["extFields"]["offset"], str(after))

    def test_a_disk_without_a_byte_left_refuses_sends_only_and_recovers_by_itself(self):
        self.on_a_full_disk(NO_DISK_MARKS, 0, BODY, "(?i)no space")

    def test_a_disk_beyond_the_refuse_mark_refuses_sends_only_and_recovers_by_itself(self):
        marks = ["--store-disk-clean", "0.9", "--store-disk-force", "0.9", "--store-disk-refuse", "0.9"]
        self.on_a_full_disk(marks, 4 * MIB, b"little", r"9\d % full", pause=0.02)

    def test_a_connection_that_went_silent_is_closed_and_one_that_speaks_is_not(self):
        self.start("--remoting-idle-timeout", "2s")
        silent, half_a_frame, speaking = self.link(), self.link(), self.link()
        half_a_frame.sock.sendall(remoting.request(remoting.RUNTIME)[:20])
        begin = time.monotonic()
        waiting = {silent.sock, half_a_frame.sock}
        while waiting and time.monotonic() - begin < SECONDS:
            self.assertEqual(speaking.ask(remoting.RUNTIME)[0]["code"], 0)
            for sock in select.select(waiting, [], [], 0.2)[0]:
                self.assertEqual(sock.recv(1), b"")
                waiting.remove(sock)
        self.assertFalse(waiting, "still open")
        self.assertGreater(time.monotonic() - begin, 1.5)
        self.assertEqual(speaking.ask(remoting.RUNTIME)[0]["code"], 0)
        self.assertRegex(self.server.get("/metrics"), r'posthorn_connections_ended_total\{[^}]*reason="idle"\} 2')

    def test_nonsense_from_a_stranger_does_not_fill_the_log(self):
        self.start()
        for _ in range(300):
            with socket.create_connection(("127.0.0.1", self.server.port("RocketMQ broker")), SECONDS) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
                while sock.recv(4096):
                    pass
        self.assertLess(self.server.log().count("closing "), 60)
        self.assertRegex(self.server.get("/metrics"), r'posthorn_bad_frames_total\{[^}]*reason="frame"\} 300')

    def test_connections_never_take_the_descriptors_of_the_files(self):
        self.start(*SMALL, descriptors=100)
        link = self.link()
        link.create_topic(TOPIC, 1)
        crowd = self.crowd("RocketMQ broker", 120)
        for n in range(600):  # more than two segments
            self.assertEqual(link.send(TOPIC, BODY)["code"], 0, n)
        self.assertIn('"OK"', self.server.get("/healthz"))
        for sock in crowd:
            sock.close()
        self.eventually("others are let in again", self.lets_in)

    def test_out_of_descriptors_http_neither_spins_nor_fills_the_log_and_recovers_by_itself(self):
        self.start()
        self.eventually("the files of the start are synced", lambda: re.search(
            r'posthorn_log_syncs_total\{log="queue"\} [1-9]', self.server.get("/metrics")))
        used = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        # The soft limit only: not everybody may raise a hard one again.
        _, hard = resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE, (used, hard))
        crowd = self.crowd("HTTP", 5)
        self.stays_idle("nobody tries to accept again and again")
        self.assertIn("cannot accept", self.server.log())
        self.assertLess(self.server.log().count("accept"), 20)
        for sock in crowd:
            sock.close()
        resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE, (used + 20, hard))
        self.assertIn("status", self.server.get("/healthz"))

    def test_an_index_file_gone_bad_hides_no_message(self):
        count = 600
        stream = self.sealed_segment(count)
        index = stream / f"{0:020}.idx"
        data = bytearray(index.read_bytes())
        data[2_000] ^= 0xFF
        index.write_bytes(data)

        self.start(*SMALL)
        self.assertEqual(len(self.pull_all(self.link(), count)), count)
        self.assertRegex(self.server.log(), "damage in log stream, index of segment 0: .*")
        self.assertRegex(self.server.log(), "index of segment 0 of log stream was made again")

    def test_bytes_gone_bad_in_a_sealed_segment_are_named_and_not_served_and_all_others_are(self):
        count = 600
        stream = self.sealed_segment(count)
        segment = stream / f"{0:020}.seg"
        data = bytearray(segment.read_bytes())
        at = data.index(b"%08d" % 100 + BODY) + 4_000
        data[at] ^= 0xFF
        segment.write_bytes(data)

        self.start(*SMALL)
        link = self.link()
        bodies = self.pull_all(link, count)
        self.assertNotIn(100, bodies, "damage is never served")
        self.assertEqual(bodies, {n: b"%08d" % n + BODY for n in range(count) if n in bodies})
        self.assertGreaterEqual(len(bodies), count - 4, "what shares no batch with the damage is served")
        named = re.search(r"damage in log stream, segment 0: (\d+) bytes from (\d+)", self.server.log())
        self.assertTrue(named, self.server.log())
        self.assertTrue(int(named[2]) <= at < int(named[2]) + int(named[1]), f"{named[0]} is not at {at}")
        self.assertEqual(self.server.stop(), 0)

        dumped = subprocess.run([POSTHORN, "log", "dump", str(segment)], capture_output=True, text=True,
                                timeout=SECONDS)
        self.assertEqual(dumped.returncode, 1)
        bad = re.search(r"BAD (\d+) bytes at position (\d+)", dumped.stdout)
        self.assertTrue(bad, dumped.stdout[-2_000:])
        self.assertTrue(int(bad[2]) <= at < int(bad[2]) + int(bad[1]), bad[0])


if __name__ == "__main__":
    unittest.main()
