"""Users, what they may, policies, limits, parameters."""
from cases import case, check, equal, unique, until
from tool import admin, api, named, refused, rows, run


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
    got = until(15, "two messages", lambda: (lambda got: got if len(got) == 2 else None)(
        rows("get", f"queue={queue}", "count=9")))
    equal([message["payload"] for message in got], ["2", "3"])
    row = until(15, "the policy's name", lambda: (lambda row: row if row and row.get("policy") else None)(
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
    got = until(15, "one message", lambda: (lambda got: got if len(got) == 1 else None)(
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
