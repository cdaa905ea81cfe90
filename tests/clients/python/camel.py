"""Evolution's own engine (Camel) against a server: reads, searches, flags, files, sends, hears of new mail.

Usage: camel.py READY_FILE CERTIFICATE FOLDER

IMAP and POP3 with TLS at once, submission with STARTTLS. What Evolution asks people, a session
answers here. After each step an IMAP session of its own looks at what the server has.
"""
import imaplib
import smtplib
import ssl
import sys

import gi

gi.require_version("Camel", "1.2")
from gi.repository import Camel, Gio, GLib

from server import accounts, alice, bob, port

place = sys.argv[3]
expected = ssl.PEM_cert_to_DER_cert(open(sys.argv[2]).read())
TLS, STARTTLS = Camel.NetworkSecurityMethod.SSL_ON_ALTERNATE_PORT, Camel.NetworkSecurityMethod.STARTTLS_ON_STANDARD_PORT


opened = {}


class Session(Camel.Session):
    def do_authenticate_sync(self, service, mechanism, cancellable):
        service.set_password(accounts[service.ref_settings().dup_user()])
        return service.authenticate_sync(mechanism, cancellable) == Camel.AuthenticationResult.ACCEPTED

    def do_trust_prompt(self, service, certificate, errors):
        is_ours = ssl.PEM_cert_to_DER_cert(certificate.props.certificate_pem) == expected
        return Camel.CertTrust.FULLY if is_ours else Camel.CertTrust.NEVER

    def open(self, name, protocol, kind, user, listener, security, **more):
        service = self.add_service(name, protocol, kind)
        settings = service.ref_settings()
        values = dict(host="localhost", port=port(listener), user=user, security_method=security)
        for key, value in {**values, **more}.items():
            settings.set_property(key.replace("_", "-"), value)
        if isinstance(service, Camel.OfflineStore):
            service.set_online_sync(True, None)
        assert service.connect_sync(None)
        return service


def look(mailbox, *criteria):
    """What another session finds."""
    imap = imaplib.IMAP4("localhost", port("imap"), timeout=60)
    imap.login(alice, accounts[alice])
    assert imap.select(mailbox)[0] == "OK", mailbox
    return imap, imap.uid("SEARCH", *criteria)[1][0].split()


def deliver(subject, body="Hello"):
    with smtplib.SMTP("localhost", port("smtp"), timeout=60) as smtp:
        text = f"From: {bob}\r\nTo: {alice}\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
        smtp.sendmail(bob, [alice], text.encode(), ["BODY=8BITMIME", "SMTPUTF8"])


def folder(name):
    """Kept open, as Evolution keeps them."""
    if name not in opened:
        opened[name] = store.get_folder_sync(name, Camel.StoreGetFolderFlags.NONE, None)
    return opened[name]


def uid_of(box, subject):
    uids = [uid for uid in box.get_uids() if box.get_message_info(uid).get_subject() == subject]
    assert len(uids) == 1, (subject, uids)
    return uids[0]


def body_of(message):
    out = Gio.MemoryOutputStream.new_resizable()
    message.get_content().decode_to_output_stream_sync(out, None)
    out.close()
    return out.steal_as_bytes().get_data().decode()


def lists_folders():
    for name in ("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"):
        flags = Camel.StoreGetFolderInfoFlags.SUBSCRIBED
        info = store.get_folder_info_sync(name, flags, None)
        assert info.full_name == name and info.flags & Camel.FolderInfoFlags.SUBSCRIBED, name
    # What Evolution takes folders for, of itself.
    _, setup = store.initial_setup_sync(None)
    uses = {key.split(":")[2]: name for key, name in setup.items()}
    for name, use in (("Archive", "archive-folder"), ("Drafts", "drafts-folder"), ("Sent", "sent-folder")):
        assert uses[use] == name, setup
    assert (uses["real-junk-path"], uses["real-trash-path"]) == ("Junk", "Trash"), setup


def reads_and_searches():
    inbox = folder("INBOX")
    deliver("Mittagessen", "Schöne Größe")
    deliver("Abendessen")
    inbox.refresh_info_sync(None)
    assert inbox.get_message_count() == 3
    uid = uid_of(inbox, "Mittagessen")
    # The list that a search gives is freed twice by the binding; its length is not.
    assert inbox.count_by_expression('(match-all (body-contains "größe"))', None) == 1
    assert body_of(inbox.get_message_sync(uid, None)) == "Schöne Größe\n", body_of(inbox.get_message_sync(uid, None))


