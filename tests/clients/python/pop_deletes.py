"""Reads and deletes by POP3: in the clear, with STLS and with TLS."""
import poplib

from server import accounts, alice, port, trust


def login(pop):
    pop.user(alice)
    pop.pass_(accounts[alice])
    return pop


pop = login(poplib.POP3("localhost", port("pop3"), timeout=60))
assert {"UIDL", "TOP", "STLS"} <= set(pop.capa()), pop.capa()
count, total = pop.stat()
assert count == 4, count
sizes = {int(n): int(size) for n, size in (line.split() for line in pop.list()[1])}
for number, size in sizes.items():
    lines = pop.retr(number)[1]
    assert sum(len(line) + 2 for line in lines) == size, number
assert sum(sizes.values()) == total
top = pop.top(2, 0)[1]
assert any(line.startswith(b"Subject: pop 1") for line in top), top
assert b".dots" not in top
names = [line.split()[1] for line in pop.uidl()[1]]
assert len(set(names)) == 4
pop.dele(1)
pop.rset()
pop.quit()

pop = poplib.POP3("localhost", port("pop3"), timeout=60)
pop.stls(trust)
login(pop)
assert [line.split()[1] for line in pop.uidl()[1]] == names
pop.dele(1)
pop.quit()

pop = login(poplib.POP3_SSL("localhost", port("pop3s"), context=trust, timeout=60))
assert [line.split()[1] for line in pop.uidl()[1]] == names[1:]
pop.dele(2)
try:
    pop.retr(2)
    raise SystemExit("a deleted message was given out")
except poplib.error_proto:
    pass
pop.quit()

# A connection that is lost deletes nothing.
pop = login(poplib.POP3("localhost", port("pop3"), timeout=60))
pop.dele(1)
pop.close()
pop = login(poplib.POP3("localhost", port("pop3"), timeout=60))
assert pop.stat()[0] == 2
pop.quit()
