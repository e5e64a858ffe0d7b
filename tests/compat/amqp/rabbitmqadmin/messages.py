"""Messages and their numbers."""
import base64
import tempfile

from cases import case, check, equal, unique, until
from tool import admin, api, refused, rows


@case
def publish__get_and_purge():
    name = unique("q")
    admin("declare", "queue", f"name={name}")
    check("Message published" in admin("publish", f"routing_key={name}", "payload=hello"), "routed")
    check("NOT routed" in admin("publish", f"routing_key={unique('nowhere')}", "payload=lost"), "not routed")
    admin("publish", f"routing_key={name}", stdin="from stdin")
    admin("publish", f"routing_key={name}", "payload=two",
          'properties={"delivery_mode":2,"headers":{"n":1,"l":["a",2]},"message_id":"m-1"}')
    first = until(15, "three messages", lambda: (lambda got: got if len(got) == 3 else None)(
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
    got = until(15, "the message", lambda: rows("get", f"queue={name}", "ackmode=ack_requeue_false"))[0]
    equal((got["payload_encoding"], base64.b64decode(got["payload"]), got["properties"]), ("base64", b"\xff\x00\xfe", []))
    admin("delete", "queue", f"name={name}")


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
    until(40, "a rate of the queue", rate)
    overview = until(40, "a rate of all", lambda: (lambda all: all if all["message_stats"].get("publish_details", {})
                     .get("rate", 0) > 0 else None)((rate(), api("GET", "/overview")[1])[1]))
    check(overview["queue_totals"]["messages"] > 0, "messages of all queues")
    admin("delete", "queue", f"name={name}")
