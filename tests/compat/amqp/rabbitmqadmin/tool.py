"""The stock rabbitmqadmin, and the HTTP API of the server under test."""
import base64
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "support"))
from cases import check  # noqa: E402

HTTP = sys.argv[1]
PROGRAM = os.environ.get("RABBITMQADMIN") or shutil.which("rabbitmqadmin")


def run(*arguments, user="guest", password=None, vhost=None, stdin=""):
    host, port = HTTP.rsplit(":", 1)
    options = ["-H", host, "-P", port, "-u", user, "-p", password or user] + (["-V", vhost] if vhost else [])
    return subprocess.run([sys.executable, PROGRAM, *options, *arguments], capture_output=True, text=True, input=stdin,
                          timeout=120)


def admin(*arguments, **options):
    done = run(*arguments, **options)
    check(done.returncode == 0, f"rabbitmqadmin {' '.join(arguments)}: {done.stdout} {done.stderr}")
    return done.stdout


def rows(*arguments, **options):
    return json.loads(admin("-f", "raw_json", *arguments, **options))


def refused(*arguments, says="", **options):
    done = run(*arguments, **options)
    check(done.returncode != 0, f"rabbitmqadmin {' '.join(arguments)} was not refused: {done.stdout}")
    check(says in done.stdout + done.stderr, f"{done.stdout} {done.stderr} does not say {says!r}")


def named(name, listed):
    return next((row for row in listed if row.get("name") == name), None)


def api(method, path, body=None, user="guest", password=None):
    """Status and JSON (or text) of the answer."""
    request = urllib.request.Request(f"http://{HTTP}/api{path}", method=method)
    login = f"{user}:{password or user}".encode()
    request.add_header("Authorization", "Basic " + base64.b64encode(login).decode())
    data = None
    if body is not None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def quoted(name):
    return urllib.parse.quote(name, safe="")
