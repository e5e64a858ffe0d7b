"""Cases of the Python client pika: main.py HOST:PORT PATTERN quick|full"""
import sys

import client  # noqa: F401  (first: it says where the shared modules are)
import cases
import confirms  # noqa: F401  (each brings its cases)
import connections  # noqa: F401
import consuming  # noqa: F401
import deaths  # noqa: F401
import exchanges  # noqa: F401
import limits  # noqa: F401
import queues  # noqa: F401
import tls  # noqa: F401

cases.run(sys.argv[2])
