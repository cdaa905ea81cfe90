"""Python's poplib against a POP3 server: every command of a usual session, checked as it goes.

Usage: pop3_session.py HOST PORT USER PASSWORD [--stls | --tls] [--ca FILE] [--messages N] [--delete N]

Checks that STAT, LIST and UIDL agree, that sizes are exactly what RETR sends, that TOP is the
beginning of RETR, that RSET takes DELE back, that a session which does not QUIT deletes nothing,
and that QUIT does. With --messages, fails unless that many are there; with --delete, deletes
message N and looks again. Prints one JSON object: {"messages": N, "uidl": [...], "subjects": [...]}.
Exit status 0 means that all of it held.
"""

import argparse
import json
import poplib
import ssl


def context(ca):
    if ca:
        return ssl.create_default_context(cafile=ca)
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    return anybody


def connect(args):
    if args.tls:
        pop = poplib.POP3_SSL(args.host, args.port, timeout=20, context=context(args.ca))
    else:
        pop = poplib.POP3(args.host, args.port, timeout=20)
    if args.stls:
        assert "STLS" in pop.capa(), "STLS is not announced"
        pop.stls(context(args.ca))
        assert "STLS" not in pop.capa(), "STLS is still announced under TLS"
    return pop


def log_in(args):
    pop = connect(args)
    pop.user(args.user)
    pop.pass_(args.password)
    return pop


def refuses_wrong_password(args):
    pop = connect(args)
    pop.user(args.user)
    try:
        pop.pass_(args.password + "x")
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
    subjects = []
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
        subjects.append(subject_of(lines))
    return count, ids, subjects


def header_of(lines):
    return lines[: lines.index(b"") + 1] if b"" in lines else lines


def subject_of(lines):
    for line in header_of(lines):
        if line.lower().startswith(b"subject:"):
            return line[8:].strip().decode("utf-8", "replace")
    return ""


def refuses(pop, call, *arguments):
    try:
        answer = call(*arguments)
    except poplib.error_proto:
        return
    raise AssertionError(f"{call.__name__}{arguments} was answered with {answer}")


def check_deletion(args, pop, count, ids):
    pop.dele(args.delete)
    refuses(pop, pop.retr, args.delete)
    refuses(pop, pop.dele, args.delete)
    assert pop.stat()[0] == count - 1
    pop.rset()
    assert pop.stat()[0] == count, "RSET takes DELE back"
    pop.dele(args.delete)
    pop.close()  # no QUIT: nothing may be deleted

    pop = log_in(args)
    assert pop.stat()[0] == count, "a session that did not QUIT has deleted a message"
    pop.dele(args.delete)
    pop.quit()

    pop = log_in(args)
    left = sorted(numbers(pop.uidl()[1]).values())
    expected = sorted(unique for number, unique in ids.items() if number != args.delete)
    assert left == expected, f"after QUIT: {left}, expected {expected}"
    return pop


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--stls", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--ca")
    parser.add_argument("--messages", type=int)
    parser.add_argument("--delete", type=int)
    args = parser.parse_args()

    refuses_wrong_password(args)
    pop = log_in(args)
    check_capabilities(pop)
    count, ids, subjects = check_messages(pop)
    assert args.messages in (None, count), f"{count} messages, expected {args.messages}"
    refuses(pop, pop.retr, count + 1)
    refuses(pop, pop.dele, 0)
    pop.noop()
    if args.delete:
        pop = check_deletion(args, pop, count, ids)
    pop.quit()
    print(json.dumps({"messages": count, "uidl": list(ids.values()), "subjects": subjects}))


main()
