"""Sends by SMTP and submission: in the clear, with STARTTLS, with TLS; text, parts, 8-bit."""
import smtplib
from email.message import EmailMessage
from email.policy import SMTP as CRLF

from server import accounts, alice, bob, port, trust


def text(subject):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = alice, bob, subject
    message.set_content("Grüße\n.\n..two dots\n")
    return message


with smtplib.SMTP("localhost", port("smtp"), timeout=60) as smtp:
    refused = smtp.sendmail(alice, [bob, alice, "nobody@example.test"], text("smtplib plain").as_bytes(policy=CRLF))
    assert list(refused) == ["nobody@example.test"] and refused["nobody@example.test"][0] == 550, refused
    try:
        smtp.sendmail(alice, [bob], b"Subject: smtplib bare\n\nLines that end in LF alone.\n")
        raise SystemExit("a bare LF was taken")
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 554, error
    assert smtp.noop()[0] == 250
    assert smtp.verify("alice")[0] in (250, 252)
    assert smtp.has_extn("pipelining") and smtp.has_extn("8bitmime") and smtp.has_extn("smtputf8")

with smtplib.SMTP("localhost", port("submission"), timeout=60) as smtp:
    smtp.starttls(context=trust)
    smtp.login(alice, accounts[alice])
    smtp.send_message(text("smtplib starttls"))
    try:
        smtp.sendmail(bob, [alice], text("smtplib forged").as_bytes(policy=CRLF))
        raise SystemExit("another's address was taken as sender")
    except smtplib.SMTPSenderRefused as error:
        assert error.smtp_code in (550, 553), error

with smtplib.SMTP_SSL("localhost", port("submissions"), context=trust, timeout=60) as smtp:
    smtp.login(alice, accounts[alice])
    smtp.send_message(text("smtplib tls"))
    parts = text("smtplib parts")
    parts.add_alternative("<p>Grüße</p>", subtype="html")
    parts.add_attachment(bytes(range(256)) * 400, maintype="application", subtype="octet-stream", filename="ü.bin")
    smtp.send_message(parts)
