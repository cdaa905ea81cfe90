"""Submits messages of many shapes, reads them by IMAP, verifies both signatures with dkimpy, and
leaves each message in a file for others to verify."""
import imaplib
import json
import re
import smtplib
import sys

import dkim

ready = json.load(open(sys.argv[1]))
records = {record[0].encode(): record[1].encode() for record in json.load(open(sys.argv[2]))}
folder = sys.argv[3]
accounts = {a["address"]: a["password"] for a in ready["accounts"]}
alice, bob = "alice@example.test", "bob@example.test"


def port(name):
    return int(ready["listeners"][name].rsplit(":", 1)[1])


def header(subject, more=""):
    return f"From: Alice <{alice}>\r\nTo: {bob}\r\nSubject: {subject}\r\n{more}"


DATES = "Date: Mon, 23 Nov 2026 01:20:09 +0000\r\nMessage-ID: <x@example.test>\r\n"
UTF8 = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
PARTS = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>two\r\n--b--\r\n"
)
MESSAGES = {
    "plain": header("plain") + "\r\nHello\r\n",
    "whole": header("whole", DATES + "References: <a@b>\r\n <c@d>\r\n\t<e@f>\r\n") + "\r\nHello\r\n",
    "spaces": header("spaces   and \t tabs ", DATES) + "\r\n  two  words \t\r\n \t\r\n\r\n \r\n",
    "empty": header("empty", DATES) + "\r\n",
    "dots": header("dots", DATES) + "\r\n.\r\n..\r\n...\r\n",
    "utf-8": header("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", DATES + UTF8) + "\r\nGrüße\r\n",
    "parts": header("parts", DATES + PARTS),
    "large": header("large", DATES) + "\r\n" + "A line of some words  \r\n" * 60_000,
    "twice": header("twice", DATES + "To: carol@example.test\r\n") + "\r\nHello\r\n",
}

with smtplib.SMTP("localhost", port("submission"), timeout=60) as smtp:
    smtp.login(alice, accounts[alice])
    for message in MESSAGES.values():
        smtp.sendmail(alice, [bob], message.encode(), ["BODY=8BITMIME"])
with smtplib.SMTP("localhost", port("smtp"), timeout=60) as smtp:
    smtp.sendmail("", [bob], b"From: alice@example.test\r\nSubject: a stranger's\r\n\r\nHello\r\n")


def dns(name, timeout=5):
    return records.get(name.rstrip(b"."))


with imaplib.IMAP4("localhost", port("imap"), timeout=60) as imap:
    imap.login(bob, accounts[bob])
    imap.select("INBOX")
    # the first is the welcome of `try`, if there is one
    uids = imap.uid("search", None, "ALL")[1][0].split()
    *own, stranger = [imap.uid("fetch", uid, "(BODY.PEEK[])")[1][0][1] for uid in uids]
    own = own[-len(MESSAGES):]
    assert len(own) == len(MESSAGES), len(own)
    assert b"DKIM-Signature" not in stranger, stranger
    for name, message in zip(MESSAGES, own):
        count = len(re.findall(rb"(?im)^dkim-signature:", message))
        assert count == 2, (name, count)
        for index in range(count):
            assert dkim.DKIM(message).verify(index, dnsfunc=dns), (name, index, message[:3000])
        changed = message.replace(b"Subject:", b"Subject: x", 1)
        assert not dkim.DKIM(changed).verify(0, dnsfunc=dns), name
        added = b"Subject: another\r\n" + message
        assert not dkim.DKIM(added).verify(0, dnsfunc=dns), name
        with open(f"{folder}/{name}.eml", "wb") as file:
            file.write(message)
