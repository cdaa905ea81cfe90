"""Marionette, the remote control of Mozilla's programs: just what a test needs of it.

A plain socket; each message is `LENGTH:JSON`, `[0, id, command, parameters]` there and
`[1, id, error, result]` back. Nothing here waits by sleeping: the program says its port when it listens.
"""
import json
import re
import socket
import subprocess
import threading

ANSWER_TIMEOUT_S = 60
WHOLE_TIMEOUT_S = 100


class Refused(Exception):
    """The program answered with an error."""


class Marionette:
    def __init__(self, arguments, env):
        """Starts the program; with the preference `marionette.port` at 0 it chooses a free port."""
        self.program = subprocess.Popen(
            arguments, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        # It ends even when it hangs; then the connection ends, and the test with it.
        self.deadline = threading.Timer(WHOLE_TIMEOUT_S, self.program.kill)
        self.deadline.start()
        self.said = []
        port = self._port()
        # What it says later must be taken, or it stops when the pipe is full.
        threading.Thread(target=lambda: self.said.extend(self.program.stdout), daemon=True).start()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
        self.stream = self.socket.makefile("rwb")
        self.last_id = 0
        hello = self._receive()
        assert hello["marionetteProtocol"] == 3, hello

    def _port(self):
        for line in self.program.stdout:
            self.said.append(line)
            if found := re.search(r"Listening on port (\d+)", line):
                return int(found[1])
        raise SystemExit("it ended before it listened:\n" + "".join(self.said))

    def _receive(self):
        digits = b""
        while (octet := self.stream.read(1)) != b":":
            assert octet, "the connection ended"
            digits += octet
        return json.loads(self.stream.read(int(digits)))

    def command(self, name, **parameters):
        self.last_id += 1
        text = json.dumps([0, self.last_id, name, parameters]).encode()
        self.stream.write(b"%d:%s" % (len(text), text))
        self.stream.flush()
        kind, number, error, result = self._receive()
        assert (kind, number) == (1, self.last_id), (kind, number)
        if error:
            raise Refused(f"{name}: {error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        return result

    def open(self):
        """A session in the program's own context, where its own scripts run."""
        self.command("WebDriver:NewSession", capabilities={"alwaysMatch": {"timeouts": {"script": ANSWER_TIMEOUT_S * 1000}}})
        self.command("Marionette:SetContext", value="chrome")

    def load(self, script):
        """A script that leaves an object `steps` on the window."""
        self.command("WebDriver:ExecuteScript", script=script, args=[], newSandbox=False)

    def step(self, name, *arguments):
        """What the step of that name answers; it may take its time."""
        call = (
            "const [name, given, done] = arguments;"
            "(async () => window.steps[name](...given))()"
            ".then(value => done({ value }), error => done({ error: `${error}\\n${error.stack}` }));"
        )
        answer = self.command("WebDriver:ExecuteAsyncScript", script=call, args=[name, arguments], newSandbox=False)["value"]
        if "error" in answer:
            raise Refused(f"{name}{arguments}: {answer['error']}")
        return answer.get("value")

    def end(self):
        """Asks the program to end; its exit code."""
        self.command("Marionette:Quit", flags=["eAttemptQuit"])
        return self.program.wait(timeout=ANSWER_TIMEOUT_S)

    def kill(self):
        """After this it has ended, whatever happened."""
        self.deadline.cancel()
        self.program.kill()
        self.program.wait()
