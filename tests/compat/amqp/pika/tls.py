"""Connections over TLS, and logging in by a certificate."""
import hashlib
import json
import random
import re
import ssl
import urllib.parse

import pika
from pika.exceptions import AMQPConnectionError, ProbableAuthenticationError

from client import AMQPS, CERTIFICATES, ask_http, connect, get
from cases import case, check, equal, unique, until


def tls_case(function):
    """Where the server's port with TLS and its certificates are known."""
    return case(function) if AMQPS else function


def trusting(who=None, authority="ca", versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
    context = ssl.create_default_context(cafile=f"{CERTIFICATES}/{authority}.pem")
    context.minimum_version, context.maximum_version = versions
    if who:
        context.load_cert_chain(f"{CERTIFICATES}/{who}.pem", f"{CERTIFICATES}/{who}.key")
    return context


def connect_tls(context, credentials=None, **options):
    host, port = AMQPS.rsplit(":", 1)
    return pika.BlockingConnection(pika.ConnectionParameters(
        host, int(port), credentials=credentials or pika.PlainCredentials("guest", "guest"),
        ssl_options=pika.SSLOptions(context, "localhost"), heartbeat=0, **options))


def certificate_user():
    """The one whom the client's certificate names; it logs in by no password."""
    name = "CN=compat client,O=Posthorn test"
    quoted = urllib.parse.quote(name, safe="")
    ask_http("PUT", f"users/{quoted}", {"password_hash": "", "tags": ""})
    ask_http("PUT", f"permissions/%2F/{quoted}", {"configure": ".*", "write": ".*", "read": ".*"})
    return name


@tls_case
def tls__a_thousand_messages_of_up_to_a_mebibyte_come_out_as_they_went_in():
    connection = connect_tls(trusting())
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.confirm_delivery()
    dice, sums = random.Random(7), []
    for n in range(1000):
        body = dice.randbytes(1 << 20 if n % 50 == 0 else dice.randrange(1 << 14))
        channel.basic_publish("", queue, body, mandatory=True)
        sums.append(hashlib.sha256(body).digest())
    for n, (method, _, body) in enumerate(channel.consume(queue, inactivity_timeout=30)):
        check(method is not None, f"no message {n}")
        check(hashlib.sha256(body).digest() == sums[n], f"message {n} is another")
        channel.basic_ack(method.delivery_tag)
        if n == 999:
            break
    connection.close()


@tls_case
def tls__either_version_does():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        connection = connect_tls(trusting(versions=(version, version)))
        check(connection.channel().queue_declare("", exclusive=True).method.queue, "no name")
        connection.close()


@tls_case
def tls__a_client_that_does_not_know_the_authority_stays_away():
    try:
        connect_tls(trusting(authority="stranger-ca"))
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("connected")


@tls_case
def tls__a_certificate_of_another_authority_is_refused():
    try:
        connect_tls(trusting("stranger"))
    except AMQPConnectionError:
        return
    raise AssertionError("connected")


@tls_case
def tls__a_password_does_beside_a_certificate():
    connection = connect_tls(trusting("client"))
    connection.channel().queue_declare("", exclusive=True)
    connection.close()


@tls_case
def tls__external_is_the_user_the_certificate_names():
    name = certificate_user()
    connection = connect_tls(trusting("client"), pika.credentials.ExternalCredentials())
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.confirm_delivery()
    # Refused with 406 for any other name.
    channel.basic_publish("", queue, b"mine", pika.BasicProperties(user_id=name), mandatory=True)
    equal(get(channel, queue)[2], b"mine")
    connection.close()


@tls_case
def tls__external_of_a_user_nobody_knows_is_403():
    try:
        connect_tls(trusting("unknown"), pika.credentials.ExternalCredentials())
    except ProbableAuthenticationError as refused_there:
        check("ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL. For details see the broker "
              "logfile." in repr(refused_there), repr(refused_there))
        return
    raise AssertionError("connected")


@tls_case
def tls__a_user_without_a_password_does_not_log_in_by_one():
    name = certificate_user()
    for password in ("", "guest"):
        try:
            connect(name, password)
        except ProbableAuthenticationError:
            continue
        raise AssertionError("connected")


@tls_case
def tls__the_management_api_shows_it():
    certificate_user()
    connection = connect_tls(trusting("client"), pika.credentials.ExternalCredentials(),
                             client_properties={"connection_name": unique("shown")})
    try:
        def rows():
            return [row for row in json.loads(ask_http("GET", "connections"))
                    if row.get("ssl") and row.get("peer_cert_subject")]
        row = until(15, "the connection's row", rows)[0]
        equal(row["user"], "CN=compat client,O=Posthorn test")
        equal(row["auth_mechanism"], "EXTERNAL")
        equal(row["ssl_protocol"], "tlsv1.3")
        equal(row["peer_cert_subject"], "CN=compat client,O=Posthorn test")
        equal(row["peer_cert_issuer"], "CN=compat CA,O=Posthorn test")
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ - \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                           row["peer_cert_validity"]), row["peer_cert_validity"])
    finally:
        connection.close()
