"""Cases of the stock rabbitmqadmin and of the HTTP API it speaks: main.py HTTP-HOST:PORT PATTERN quick|full

Needs the program `rabbitmqadmin` of RabbitMQ 3.10 (Debian: rabbitmq-server), another one by RABBITMQADMIN.
"""
import base64
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

HTTP = sys.argv[1]
PATTERN = re.compile(sys.argv[2])
PROGRAM = os.environ.get("RABBITMQADMIN") or shutil.which("rabbitmqadmin")
RUN = f"{int(time.time() * 1000) % 10 ** 8:x}"
CASES = {}
count = 0


def case(function):
    CASES[function.__name__.replace("__", ".").replace("_", "-")] = function
    return function


def unique(what):
    global count
    count += 1
    return f"adm-{what}-{RUN}-{count}"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def equal(seen, expected, what=""):
    if seen != expected:
        raise AssertionError(f"{what}: saw {seen!r}, expected {expected!r}")


def until(what, get, seconds=15):
    """Asks again until there is something: the original's numbers are some seconds old."""
    end = time.monotonic() + seconds
    while True:
        value = get()
        if value:
            return value
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.2)


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


class Client:
    """An AMQP connection by hand: logs in, opens a channel, consumes a queue."""

    def __init__(self, queue=None):
        listeners = api("GET", "/overview")[1]["listeners"]
        port = next(one["port"] for one in listeners if one["protocol"] == "amqp")
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.buffer = b""
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.method(0, 10, 10)
        properties = self.table({b"connection_name": unique("client").encode()})
        self.send(0, 10, 11, properties + b"\x05PLAIN" + struct.pack(">I", 12) + b"\0guest\0guest" + b"\x05en_US")
        self.method(0, 10, 30)
        self.send(0, 10, 31, struct.pack(">HIH", 2047, 131072, 0))
        self.send(0, 10, 40, b"\x01/\x00\x00")
        self.method(0, 10, 41)
        self.send(1, 20, 10, b"\x00")
        self.method(1, 20, 11)
        if queue:
            self.send(1, 60, 10, struct.pack(">IHB", 0, 7, 0))
            self.method(1, 60, 11)
            self.send(1, 60, 20, b"\0\0" + self.short(queue) + self.short("tag-" + queue) + b"\0" + b"\0\0\0\0")
            self.method(1, 60, 21)
        self.name = "%s:%d -> %s:%d" % (*self.socket.getsockname(), *self.socket.getpeername())

    @staticmethod
    def short(text):
        return bytes([len(text)]) + text.encode()

    @staticmethod
    def table(values):
        fields = b"".join(bytes([len(k)]) + k + b"S" + struct.pack(">I", len(v)) + v for k, v in values.items())
        return struct.pack(">I", len(fields)) + fields

    def send(self, channel, class_id, method_id, arguments=b""):
        payload = struct.pack(">HH", class_id, method_id) + arguments
        self.socket.sendall(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

    def take(self, size):
        while len(self.buffer) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def method(self, channel, class_id, method_id):
        while True:
            kind, on, size = struct.unpack(">BHI", self.take(7))
            payload = self.take(size + 1)
            if kind == 1 and on == channel and struct.unpack(">HH", payload[:4]) == (class_id, method_id):
                return payload[4:-1]

    def close(self):
        self.socket.close()


@case
def list__every_kind_of_thing():
    for kind in ("connections", "channels", "consumers", "exchanges", "queues", "bindings", "users", "vhosts",
                 "permissions", "nodes", "parameters", "policies", "operator_policies", "vhost_limits"):
        admin("list", kind)


@case
def list__in_every_format():
    name = unique("q")
    admin("declare", "queue", f"name={name}")
    for form in ("table", "tsv", "long", "kvp", "bash", "pretty_json"):
        check(name in admin("-f", form, "list", "queues", "name", "durable"), form)
    admin("delete", "queue", f"name={name}")


@case
def list__columns_and_sort():
    names = [unique("sort") for _ in range(3)]
    for name in names:
        admin("declare", "queue", f"name={name}", "arguments={\"x-max-length\":7}")
    listed = json.loads(admin("-f", "raw_json", "-S", "name", "-R", "list", "queues", "name", "arguments.x-max-length"))
    equal([row["name"] for row in listed if row["name"] in names], sorted(names, reverse=True))
    equal(named(names[0], listed), {"name": names[0], "arguments": {"x-max-length": 7}})
    for name in names:
        admin("delete", "queue", f"name={name}")


@case
def show__overview():
    shown = json.loads(admin("-f", "raw_json", "show", "overview").strip())[0]
    for key in ("rabbitmq_version", "cluster_name", "queue_totals", "object_totals", "message_stats", "listeners",
                "node", "exchange_types", "contexts", "churn_rates"):
        check(key in shown, key)
    check("3.10.8" in admin("show", "overview"), "version")


@case
def declare__exchange_queue_and_binding_and_delete_them():
    exchange, queue = unique("x"), unique("q")
    admin("declare", "exchange", f"name={exchange}", "type=topic")
    admin("declare", "queue", f"name={queue}", "durable=true", "auto_delete=false")
    admin("declare", "binding", f"source={exchange}", f"destination={queue}", "routing_key=a.#")
    admin("declare", "binding", f"source={exchange}", f"destination={queue}", "routing_key=b", "arguments={\"x\":1}")
    row = named(exchange, rows("list", "exchanges"))
    equal((row["type"], row["durable"], row["auto_delete"], row["internal"], row["vhost"]),
          ("topic", True, False, False, "/"))
    row = until("the queue", lambda: named(queue, rows("list", "queues")))
    equal((row["durable"], row["auto_delete"], row["exclusive"], row["vhost"]), (True, False, False, "/"))
    bindings = [row for row in rows("list", "bindings") if row["destination"] == queue and row["source"] == exchange]
    equal(sorted((row["routing_key"], row["destination_type"], row["arguments"] == {"x": 1}) for row in bindings),
          [("a.#", "queue", False), ("b", "queue", True)])
    for row in bindings:
        admin("delete", "binding", f"source={exchange}", "destination_type=queue", f"destination={queue}",
              f"properties_key={row['properties_key']}")
    equal([row for row in rows("list", "bindings") if row["source"] == exchange], [])
    refused("delete", "binding", f"source={exchange}", "destination_type=queue", f"destination={queue}",
            says="Not found")
    admin("delete", "exchange", f"name={exchange}")
    admin("delete", "queue", f"name={queue}")
    refused("delete", "queue", f"name={queue}", says="Not found")
    refused("delete", "exchange", f"name={exchange}", says="Not found")


@case
def declare__another_queue_of_the_name_is_refused():
    name = unique("q")
    admin("declare", "queue", f"name={name}", "arguments={\"x-max-length\":5}")
    admin("declare", "queue", f"name={name}", "arguments={\"x-max-length\":5}")
    refused("declare", "queue", f"name={name}", "arguments={\"x-max-length\":6}", says="inequivalent arg 'x-max-length'")
    refused("declare", "queue", f"name={name}", "durable=false", says="inequivalent arg 'durable'")
    refused("declare", "exchange", f"name={unique('x')}", "type=nosuch", says="unknown exchange type 'nosuch'")
    refused("declare", "queue", f"name={unique('q')}", "arguments={\"x-message-ttl\":\"soon\"}", says="x-message-ttl")
    admin("delete", "queue", f"name={name}")


@case
def declare__exchange_to_exchange():
    source, target = unique("x"), unique("x")
    for name in (source, target):
        admin("declare", "exchange", f"name={name}", "type=fanout")
    admin("declare", "binding", f"source={source}", f"destination={target}", "destination_type=exchange")
    row = next(row for row in rows("list", "bindings") if row["source"] == source)
    equal((row["destination"], row["destination_type"], row["properties_key"]), (target, "exchange", "~"))
    admin("delete", "binding", f"source={source}", f"destination={target}", "destination_type=exchange")
    for name in (source, target):
        admin("delete", "exchange", f"name={name}")


@case
def declare__quorum_queue():
    name = unique("quorum")
    admin("declare", "queue", f"name={name}", "queue_type=quorum")
    row = until("its type", lambda: named(name, rows("list", "queues")))
    equal((row["type"], row["arguments"]), ("quorum", {"x-queue-type": "quorum"}))
    admin("delete", "queue", f"name={name}")


@case
def publish__get_and_purge():
    name = unique("q")
    admin("declare", "queue", f"name={name}")
    check("Message published" in admin("publish", f"routing_key={name}", "payload=hello"), "routed")
    check("NOT routed" in admin("publish", f"routing_key={unique('nowhere')}", "payload=lost"), "not routed")
    admin("publish", f"routing_key={name}", stdin="from stdin")
    admin("publish", f"routing_key={name}", "payload=two",
          'properties={"delivery_mode":2,"headers":{"n":1,"l":["a",2]},"message_id":"m-1"}')
    first = until("three messages", lambda: (lambda got: got if len(got) == 3 else None)(
        rows("get", f"queue={name}", "count=5")))
    equal([message["payload"] for message in first], ["hello", "from stdin", "two"])
    message = first[0]
    equal((message["exchange"], message["routing_key"], message["payload_bytes"], message["payload_encoding"],
           message["message_count"]), ("", name, 5, "string", 2))
    equal(first[2]["properties"], {"delivery_mode": 2, "headers": {"n": 1, "l": ["a", 2]}, "message_id": "m-1"})
    again = rows("get", f"queue={name}", "ackmode=ack_requeue_false")
    equal((again[0]["payload"], again[0]["redelivered"]), ("hello", True))
    equal(rows("get", f"queue={name}", "ackmode=reject_requeue_false", "encoding=base64")[0]["payload"],
          base64.b64encode(b"from stdin").decode())
    with tempfile.TemporaryDirectory() as folder:
        admin("get", f"queue={name}", f"payload_file={folder}/payload")
        equal(open(f"{folder}/payload").read(), "two")
    admin("purge", "queue", f"name={name}")
    check("No items" in admin("get", f"queue={name}"), "empty")
    refused("purge", "queue", f"name={unique('none')}", says="Not found")
    admin("delete", "queue", f"name={name}")


@case
def publish__bytes_that_are_no_text_come_back_as_base64():
    name = unique("q")
    admin("declare", "queue", f"name={name}")
    status, answer = api("POST", "/exchanges/%2F/amq.default/publish", {
        "properties": {}, "routing_key": name, "payload": base64.b64encode(b"\xff\x00\xfe").decode(),
        "payload_encoding": "base64"})
    equal((status, answer), (200, {"routed": True}))
    got = until("the message", lambda: rows("get", f"queue={name}", "ackmode=ack_requeue_false"))[0]
    equal((got["payload_encoding"], base64.b64decode(got["payload"]), got["properties"]), ("base64", b"\xff\x00\xfe", []))
    admin("delete", "queue", f"name={name}")


@case
def users__declare_list_and_delete():
    name, vhost = unique("user"), unique("vhost")
    admin("declare", "vhost", f"name={vhost}")
    check(named(vhost, rows("list", "vhosts")), "the vhost is listed")
    admin("declare", "user", f"name={name}", f"password={name}", "tags=management,policymaker")
    equal(named(name, rows("list", "users"))["tags"], ["management", "policymaker"])
    equal(api("GET", "/whoami", user=name), (200, {"name": name, "tags": ["management", "policymaker"]}))
    admin("declare", "permission", f"vhost={vhost}", f"user={name}", "configure=^mine", "write=.*", "read=.*")
    row = next(row for row in rows("list", "permissions") if row["user"] == name)
    equal(row, {"user": name, "vhost": vhost, "configure": "^mine", "write": ".*", "read": ".*"})
    admin("declare", "queue", "name=mine-1", user=name, vhost=vhost)
    refused("declare", "queue", "name=other", user=name, vhost=vhost, says="Access refused")
    refused("list", "users", user=name, says="Access refused")
    refused("list", "queues", user=name, password="wrong", says="Access refused")
    equal([row["name"] for row in rows("list", "vhosts", user=name)], [vhost])
    admin("delete", "permission", f"vhost={vhost}", f"user={name}")
    refused("list", "queues", user=name, vhost=vhost, says="Access refused")
    admin("delete", "user", f"name={name}")
    admin("delete", "vhost", f"name={vhost}")
    refused("delete", "vhost", f"name={vhost}", says="Not found")
    refused("delete", "user", f"name={name}", says="Not found")


@case
def users__a_password_hash_is_taken_and_given():
    name, other = unique("user"), unique("user")
    admin("declare", "user", f"name={name}", "password=secret", "tags=management")
    digest = named(name, rows("list", "users"))["password_hash"]
    admin("declare", "user", f"name={other}", f"password_hash={digest}", "tags=management")
    equal(api("GET", "/whoami", user=other, password="secret")[0], 200)
    equal(api("GET", "/whoami", user=other, password="wrong")[0], 401)
    for user in (name, other):
        admin("delete", "user", f"name={user}")


@case
def policies__act_and_go():
    name, queue = unique("policy"), unique("limited")
    admin("declare", "queue", f"name={queue}")
    admin("declare", "policy", f"name={name}", f"pattern=^{queue}$", "definition={\"max-length\":2}", "apply-to=queues",
          "priority=3")
    equal(named(name, rows("list", "policies")), {
        "vhost": "/", "name": name, "pattern": f"^{queue}$", "apply-to": "queues", "definition": {"max-length": 2},
        "priority": 3})
    for number in range(4):
        admin("publish", f"routing_key={queue}", f"payload={number}")
    got = until("two messages", lambda: (lambda got: got if len(got) == 2 else None)(
        rows("get", f"queue={queue}", "count=9")))
    equal([message["payload"] for message in got], ["2", "3"])
    row = until("the policy's name", lambda: (lambda row: row if row and row.get("policy") else None)(
        named(queue, rows("list", "queues"))))
    equal((row["policy"], row["effective_policy_definition"]), (name, {"max-length": 2}))
    refused("declare", "policy", "name=bad", "pattern=(", "definition={\"max-length\":2}", says="regular expression")
    refused("declare", "policy", "name=bad", "pattern=a", "definition={\"nosuch\":2}", says="not recognised")
    admin("delete", "policy", f"name={name}")
    refused("delete", "policy", f"name={name}", says="Not found")
    admin("delete", "queue", f"name={queue}")


@case
def policies__of_the_operator():
    name, queue = unique("policy"), unique("q")
    admin("declare", "queue", f"name={queue}", "arguments={\"x-max-length\":9}")
    admin("declare", "operator_policy", f"name={name}", f"pattern=^{queue}$", "definition={\"max-length\":1}",
          "apply-to=queues")
    check(named(name, rows("list", "operator_policies")), "listed")
    parameter = named(name, rows("list", "parameters"))
    equal((parameter["component"], parameter["value"]["definition"]), ("operator_policy", {"max-length": 1}))
    for number in range(3):
        admin("publish", f"routing_key={queue}", f"payload={number}")
    got = until("one message", lambda: (lambda got: got if len(got) == 1 else None)(
        rows("get", f"queue={queue}", "count=9")))
    equal(got[0]["payload"], "2")
    admin("delete", "operator_policy", f"name={name}")
    admin("delete", "queue", f"name={queue}")


@case
def vhost_limits__bound_the_number_of_queues():
    vhost = unique("vhost")
    admin("declare", "vhost", f"name={vhost}")
    admin("declare", "vhost_limit", f"vhost={vhost}", "name=max-queues", "value=1")
    equal(next(row for row in rows("list", "vhost_limits") if row["vhost"] == vhost)["value"], {"max-queues": 1})
    admin("declare", "queue", "name=one", vhost=vhost)
    check(run("declare", "queue", "name=two", vhost=vhost).returncode != 0, "a second queue is refused")
    admin("delete", "vhost_limit", f"vhost={vhost}", "name=max-queues")
    admin("declare", "queue", "name=two", vhost=vhost)
    admin("delete", "vhost", f"name={vhost}")


@case
def parameters__of_components_nobody_knows_are_refused():
    refused("declare", "parameter", "component=nosuch", "name=a", "value={}", says="component nosuch not found")


@case
def connections__channels_consumers_and_their_end():
    queue = unique("consumed")
    admin("declare", "queue", f"name={queue}")
    client = Client(queue)
    row = until("the connection", lambda: named(client.name, rows("list", "connections")))
    equal((row["user"], row["vhost"], row["protocol"], row["auth_mechanism"], row["type"], row["ssl"]),
          ("guest", "/", "AMQP 0-9-1", "PLAIN", "network", False))
    row = until("one channel", lambda: (lambda row: row if row.get("channels") == 1 else None)(
        named(client.name, rows("list", "connections"))))
    check(row["client_properties"]["connection_name"].startswith("adm-client"), "client properties")
    equal(row["user_provided_name"], row["client_properties"]["connection_name"])
    channel = until("the channel", lambda: (lambda row: row if row and row.get("consumer_count") == 1 else None)(
        named(f"{client.name} (1)", rows("list", "channels"))))
    equal((channel["number"], channel["prefetch_count"], channel["user"], channel["connection_details"]["name"]),
          (1, 7, "guest", client.name))
    consumer = until("the consumer", lambda: next(
        (row for row in rows("list", "consumers") if row["consumer_tag"] == "tag-" + queue), None))
    equal((consumer["queue"], consumer["ack_required"], consumer["exclusive"], consumer["prefetch_count"]),
          ({"name": queue, "vhost": "/"}, True, False, 7))
    equal(consumer["channel_details"]["connection_name"], client.name)
    equal(api("GET", f"/connections/{quoted(client.name)}")[1]["name"], client.name)
    equal(len(api("GET", f"/connections/{quoted(client.name)}/channels")[1]), 1)
    admin("close", "connection", f"name={client.name}")
    payload = client.method(0, 10, 50)
    equal(struct.unpack(">H", payload[:2])[0], 320, "the code of the close")
    check(b"CONNECTION_FORCED" in payload and b"management" in payload, f"the text {payload!r}")
    client.close()
    until("it is gone", lambda: not named(client.name, rows("list", "connections")))
    refused("close", "connection", f"name={client.name}", says="Not found")
    admin("delete", "queue", f"name={queue}")


@case
def definitions__go_out_and_come_in_again():
    vhost, user = unique("vhost"), unique("user")
    admin("declare", "vhost", f"name={vhost}")
    admin("declare", "user", f"name={user}", f"password={user}", "tags=management")
    admin("declare", "permission", f"vhost={vhost}", f"user={user}", "configure=a", "write=b", "read=c")
    admin("declare", "exchange", "name=x", "type=headers", vhost=vhost)
    admin("declare", "queue", "name=q", "arguments={\"x-max-length\":5}", vhost=vhost)
    admin("declare", "queue", "name=passing", "durable=false", vhost=vhost)
    admin("declare", "binding", "source=x", "destination=q", "arguments={\"x-match\":\"all\",\"n\":1}", vhost=vhost)
    admin("declare", "policy", "name=p", "pattern=^q", "definition={\"max-length\":3}", "apply-to=queues", vhost=vhost)
    admin("declare", "operator_policy", "name=o", "pattern=^q", "definition={\"expires\":900000}", vhost=vhost)
    with tempfile.TemporaryDirectory() as folder:
        admin("export", f"{folder}/all.json")
        admin("export", f"{folder}/one.json", vhost=vhost)
        exported = json.load(open(f"{folder}/all.json"))
        one = json.load(open(f"{folder}/one.json"))
        equal(sorted((row["name"], row["durable"]) for row in one["queues"]), [("passing", False), ("q", True)])
        check("users" not in one, "users belong to no vhost")
        admin("delete", "vhost", f"name={vhost}")
        admin("delete", "user", f"name={user}")
        admin("import", f"{folder}/all.json")
        equal(sorted(row["name"] for row in rows("list", "queues", vhost=vhost)), ["passing", "q"])
        admin("export", f"{folder}/again.json")
        again = json.load(open(f"{folder}/again.json"))
        other = unique("vhost")
        admin("declare", "vhost", f"name={other}")
        admin("import", f"{folder}/one.json", vhost=other)
        equal(sorted(row["name"] for row in rows("list", "queues", vhost=other)), ["passing", "q"])
        check(any(row["arguments"] == {"x-match": "all", "n": 1} for row in rows("list", "bindings", vhost=other)),
              "the binding's arguments")
    for section in ("users", "permissions", "queues", "exchanges", "bindings", "policies", "parameters"):
        def mine(definitions):
            return sorted(json.dumps(row, sort_keys=True) for row in definitions[section]
                          if row.get("vhost") == vhost or row.get("name") == user)
        equal(mine(again), mine(exported), section)
        check(mine(again), section)
    equal(api("GET", "/whoami", user=user)[0], 200, "the password came through")
    for name in (vhost, other):
        admin("delete", "vhost", f"name={name}")
    admin("delete", "user", f"name={user}")


@case
def definitions__wrong_ones_are_refused():
    equal(api("POST", "/definitions", "{bad")[0], 400)
    status, answer = api("POST", "/definitions", {"queues": [{"name": "q", "vhost": unique("nosuch"), "durable": True,
                                                              "auto_delete": False, "arguments": {}}]})
    equal(status, 400)
    check("no_such_vhost" in json.dumps(answer["reason"]), answer)


@case
def errors__have_a_shape():
    nowhere = "/queues/%2F/" + unique("none")
    equal(api("GET", nowhere), (404, {"error": "Object Not Found", "reason": "Not Found"}))
    equal(api("GET", "/queues/nosuchvhost")[0], 404)
    equal(api("GET", "/nosuchthing")[0], 404)
    equal(api("PATCH", "/overview")[0], 405)
    equal(api("POST", nowhere, {})[0], 405)
    equal(api("GET", "/overview", password="wrong"), (401, {"error": "not_authorized", "reason": "Login failed"}))
    status, answer = api("PUT", "/queues/%2F/" + unique("q"), "{bad")
    equal((status, answer), (400, {"error": "bad_request", "reason": "not_json"}))
    equal(api("PUT", "/queues/%2F/" + unique("q"), "[]")[0], 400)
    equal(api("PUT", "/queues/%2F/" + unique("q"), {"durable": "perhaps"})[0], 400)
    equal(api("PUT", "/exchanges/%2F/amq.mine", {"type": "direct"})[0], 401)
    equal(api("DELETE", "/exchanges/%2F/amq.direct")[0], 401)
    status, answer = api("POST", "/exchanges/%2F/amq.direct/publish", {"properties": {}, "routing_key": "a"})
    equal((status, answer["reason"]), (400, "[{key_missing,payload},{key_missing,payload_encoding}]"))
    status, answer = api("POST", f"/exchanges/%2F/{unique('x')}/publish", {
        "properties": {}, "routing_key": "a", "payload": "", "payload_encoding": "string"})
    equal(status, 400)
    check(answer["reason"].startswith("404 NOT_FOUND - no exchange"), answer)
    equal(api("POST", nowhere + "/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"})[0], 404)


