"""Shapes of errors, pages, health."""
import socket

from cases import case, check, equal, unique
from tool import HTTP, api, quoted


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
