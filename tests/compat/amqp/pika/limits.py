"""What an administrator limits."""
from pika.exceptions import ProbableAccessDeniedError

from client import HTTP, ask_http, connect
from cases import case, check, unique, until


def http_case(function):
    """Where the server's HTTP port is."""
    return case(function) if HTTP else function


@http_case
def limits__connections_of_a_virtual_host():
    host = unique("limited")
    ask_http("PUT", f"vhosts/{host}")
    ask_http("PUT", f"permissions/{host}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    ask_http("PUT", f"vhost-limits/{host}/max-connections", {"value": 1})

    def try_to():
        try:
            return connect(virtual_host=host)
        except ProbableAccessDeniedError as denied:
            check(f"(530) \"NOT_ALLOWED - access to vhost '{host}' refused for user 'guest': connection limit (1) is "
                  "reached\"" in str(denied.args[0]), repr(denied))
            return None
    try:
        first, more = connect(virtual_host=host), []
        # RabbitMQ counts by and by.
        until(10, "a refusal", lambda: (more.append(try_to()), more[-1] is None)[1])
        for connection in (first, *more[:-1]):
            connection.close()
        until(10, "a place that is free again", try_to).close()
    finally:
        ask_http("DELETE", f"vhosts/{host}")
