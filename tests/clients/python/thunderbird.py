"""Thunderbird against a server: reads, searches, sends, flags, files, deletes, and hears of new mail.

Usage: thunderbird.py READY_FILE CERTIFICATE PROFILE_FOLDER

IMAP with TLS at once, submission with STARTTLS, POP3 with STLS. After each step an IMAP session of its
own looks at what the server has.
"""
import base64
import email
import email.policy
import imaplib
import json
import os
import pathlib
import re
import smtplib
import sys

from marionette import Marionette

PREFERENCES = {
    # any free port, said on standard output
    "marionette.port": 0,
    # no first-run windows, and nothing is asked
    "mail.provider.suppress_dialog_on_startup": True,
    "mailnews.start_page.enabled": False,
    "mail.shell.checkDefaultClient": False,
    "mail.biff.show_alert": False,
    "mail.SpellCheckBeforeSend": False,
    # nothing leaves this machine: what goes over HTTP meets a closed port
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 1,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 1,
    "app.update.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
}

ready = json.load(open(sys.argv[1]))
certificate = "".join(open(sys.argv[2]).read().split("-----")[2].split())
profile = pathlib.Path(sys.argv[3])
accounts = {a["address"]: a["password"] for a in ready["accounts"]}
alice, bob = "alice@example.test", "bob@example.test"
FILE = bytes(range(256))
UMLAUTS = "Grüße von Thunderbird"


def port(name):
    return int(ready["listeners"][name].rsplit(":", 1)[1])


class Look:
    """An IMAP session that looks at one mailbox."""

    def __init__(self, user, mailbox="INBOX"):
        self.imap = imaplib.IMAP4("localhost", port("imap"), timeout=60)
        self.imap.login(user, accounts[user])
        assert self.imap.select(mailbox, readonly=True)[0] == "OK", mailbox

    def search(self, *criteria):
        status, data = self.imap.search(None, *criteria)
        assert status == "OK", data
        return data[0].split()

    def message(self, *criteria):
        numbers = self.search(*criteria)
        assert len(numbers) == 1, (criteria, numbers)
        return self.imap.fetch(numbers[0], "(BODY.PEEK[])")[1][0][1]

    def until(self, *criteria, found=1):
        """Thunderbird does much in the background, moves too: IDLE says when to look again."""
        self.imap.untagged_responses.clear()
        while len(self.search(*criteria)) != found:
            # What SEARCH itself has told of, IDLE does not tell again.
            if not self.imap.untagged_responses:
                self._wait()
            self.imap.untagged_responses.clear()

    def _wait(self):
        self.imap.send(b"idle IDLE\r\n")
        assert self.imap.readline().startswith(b"+")
        assert self.imap.readline().startswith(b"* ")
        self.imap.send(b"DONE\r\n")
        while not self.imap.readline().startswith(b"idle OK"):
            pass


def write_preferences():
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines))


def deliver(subject, body="Hello"):
    with smtplib.SMTP("localhost", port("smtp"), timeout=60) as smtp:
        text = f"From: {bob}\r\nTo: {alice}\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
        smtp.sendmail(bob, [alice], text.encode(), ["BODY=8BITMIME", "SMTPUTF8"])


def set_up(step):
    step("trust", certificate, [port("imaps"), port("submission"), port("pop3")])
    for user, scheme in ((alice, "imap"), (alice, "smtp"), (bob, "mailbox")):
        step("remember", scheme, user, accounts[user])
    step("addAccount", alice, "imap", port("imaps"), "SSL", port("submission"))
    folders = dict(step("listFolders"))
    uses = {"INBOX": "Inbox", "Archive": "Archive", "Drafts": "Drafts", "Junk": "Junk", "Sent": "SentMail", "Trash": "Trash"}
    for name, use in uses.items():
        assert use in folders[name], folders


def reads_and_searches(step):
    deliver("Mittagessen", "Schöne Größe")
    deliver("Abendessen")
    assert sorted(step("getMessages")) == ["Abendessen", "Mittagessen", "Welcome to Whimbrel"]
    assert "Schöne Größe" in step("read", "Mittagessen")
    Look(alice).until("SUBJECT", "Mittagessen", "SEEN")
    assert step("search", "Subject", "ABENDESSEN") == ["Abendessen"]
    assert step("search", "Body", "größe") == ["Mittagessen"]


def sends(step):
    step("send", bob, UMLAUTS, "Schöne Grüße\n.\n..zwei\n", base64.b64encode(FILE).decode())
    arrived = Look(bob).message("FROM", "alice")
    filed = Look(alice, "Sent").message("ALL")
    assert b"ESMTPSA" in arrived, "it was sent without TLS or login"
    assert arrived.endswith(filed[filed.index(b"Subject:") :]), "what was sent is not what was filed"
    parts = email.message_from_bytes(arrived, policy=email.policy.default)
    assert parts["Subject"] == UMLAUTS, parts["Subject"]
    assert parts.get_body().get_content().splitlines() == ["Schöne Grüße", ".", "..zwei"], arrived
    attached = list(parts.iter_attachments())
    assert [(a.get_filename(), a.get_content()) for a in attached] == [("daten.bin", FILE)], arrived


def files_and_flags(step):
    step("flag", "Mittagessen")
    step("tag", "Mittagessen", "$label1")
    Look(alice).until("SUBJECT", "Mittagessen", "FLAGGED", "KEYWORD", "$label1")
    step("move", "Mittagessen", "Archive")
    Look(alice, "Archive").until("SUBJECT", "Mittagessen", "SEEN", "FLAGGED", "KEYWORD", "$label1")
    step("toTrash", "Abendessen")
    Look(alice, "Trash").until("SUBJECT", "Abendessen")
    Look(alice).until("NOT", "DELETED")
    step("createFolder", "Entwürfe & mehr")
    assert any(b'"Entw&APw-rfe &- mehr"' in line for line in Look(alice).imap.list()[1])


def hears_of_new_mail(step):
    step("listen", "Klingel")
    deliver("Klingel")
    assert step("heard") == "INBOX"


def fetches_by_pop3(step):
    key = step("addAccount", bob, "pop3", port("pop3"), "alwaysSTARTTLS", port("submission"))
    assert step("fetchByPop3", key) == [UMLAUTS, "Welcome to Whimbrel"]
    Look(bob).until("ALL", found=0)


write_preferences()
program = Marionette(
    ["thunderbird", "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", profile],
    dict(os.environ, HOME=str(profile), MOZ_CRASHREPORTER_DISABLE="1"),
)
try:
    program.open()
    program.load(pathlib.Path(__file__).with_suffix(".js").read_text())
    for part in (set_up, reads_and_searches, sends, files_and_flags, hears_of_new_mail, fetches_by_pop3):
        part(program.step)
    assert program.end() == 0
finally:
    program.kill()
    # GTK complains of the display that is not there.
    print("".join(line for line in program.said if not re.search(r"gtk|glib|GFX1|^\s*$", line, re.I)))
