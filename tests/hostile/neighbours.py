"""Clients that are slow, silent, or many."""
import resource
import select
import time

from target import MIB, case, expect, push
import remoting


@case
def dripping_clients_hold_nobody_up(target):
    whole = remoting.request(28)
    drips = [target.raw() for _ in range(100)]
    try:
        for byte in whole[:40]:
            for sock in drips:
                sock.sendall(bytes([byte]))
            if byte % 8 == 0:
                target.expect_served(1.0)
        for sock in drips:
            sock.sendall(whole[40:])
        for sock in drips:
            sock.settimeout(10)
            answer = remoting.read_answer(sock)
            expect(answer and answer[0]["code"] == 0, f"a slow but honest client was answered {answer and answer[0]}")
    finally:
        for sock in drips:
            sock.close()


@case
def a_client_that_never_reads_is_bounded(target):
    """It asks for a lot and takes nothing: the server must stop reading it or let it go, and not remember for it."""
    with target.link() as link:
        link.create_topic("HostileBig", 1)
        for _ in range(8):
            expect(link.send("HostileBig", b"x" * 60_000)["code"] == 0, "a send was refused")
    before = target.resident()
    ask = remoting.request(remoting.PULL, remoting.pull_fields("HostileBig"))
    socks = [target.raw(receive_buffer=4096) for _ in range(4)]
    try:
        for sock in socks:
            sock.setblocking(False)
        end = time.monotonic() + 6
        pushed = 0
        while time.monotonic() < end and pushed < 400 * MIB:
            _, ready, _ = select.select([], socks, [], 0.2)
            if not ready:
                break
            for sock in ready:
                try:
                    pushed += sock.send(ask * 50)
                except BlockingIOError:
                    pass
                except ConnectionError:
                    socks.remove(sock)
        target.expect_served()
        grown = (target.resident() - before) / MIB
        expect(grown < 128, f"{grown:.0f} MiB are held for four clients that never read")
    finally:
        for sock in socks:
            sock.close()


@case
def ten_thousand_idle_connections_cost_at_most_100_mb(target):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(target.idle, (soft if soft != resource.RLIM_INFINITY else 1 << 20) - 200)
    if count < target.idle:
        print(f"    (only {count} connections: the limit of open files is {soft}, hard {hard})")
    target.expect_served()
    before, descriptors = target.resident(), target.descriptors()
    idle = []
    try:
        for _ in range(count):
            idle.append(target.raw())
        ping = remoting.request(28)
        for sock in idle[:: max(1, count // 200)]:  # a few say something first, as clients do
            sock.sendall(ping)
            expect(remoting.read_answer(sock) is not None, "an idle connection was dropped at once")
        target.expect_served()
        grown = target.resident() - before
        print(f"    ({count} connections: {grown / 1e6:.1f} MB, {grown / count / 1000:.1f} KB each)")
        expect(grown <= 100e6 * count / 10_000 + 4e6, f"{count} idle connections cost {grown / 1e6:.0f} MB")
    finally:
        for sock in idle:
            sock.close()
    end = time.monotonic() + 10
    while target.descriptors() > descriptors + 20 and time.monotonic() < end:
        time.sleep(0.1)
    expect(target.descriptors() <= descriptors + 20,
           f"{target.descriptors() - descriptors} descriptors stay open after the clients left")


@case
def connections_that_come_and_go_leave_nothing(target):
    before, descriptors = target.resident(), target.descriptors()
    for number in range(3000):
        with target.raw() as sock:
            if number % 3 == 0:
                push(sock, remoting.request(28))
    target.expect_served()
    grown = (target.resident() - before) / MIB
    expect(grown < 32, f"{grown:.0f} MiB stayed behind")
    expect(target.descriptors() <= descriptors + 20, "descriptors stayed behind")
