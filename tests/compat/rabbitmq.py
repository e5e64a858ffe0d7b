#!/usr/bin/env python3
"""The reference server for AMQP: Debian's RabbitMQ 3.10.8, with its management API, on a port (its helpers on
the two after it, the API on the third) and in a folder of its own.

    rabbitmq.py start --dir DIR [--port 25690]      waits until it listens
    rabbitmq.py stop --dir DIR
"""
import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"


def available():
    return os.path.exists(PROGRAM)


def environment(home, port):
    home = Path(home)
    return {**os.environ, "HOME": str(home), "RABBITMQ_NODENAME": f"posthorn-{port}@localhost",
            "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_DIST_PORT": str(port + 1),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(port + 2), "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_BASE": str(home),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"), "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq")}


def tls_lines(port, certificates):
    if not certificates:
        return ""
    return (f"listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {certificates}/ca.pem\n"
            f"ssl_options.certfile = {certificates}/server.pem\nssl_options.keyfile = {certificates}/server.key\n"
            "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\n"
            "auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = AMQPLAIN\nauth_mechanisms.3 = EXTERNAL\n")


def start(home, port, certificates=None):
    """Its address. With certificates (../support/certificates.py) it also speaks TLS, on the fourth port after."""
    if not available():
        raise SystemExit("RabbitMQ is not installed: apt-get install rabbitmq-server")
    home = Path(home)
    for folder in ("mnesia", "log"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "plugins").write_text("[rabbitmq_management,rabbitmq_auth_mechanism_ssl].")
    (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.tcp.2 = ::1:{port}\n"
                                        f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port + 3}\n"
                                        + tls_lines(port + 4, certificates))
    with open(home / "out", "wb") as out:
        process = subprocess.Popen([PROGRAM], env=environment(home, port), stdout=out, stderr=out,
                                   stdin=subprocess.DEVNULL, start_new_session=True)
    (home / "group").write_text(f"{process.pid} {port}")
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit("RabbitMQ ended:\n" + (home / "out").read_text(errors="replace")[-2000:])
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return f"127.0.0.1:{port}"
        except OSError:
            time.sleep(0.2)
    stop(home)
    raise SystemExit("RabbitMQ does not listen")


def stop(home):
    """The server, with the processes it has started; epmd, which left the group, is told so at its port."""
    group, port = map(int, (Path(home) / "group").read_text().split())
    for what in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, what)
        except ProcessLookupError:
            break
        time.sleep(2)
    subprocess.run(["epmd", "-port", str(port + 2), "-kill"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", type=int, default=25690)
    options = parser.parse_args()
    if options.action == "start":
        print(start(options.dir, options.port))
    else:
        stop(options.dir)
        shutil.rmtree(options.dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
