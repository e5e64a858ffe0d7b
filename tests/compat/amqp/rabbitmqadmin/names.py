"""Exchanges, queues, bindings, connections: listed, declared, deleted."""
import json
import struct

from amqp_client import Client
from cases import case, check, equal, unique, until
from tool import admin, api, named, quoted, refused, rows


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
    row = until(15, "the queue", lambda: named(queue, rows("list", "queues")))
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
    row = until(15, "its type", lambda: named(name, rows("list", "queues")))
    equal((row["type"], row["arguments"]), ("quorum", {"x-queue-type": "quorum"}))
    admin("delete", "queue", f"name={name}")


@case
def connections__channels_consumers_and_their_end():
    queue = unique("consumed")
    admin("declare", "queue", f"name={queue}")
    client = Client(queue)
    row = until(15, "the connection", lambda: named(client.name, rows("list", "connections")))
    equal((row["user"], row["vhost"], row["protocol"], row["auth_mechanism"], row["type"], row["ssl"]),
          ("guest", "/", "AMQP 0-9-1", "PLAIN", "network", False))
    row = until(15, "one channel", lambda: (lambda row: row if row.get("channels") == 1 else None)(
        named(client.name, rows("list", "connections"))))
    check(row["client_properties"]["connection_name"].startswith("client-"), "client properties")
    equal(row["user_provided_name"], row["client_properties"]["connection_name"])
    channel = until(15, "the channel", lambda: (lambda row: row if row and row.get("consumer_count") == 1 else None)(
        named(f"{client.name} (1)", rows("list", "channels"))))
    equal((channel["number"], channel["prefetch_count"], channel["user"], channel["connection_details"]["name"]),
          (1, 7, "guest", client.name))
    consumer = until(15, "the consumer", lambda: next(
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
    until(15, "it is gone", lambda: not named(client.name, rows("list", "connections")))
    refused("close", "connection", f"name={client.name}", says="Not found")
    admin("delete", "queue", f"name={queue}")
