"""The server that a script speaks to: its ready file and its certificate, as the script was given them."""
import json
import ssl
import sys

ready = json.load(open(sys.argv[1]))
trust = ssl.create_default_context(cafile=sys.argv[2])
accounts = {a["address"]: a["password"] for a in ready["accounts"]}
alice, bob = "alice@example.test", "bob@example.test"


def port(name):
    return int(ready["listeners"][name].rsplit(":", 1)[1])
