"""Runs a program on a terminal of its own, types what it is told to, and shows what it showed.

Usage: on_terminal.py [--script FILE] PROGRAM ARGUMENT...

The file is JSON: pairs of a regular expression to wait for and the keys to type once it is there. Without one, nothing
is typed. Escape sequences are taken out of what is searched, so that a text is found in whatever colours.
A program that has not ended after 100 seconds is ended.
"""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import sys
import termios

arguments = sys.argv[1:]
script = []
if arguments[0] == "--script":
    script = json.load(open(arguments[1]))
    arguments = arguments[2:]

pid, terminal = pty.fork()
if pid == 0:
    # before the program looks: a change of size can cost a key
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    os.execvp(arguments[0], arguments)
signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
signal.alarm(100)
# what was shown since keys were last typed
fresh = b""
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    fresh += piece
    text = re.sub(rb"\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>])", b"", fresh)
    if script and re.search(script[0][0].encode(), text):
        _, keys = script.pop(0)
        fresh = b""
        os.write(terminal, keys.encode())
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if script:
    sys.exit(f"it never showed {script[0][0]!r}")
sys.exit(code)
