#!/usr/bin/env python3
"""The program as a user starts it: program_test.py POSTHORN [unittest arguments]"""
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.error
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from server import FREE_PORTS, SECONDS, Server  # noqa: E402

POSTHORN = str(Path(sys.argv.pop(1)).resolve())


def amqp_say(client, class_id, method_id, arguments):
    payload = struct.pack("!HH", class_id, method_id) + arguments
    client.sendall(struct.pack("!BHI", 1, 0, len(payload)) + payload + b"\xce")


def amqp_method(client):
    """Class, method and arguments of the next frame."""
    def take(size):
        got = b""
        while len(got) < size:
            more = client.recv(size - len(got))
            assert more, "the connection ended"
            got += more
        return got
    payload = take(struct.unpack("!BHI", take(7))[2] + 1)
    return (*struct.unpack("!HH", payload[:4]), payload[4:-1])


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="posthorn-test-")
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            server.stop(signal.SIGKILL)
            server.errors.close()
        shutil.rmtree(self.directory)

    def start(self, *options, **more):
        server = Server(POSTHORN, self.directory, *options, **more)
        self.servers.append(server)
        return server

    def fails(self, *arguments):
        done = subprocess.run([POSTHORN, *arguments], capture_output=True, text=True, timeout=SECONDS,
                              cwd=self.directory)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_the_banner_says_what_listens_and_all_of_it_does(self):
        server = self.start()
        for what in ("RocketMQ name service", "RocketMQ broker", "VIP", "HTTP"):
            socket.create_connection(("127.0.0.1", server.port(what)), SECONDS).close()
        self.assertIn(os.path.join(self.directory, "data"), server.banner)

    def test_health_is_ok_and_says_the_version(self):
        health = json.loads(self.start().get("/healthz"))
        self.assertEqual(health["status"], "OK")
        self.assertEqual(health["writes"], "accepted")
        self.assertRegex(health["version"], r"^\d+\.\d+\.\d+$")

    def test_unknown_paths_are_404_as_json(self):
        server = self.start()
        with self.assertRaises(urllib.error.HTTPError) as caught:
            server.get("/nothing")
        self.assertEqual(caught.exception.code, 404)
        self.assertEqual(json.loads(caught.exception.read())["error"], "not_found")

    def test_metrics_carry_the_originals_names(self):
        metrics = self.start().get("/metrics")
        for name in ("rocketmq_broker_permission", "rocketmq_storage_size", "rocketmq_topic_number",
                     "process_resident_memory_bytes", "posthorn_ticks_total"):
            self.assertRegex(metrics, rf"(?m)^{name}[ {{]")

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_finds_nothing_to_say_about_the_metrics(self):
        checked = subprocess.run(["promtool", "check", "metrics"], input=self.start().get("/metrics"), text=True,
                                 capture_output=True, timeout=SECONDS)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_a_signal_stops_it_in_order_and_the_next_start_finds_the_data(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            server = self.start()
            self.assertEqual(server.stop(number), 0)
            self.assertIn("stopped", server.log())

    def test_amqp_clients_are_told_when_it_stops(self):
        server = self.start()
        with socket.create_connection(("127.0.0.1", server.port("AMQP 0-9-1")), SECONDS) as client:
            client.sendall(b"AMQP\0\0\x09\x01")
            amqp_method(client)
            login = b"\0guest\0guest"
            amqp_say(client, 10, 11, struct.pack("!I", 0) + b"\x05PLAIN" + struct.pack("!I", len(login)) + login + b"\5en_US")
            amqp_method(client)
            amqp_say(client, 10, 31, struct.pack("!HIH", 2047, 131072, 0))
            amqp_say(client, 10, 40, b"\1/\0\0")
            self.assertEqual(amqp_method(client)[:2], (10, 41))
            server.process.send_signal(signal.SIGTERM)
            told = amqp_method(client)
            self.assertEqual(told[:2], (10, 50))
            self.assertEqual(struct.unpack("!H", told[2][:2])[0], 320)
            self.assertIn(b"CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", told[2])
            amqp_say(client, 10, 51, b"")
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(server.process.wait(SECONDS), 0)

    def certificates(self):
        """By the command, for localhost and the user guest; the options that use them."""
        where = str(Path(self.directory) / "certificates")
        made = subprocess.run([POSTHORN, "certificates", where], capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        self.assertIn("--tls-certfile", made.stdout)
        return where, ["--tls-certfile", f"{where}/server.pem", "--tls-keyfile", f"{where}/server.key"]

    def test_amqp_with_tls_lets_in_whom_a_certificate_names(self):
        where, options = self.certificates()
        server = self.start(*options, "--tls-cacertfile", f"{where}/ca.pem", "--tls-verify", "verify_peer",
                            "--amqp-ssl-cert-login-from", "common_name")
        context = ssl.create_default_context(cafile=f"{where}/ca.pem")
        context.load_cert_chain(f"{where}/client.pem", f"{where}/client.key")
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port("amqps")), SECONDS),
                                 server_hostname="localhost") as client:
            client.sendall(b"AMQP\0\0\x09\x01")
            self.assertIn(b"EXTERNAL AMQPLAIN PLAIN", amqp_method(client)[2])
            amqp_say(client, 10, 11, struct.pack("!I", 0) + b"\x08EXTERNAL" + struct.pack("!I", 0) + b"\5en_US")
            amqp_method(client)
            amqp_say(client, 10, 31, struct.pack("!HIH", 2047, 131072, 0))
            amqp_say(client, 10, 40, b"\1/\0\0")
            self.assertEqual(amqp_method(client)[:2], (10, 41))
            self.assertRegex(server.get("/metrics"), r"(?m)^posthorn_tls_handshakes_total[^\n]* 1$")
        stranger = ssl.create_default_context()
        with self.assertRaises(ssl.SSLError):
            stranger.wrap_socket(socket.create_connection(("127.0.0.1", server.port("amqps")), SECONDS),
                                 server_hostname="localhost")

    def test_certificates_that_cannot_be_used_stop_the_start_and_say_why(self):
        where, options = self.certificates()
        error = self.fails("serve", "--data-directory", "data", *FREE_PORTS, *options[:3], f"{where}/client.key")
        self.assertIn("does not belong to the certificate", error)
        error = self.fails("serve", "--data-directory", "data", *FREE_PORTS, "--tls-certfile", "nothing.pem")
        self.assertIn("'nothing.pem' cannot be read: No such file", error)
        self.assertIn("posthorn certificates", error)
        error = self.fails("serve", "--data-directory", "data", *FREE_PORTS, *options, "--tls-verify", "verify_peer")
        self.assertIn("tls.cacertfile", error)

    def test_alarms_are_shown_and_set_while_it_runs(self):
        server = self.start()
        def alarms(*options):
            place = ["--http", f"127.0.0.1:{server.port('HTTP')}", "--json"]
            done = subprocess.run([POSTHORN, "alarms", *place, *options], capture_output=True, text=True,
                                  timeout=SECONDS, check=True)
            return json.loads(done.stdout)
        before = alarms()
        self.assertFalse(before["memory"]["alarm"])
        self.assertEqual(alarms("--memory", "1MiB")["memory"]["limit"], 2**20)
        self.assertTrue(alarms()["memory"]["alarm"])
        after = alarms("--memory", "0", "--disk-free", "1")
        self.assertFalse(after["memory"]["alarm"])
        self.assertEqual(after["disk_free"]["limit"], 1)
        self.assertIn("password", self.fails("alarms", "--http", f"127.0.0.1:{server.port('HTTP')}",
                                             "--password", "wrong"))

    def test_it_starts_again_after_a_kill(self):
        self.start().stop(signal.SIGKILL)
        self.assertEqual(json.loads(self.start().get("/healthz"))["status"], "OK")

    def test_a_second_one_on_the_same_directory_says_who_has_it_and_what_to_do(self):
        server = self.start()
        error = self.fails("serve", "--data-directory", "data", *FREE_PORTS)
        self.assertIn(str(server.process.pid), error)
        self.assertIn("--data-directory", error)

    def test_a_taken_port_says_which_flag_changes_it(self):
        server = self.start()
        taken = str(server.port("RocketMQ broker"))
        error = self.fails("serve", "--data-directory", "other", *FREE_PORTS[:2], "--ports-broker", taken,
                           *FREE_PORTS[4:])
        self.assertIn(taken, error)
        self.assertIn("--ports-broker", error)
        error = self.fails("serve", "--data-directory", "third", *FREE_PORTS[:8], "--ports-http", taken)
        self.assertIn("--ports-http", error)

    def test_a_broker_conf_of_the_original_is_read_and_its_keys_are_accounted_for(self):
        (Path(self.directory) / "broker.conf").write_text(
            "brokerName=broker-z\nbrokerRole=SYNC_MASTER\nsendMessageThreadPoolNums=16\nnoSuchKey=1\n")
        server = self.start("-c", "broker.conf")
        self.assertIn('node_id="broker-z"', server.get("/metrics"))
        log = server.log()
        self.assertEqual(log.count("SYNC_MASTER"), 1)
        self.assertIn("sendMessageThreadPoolNums is accepted and has no effect", log)
        self.assertIn("noSuchKey is no key", log)

    def test_the_environment_configures_too(self):
        server = self.start(environment={"POSTHORN_CLUSTER_NAME": "east"})
        self.assertIn('cluster="east"', server.get("/metrics"))

    def test_the_log_can_be_json_lines(self):
        process = subprocess.Popen([POSTHORN, "serve", "--data-directory", "data", "--log-format", "json",
                                    *FREE_PORTS], stderr=subprocess.PIPE, text=True, cwd=self.directory)
        for line in process.stderr:
            entry = json.loads(line)
            self.assertEqual(set(entry), {"time", "level", "area", "text"})
            if entry["text"].startswith("ready"):
                break
        process.send_signal(signal.SIGTERM)
        process.stderr.close()
        self.assertEqual(process.wait(SECONDS), 0)

    def test_a_wrong_flag_is_a_usage_error_and_a_wrong_value_says_what_would_be_right(self):
        self.assertIn("no-such-flag", self.fails("serve", "--no-such-flag"))
        self.assertIn("async, sync", self.fails("serve", "--store-flush", "sometimes"))

    def test_log_dump_reads_the_segments_it_wrote(self):
        self.start().stop()
        segments = sorted(Path(self.directory).glob("data/**/*.seg"))
        self.assertTrue(segments)
        for segment in segments:
            dumped = subprocess.run([POSTHORN, "log", "dump", str(segment)], capture_output=True, text=True,
                                    timeout=SECONDS)
            self.assertEqual(dumped.returncode, 0, dumped.stdout + dumped.stderr)
            self.assertIn("crc good", dumped.stdout)

    def test_log_dump_names_bad_bytes(self):
        self.start().stop()
        segment = sorted(Path(self.directory).glob("data/**/*.seg"))[0]
        with open(segment, "r+b") as file:
            file.seek(4096)
            file.write(b"PHb1 and then nonsense")
        dumped = subprocess.run([POSTHORN, "log", "dump", str(segment)], capture_output=True, text=True,
                                timeout=SECONDS)
        self.assertEqual(dumped.returncode, 1)
        self.assertIn("BAD", dumped.stdout)


if __name__ == "__main__":
    unittest.main()