@case
def errors__an_escape_that_is_none_is_a_bad_request():
    host, port = HTTP.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET /api/queues/%zz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        check(connection.recv(64).split()[1] == b"400", "400")


@case
def pages__have_sizes_names_and_an_end():
    prefix = unique("page")
    for number in range(5):
        api("PUT", f"/queues/%2F/{prefix}-{number}", {"durable": True})
    path = f"/queues?name={prefix}&columns=name&page_size=2"
    first = api("GET", path + "&page=1")[1]
    equal([row["name"] for row in first["items"]], [f"{prefix}-0", f"{prefix}-1"])
    equal({key: first[key] for key in ("filtered_count", "item_count", "page", "page_count", "page_size")},
          {"filtered_count": 5, "item_count": 2, "page": 1, "page_count": 3, "page_size": 2})
    equal([row["name"] for row in api("GET", path + "&page=3")[1]["items"]], [f"{prefix}-4"])
    status, answer = api("GET", path + "&page=4")
    equal((status, answer["error"]), (400, "page_out_of_range"))
    equal(api("GET", "/queues?page=0")[1]["error"], "invalid_pagination_parameters")
    equal(api("GET", "/queues?page=1&page_size=1000")[1]["error"], "invalid_pagination_parameters")
    found = api("GET", f"/queues?page=1&use_regex=true&name={quoted(prefix + '-[24]$')}&columns=name&sort=name"
                       "&sort_reverse=true")[1]
    equal([row["name"] for row in found["items"]], [f"{prefix}-4", f"{prefix}-2"])
    for number in range(5):
        api("DELETE", f"/queues/%2F/{prefix}-{number}")


