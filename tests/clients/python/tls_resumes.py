"""Comes back to every listener with TLS at once, and resumes by ticket in TLS 1.2 and 1.3."""
import socket
import ssl
import sys

from server import port

for listener in ("imaps", "pop3s", "submissions"):
    at = ("localhost", port(listener))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trust = ssl.create_default_context(cafile=sys.argv[2])
        trust.minimum_version = trust.maximum_version = version
        session = None
        for visit in range(3):
            with socket.create_connection(at, timeout=60) as plain:
                with trust.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
                    # TLS 1.3 sends its tickets after the handshake, before the greeting.
                    assert tls.recv(3) in (b"* O", b"+OK", b"220")
                    assert tls.session_reused == (visit > 0), (listener, version, visit)
                    session = tls.session
        assert session.has_ticket, (listener, version)
