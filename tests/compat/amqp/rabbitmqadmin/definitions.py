"""Definitions out and in."""
import json
import tempfile

from cases import case, check, equal, unique
from tool import admin, api, rows


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