@case
def health__checks_answer():
    overview = api("GET", "/overview")[1]
    amqp = next(one["port"] for one in overview["listeners"] if one["protocol"] == "amqp")
    for path in ("alarms", "local-alarms", "virtual-hosts", f"port-listener/{amqp}", "protocol-listener/amqp",
                 "node-is-quorum-critical", "node-is-mirror-sync-critical", "certificate-expiration/1/days"):
        status, answer = api("GET", f"/health/checks/{path}")
        equal((status, answer["status"]), (200, "ok"), path)
    status, answer = api("GET", "/health/checks/port-listener/1")
    equal((status, answer["status"], answer["missing"]), (503, "failed", 1))
    equal(api("GET", "/health/checks/protocol-listener/mqtt")[0], 503)
    equal(api("GET", "/aliveness-test/%2F"), (200, {"status": "ok"}))
    equal(api("GET", "/healthchecks/node"), (200, {"status": "ok"}))


@case
def rates__are_told_of_what_is_published():
    name = unique("busy")
    admin("declare", "queue", f"name={name}")

    def rate():
        for _ in range(5):
            api("POST", "/exchanges/%2F/amq.default/publish", {
                "properties": {}, "routing_key": name, "payload": "x", "payload_encoding": "string"})
        stats = api("GET", f"/queues/%2F/{name}")[1].get("message_stats", {})
        return stats.get("publish", 0) > 0 and stats.get("publish_details", {}).get("rate", 0) > 0
    until("a rate of the queue", rate, 40)
    overview = until("a rate of all", lambda: (lambda all: all if all["message_stats"].get("publish_details", {})
                     .get("rate", 0) > 0 else None)((rate(), api("GET", "/overview")[1])[1]), 40)
    check(overview["queue_totals"]["messages"] > 0, "messages of all queues")
    admin("delete", "queue", f"name={name}")


