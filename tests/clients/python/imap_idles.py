"""Waits with IDLE and hears of a message that arrives by SMTP."""
import imaplib
import smtplib

from server import accounts, alice, port

imap = imaplib.IMAP4("localhost", port("imap"), timeout=60)
imap.login(alice, accounts[alice])
assert "IDLE" in imap.capabilities, imap.capabilities
imap.select("INBOX")
imap.send(b"i1 IDLE\r\n")
assert imap.readline().startswith(b"+")
with smtplib.SMTP("localhost", port("smtp"), timeout=60) as smtp:
    smtp.sendmail("bob@example.test", [alice], b"Subject: ring\r\n\r\nHello\r\n")
line = imap.readline()
while b"EXISTS" not in line:
    assert line.startswith(b"* "), line
    line = imap.readline()
assert line == b"* 2 EXISTS\r\n", line
imap.send(b"DONE\r\n")
while not line.startswith(b"i1 "):
    line = imap.readline()
assert line.startswith(b"i1 OK"), line
imap.logout()
