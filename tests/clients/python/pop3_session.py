"""Python's poplib against a POP3 server: every command of a usual session, checked as it goes.

Usage: pop3_session.py READY_FILE CERTIFICATE

In the clear, with STLS and with TLS at once, as alice. Checks that STAT, LIST and UIDL agree, that
sizes are exactly what RETR sends, that TOP is the beginning of RETR, that RSET takes DELE back, that
a session which does not QUIT deletes nothing, and that QUIT does. Each way in deletes the first
message that is left.
"""

import poplib

from server import accounts, alice, port, trust

user, password = alice, accounts[alice]


def in_the_clear():
    return poplib.POP3("localhost", port("pop3"), timeout=60)


def with_stls():
    pop = in_the_clear()
    assert "STLS" in pop.capa(), "STLS is not announced"
    pop.stls(trust)
    assert "STLS" not in pop.capa(), "STLS is still announced under TLS"
    return pop


def with_tls():
    return poplib.POP3_SSL("localhost", port("pop3s"), timeout=60, context=trust)


def log_in(connect):
    pop = connect()
    pop.user(user)
    pop.pass_(password)
    return pop


def refuses_wrong_password(connect):
    pop = connect()
    pop.user(user)
    try:
        pop.pass_(password + "x")
    except poplib.error_proto as refused:
        assert "[AUTH]" in str(refused), refused
    else:
        raise AssertionError("a wrong password was taken")
    pop.close()


def check_capabilities(pop):
    capabilities = pop.capa()
    for wanted in ("TOP", "UIDL", "USER", "SASL", "RESP-CODES", "PIPELINING"):
        assert wanted in capabilities, f"{wanted} is not announced: {capabilities}"
    assert "PLAIN" in capabilities["SASL"], capabilities


def numbers(listing):
    """{number: rest} of LIST or UIDL."""
    pairs = (line.decode("ascii").split(" ", 1) for line in listing)
    return {int(number): rest for number, rest in pairs}


def check_messages(pop):
    count, octets = pop.stat()
    sizes = {n: int(size) for n, size in numbers(pop.list()[1]).items()}
    ids = numbers(pop.uidl()[1])
    assert len(sizes) == count and sum(sizes.values()) == octets, (count, octets, sizes)
    assert ids.keys() == sizes.keys() == set(range(1, count + 1)), (ids, sizes)
    assert len(set(ids.values())) == count, f"a unique-id is there twice: {ids}"
    for number, size in sizes.items():
        answer, lines, _ = pop.retr(number)
        # poplib takes CRLF off each line
        sent = sum(len(line) + 2 for line in lines)
        assert sent == size, f"message {number}: LIST says {size}, RETR sends {sent}"
        assert answer.decode("ascii").split()[1] == str(size), answer
        assert pop.top(number, 0)[1] == header_of(lines), f"TOP {number} 0 is not the header"
        assert pop.top(number, 10**6)[1] == lines, f"TOP {number} of all lines is not RETR"
        assert pop.list(number).split()[2] == str(size).encode()
        assert pop.uidl(number).decode("ascii").split()[2] == ids[number]
    return count, ids


def header_of(lines):
    return lines[: lines.index(b"") + 1] if b"" in lines else lines


def refuses(pop, call, *arguments):
    try:
        answer = call(*arguments)
    except poplib.error_proto:
        return
    raise AssertionError(f"{call.__name__}{arguments} was answered with {answer}")


def check_deletion(connect, pop, count, ids):
    pop.dele(1)
    refuses(pop, pop.retr, 1)
    refuses(pop, pop.dele, 1)
    assert pop.stat()[0] == count - 1
    pop.rset()
    assert pop.stat()[0] == count, "RSET takes DELE back"
    pop.dele(1)
    pop.close()  # no QUIT: nothing may be deleted

    pop = log_in(connect)
    assert pop.stat()[0] == count, "a session that did not QUIT has deleted a message"
    pop.dele(1)
    pop.quit()

    pop = log_in(connect)
    left = sorted(numbers(pop.uidl()[1]).values())
    expected = sorted(unique for number, unique in ids.items() if number != 1)
    assert left == expected, f"after QUIT: {left}, expected {expected}"
    return pop


for connect in (in_the_clear, with_stls, with_tls):
    pop = log_in(connect)
    check_capabilities(pop)
    count, ids = check_messages(pop)
    refuses(pop, pop.retr, count + 1)
    refuses(pop, pop.dele, 0)
    pop.noop()
    pop = check_deletion(connect, pop, count, ids)
    pop.quit()
refuses_wrong_password(in_the_clear)