def flags_and_files():
    inbox = folder("INBOX")
    noon, evening = uid_of(inbox, "Mittagessen"), uid_of(inbox, "Abendessen")
    both = Camel.MessageFlags.SEEN | Camel.MessageFlags.FLAGGED
    info = inbox.get_message_info(noon)
    info.set_flags(both, both)
    info.set_user_flag("$Label1", True)
    inbox.synchronize_sync(False, None)
    assert look("INBOX", "SEEN", "FLAGGED", "KEYWORD", "$Label1")[1] == [noon.encode()]
    assert inbox.transfer_messages_to_sync([noon], folder("Archive"), True, None)[0]
    inbox.get_message_info(evening).set_flags(Camel.MessageFlags.DELETED, Camel.MessageFlags.DELETED)
    inbox.expunge_sync(None)
    assert look("INBOX", "ALL")[1] == [b"1"]
    assert len(look("Archive", "SEEN", "FLAGGED", "KEYWORD", "$Label1")[1]) == 1


def makes_folders():
    store.create_folder_sync(None, "Entwürfe & mehr", None)
    assert look('"Entw&APw-rfe &- mehr"', "ALL")[1] == []
    store.rename_folder_sync("Entwürfe & mehr", "Größeres", None)
    assert look('"Gr&APYA3w-eres"', "ALL")[1] == []
    store.delete_folder_sync("Größeres", None)


def address(who):
    addresses = Camel.InternetAddress.new()
    addresses.add("", who)
    return addresses


def sends():
    message = Camel.MimeMessage.new()
    message.set_subject("Grüße von Evolution")
    message.set_from(address(alice))
    message.set_recipients("To", address(bob))
    message.set_content("Schöne Grüße\n.\n..zwei\n".encode(), "text/plain; charset=utf-8")
    message.encode_8bit_parts()
    kind = Camel.ProviderType.TRANSPORT
    transport = session.open("out", "smtp", kind, alice, "submission", STARTTLS, auth_mechanism="PLAIN")
    assert transport.send_to_sync(message, address(alice), address(bob), None)[0]
    assert transport.disconnect_sync(True, None)
    seen = Camel.MessageInfo.new(None)
    seen.set_flags(Camel.MessageFlags.SEEN, Camel.MessageFlags.SEEN)
    assert folder("Sent").append_message_sync(message, seen, None)[0]
    imap, filed = look("Sent", "SEEN", "SUBJECT", "Evolution")
    assert len(filed) == 1, filed


def hears_of_new_mail():
    """Told outside of IDLE, Camel looks at its next turn only, so more comes until it listens."""
    inbox, loop = folder("INBOX"), GLib.MainLoop()
    inbox.refresh_info_sync(None)
    known = len(inbox.get_uids())
    inbox.connect("changed", lambda *_: loop.quit())
    GLib.timeout_add_seconds(1, lambda: deliver("Klingel") is None)
    while len(inbox.get_uids()) == known:
        loop.run()


def learns_what_changed_meanwhile():
    inbox = folder("INBOX")
    inbox.refresh_info_sync(None)
    *_, uid = inbox.get_uids()
    count = inbox.get_message_count()
    store.disconnect_sync(True, None)
    imap, _ = look("INBOX", "ALL")
    imap.uid("STORE", uid, "+FLAGS", "(\\Answered)")
    imap.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
    imap.expunge()
    deliver("Danach")
    assert store.connect_sync(None)
    inbox.refresh_info_sync(None)
    assert inbox.get_message_count() == count, inbox.get_uids()
    assert inbox.get_message_info(uid).get_flags() & Camel.MessageFlags.ANSWERED
    assert uid_of(inbox, "Danach")


def fetches_by_pop3():
    """Without extensions: Camel 3.46 ends its UTF8 command with no line end, and waits for an answer."""
    pop = session.open("bob", "pop", Camel.ProviderType.STORE, bob, "pop3s", TLS, disable_extensions=True)
    inbox = pop.get_inbox_folder_sync(None)
    inbox.refresh_info_sync(None)
    messages = [inbox.get_message_sync(uid, None) for uid in inbox.get_uids()]
    sent = [message for message in messages if message.get_subject() == "Grüße von Evolution"]
    assert [body_of(message) for message in sent] == ["Schöne Grüße\n.\n..zwei\n"]
    pop.disconnect_sync(True, None)


Camel.init(place, False)
Camel.provider_init()
session = Session(user_data_dir=f"{place}/data", user_cache_dir=f"{place}/cache", online=True)
session.set_online(True)
store = session.open("alice", "imapx", Camel.ProviderType.STORE, alice, "imaps", TLS, use_idle=True, use_qresync=True, concurrent_connections=1, filter_inbox=False)
for part in (lists_folders, reads_and_searches, flags_and_files, makes_folders, sends, hears_of_new_mail, learns_what_changed_meanwhile, fetches_by_pop3):
    part()
