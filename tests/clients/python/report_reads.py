"""Reads the newest report in bob's INBOX and finds in it what RFC 3464 asks for."""
import email
import email.policy
import imaplib
import json
import sys

ready = json.load(open(sys.argv[1]))
recipient, status, subject = sys.argv[2:5]
bob = next(a for a in ready["accounts"] if a["address"] == "bob@example.test")
port = int(ready["listeners"]["imap"].rsplit(":", 1)[1])

imap = imaplib.IMAP4("localhost", port, timeout=60)
imap.login(bob["address"], bob["password"])
imap.select("INBOX", readonly=True)
_, found = imap.search(None, 'SUBJECT "could not be delivered"')
_, fetched = imap.fetch(found[0].split()[-1], "(BODY[])")
imap.logout()

report = email.message_from_bytes(fetched[0][1], policy=email.policy.default)
assert report["Return-Path"] == "<>", report["Return-Path"]
assert report["Auto-Submitted"] == "auto-replied"
assert report["To"] == "bob@example.test"
assert report.get_content_type() == "multipart/report"
assert report.get_param("report-type") == "delivery-status"
assert not any(part.defects for part in report.walk()), [p.defects for p in report.walk()]
words, fields, returned = report.get_payload()
assert recipient in words.get_content() and subject in words.get_content()
assert fields.get_content_type() == "message/delivery-status"
message, *groups = fields.get_payload()
assert message["Reporting-MTA"].startswith("dns; "), message["Reporting-MTA"]
assert message["Arrival-Date"] and not message.defects
assert len(groups) == 1, groups
assert groups[0]["Final-Recipient"] == "rfc822;" + recipient
assert groups[0]["Action"] == "failed" and groups[0]["Status"] == status
assert groups[0]["Remote-MTA"] and groups[0]["Last-Attempt-Date"]
assert groups[0]["Diagnostic-Code"].startswith("smtp; 550 " + status)
assert returned.get_content_type() == "message/rfc822"
(original,) = returned.get_payload()
assert original["Subject"] == subject, original["Subject"]
assert original["Received"] and original["Return-Path"] is None
assert report["In-Reply-To"] == original["Message-ID"]
