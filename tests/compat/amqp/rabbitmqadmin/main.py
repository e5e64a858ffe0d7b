"""Cases of the stock rabbitmqadmin and of the HTTP API it speaks: main.py HTTP-HOST:PORT PATTERN quick|full

Needs the program `rabbitmqadmin` of RabbitMQ 3.10 (Debian: rabbitmq-server), another one by RABBITMQADMIN.
"""
import socket
import sys

import tool  # first: it says where the shared modules are
import answers  # noqa: F401  (each brings its cases)
import cases
import definitions  # noqa: F401
import messages  # noqa: F401
import names  # noqa: F401
import operators  # noqa: F401


def listens():
    host, port = tool.HTTP.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def main():
    if not tool.PROGRAM:
        print("rabbitmqadmin is not installed: apt-get install rabbitmq-server", file=sys.stderr)
        return 77
    cases.until(60, "the HTTP port", listens)
    cases.run(sys.argv[2])
    return 0


sys.exit(main())
