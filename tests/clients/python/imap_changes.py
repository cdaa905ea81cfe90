"""Reads, searches, flags, copies and deletes by IMAP, with TLS and with STARTTLS."""
import imaplib

from server import accounts, alice, port, trust


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def message(subject):
    return f"From: bob@example.test\r\nTo: {alice}\r\nSubject: {subject}\r\n\r\nHello\r\n".encode()


first = imaplib.IMAP4_SSL("localhost", port("imaps"), ssl_context=trust, timeout=60)
ok(first.login(alice, accounts[alice]))
second = imaplib.IMAP4("localhost", port("imap"), timeout=60)
second.starttls(trust)
ok(second.login(alice, accounts[alice]))

names = b" ".join(ok(first.list()))
for name in (b"INBOX", b"Drafts", b"Sent", b"Junk", b"Trash", b"Archive"):
    assert name in names, names
assert b"\\Sent" in names and b"\\Trash" in names, names

ok(first.append("INBOX", "(\\Seen)", imaplib.Time2Internaldate(1795396809), message("two")))
ok(first.append("INBOX", None, None, message("three")))
assert ok(first.select("INBOX")) == [b"3"]
assert ok(second.select("INBOX")) == [b"3"]

data = ok(first.fetch("2", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
assert data[0][1] == message("two"), data
assert b"RFC822.SIZE %d" % len(message("two")) in data[0][0] + data[1], data
assert ok(first.search(None, "SEEN")) == [b"2"]
assert ok(first.uid("SEARCH", None, "SUBJECT", "three")) == [b"3"]

ok(first.store("3", "+FLAGS", "(\\Flagged $Todo)"))
ok(second.noop())
assert b"\\Flagged" in ok(second.fetch("3", "(FLAGS)"))[0]

ok(first.create("Archive/2026"))
ok(first.copy("2", "Archive/2026"))
ok(first.store("2", "+FLAGS", "(\\Deleted)"))
assert ok(first.expunge()) == [b"2"]
ok(second.noop())
assert ok(second.search(None, "ALL")) == [b"1 2"]

ok(second.rename("Archive/2026", "Archive/old"))
ok(second.rename("Archive/old", "Archive/2026"))
ok(second.subscribe("Archive/2026"))
assert any(b"Archive/2026" in line for line in ok(first.lsub()))
assert b"MESSAGES 1" in ok(first.status("Archive/2026", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))[0]

ok(first.create("Entw&APw-rfe"))
ok(first.delete("Entw&APw-rfe"))
assert first.select("Entw&APw-rfe")[0] == "NO"
first.select("INBOX")
ok(first.close())
first.logout()
second.logout()