@case
def topic_permissions__come_and_go():
    user = unique("user")
    admin("declare", "user", f"name={user}", f"password={user}", "tags=")
    admin("declare", "permission", "vhost=/", f"user={user}", "configure=.*", "write=.*", "read=.*")
    path = f"/topic-permissions/%2F/{user}"
    equal(api("GET", path)[0], 404)
    check(api("PUT", path, {"exchange": "amq.topic", "write": "^a", "read": ".*"})[0] in (201, 204), "put")
    equal(api("GET", path), (200, [{"user": user, "vhost": "/", "exchange": "amq.topic", "write": "^a", "read": ".*"}]))
    equal(api("GET", f"/users/{user}/topic-permissions")[1][0]["exchange"], "amq.topic")
    equal(api("DELETE", path)[0], 204)
    equal(api("GET", path)[0], 404)
    admin("delete", "user", f"name={user}")


@case
def tags__say_who_may_look():
    names = {tag: unique(tag) for tag in ("management", "monitoring", "policymaker", "none")}
    for tag, name in names.items():
        admin("declare", "user", f"name={name}", f"password={name}", f"tags={'' if tag == 'none' else tag}")
    equal(api("GET", "/whoami", user=names["none"]),
          (401, {"error": "not_authorised", "reason": "Not management user"}))
    for tag, path, status in (("management", "/nodes", 401), ("monitoring", "/nodes", 200),
                              ("management", "/users", 401), ("monitoring", "/users", 401),
                              ("management", "/overview", 200), ("management", "/queues/%2F", 401),
                              ("management", "/definitions", 401), ("policymaker", "/parameters", 200),
                              ("management", "/parameters", 401), ("management", "/global-parameters", 401),
                              ("policymaker", "/global-parameters", 200), ("management", "/health/checks/alarms", 200)):
        equal(api("GET", path, user=names[tag])[0], status, f"{tag} {path}")
    equal(api("GET", "/queues", user=names["management"]), (200, []))
    admin("declare", "permission", "vhost=/", f"user={names['policymaker']}", "configure=", "write=", "read=")
    policy = "/policies/%2F/" + unique("policy")
    check(api("PUT", policy, {"pattern": "^never$", "definition": {"max-length": 1}}, user=names["policymaker"])[0]
          in (201, 204), "a policymaker makes policies")
    equal(api("DELETE", policy, user=names["policymaker"])[0], 204)
    equal(api("PUT", "/vhosts/" + unique("vhost"), {}, user=names["monitoring"])[0], 401)
    for name in names.values():
        admin("delete", "user", f"name={name}")


def listens():
    host, port = HTTP.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def main():
    if not PROGRAM:
        print("rabbitmqadmin is not installed: apt-get install rabbitmq-server", file=sys.stderr)
        return 77
    until("the HTTP port", listens, 60)
    for name, function in CASES.items():
        if not PATTERN.search(name):
            continue
        begin, error = time.monotonic(), ""
        try:
            function()
        except BaseException as problem:
            error = f"{type(problem).__name__}: {problem} | " + " | ".join(
                f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)[:4])
        status = "FAILED" if error else "ok"
        print(f"CASE {name} {status} {time.monotonic() - begin:.1f} {error}".replace("\n", " | ").rstrip(), flush=True)
    return 0


sys.exit(main())
