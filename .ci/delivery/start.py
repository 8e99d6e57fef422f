#!/usr/bin/env python3
"""Milliseconds until a program has ended, or has drawn something: median and slowest of several runs.

    start.py [--runs N] COMMAND...                 until it has ended
    start.py [--runs N] --until REGEX COMMAND...   in a terminal of 120x40, until what it drew matches

What comes after the match is not waited for: the program is ended.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time

# What only moves the cursor, colours or asks is not text.
ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=$ ]*[a-zA-Z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b.")


def ended(command):
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def drawn(command, until, limit):
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        # Before it looks: a terminal without a size is not what anybody has.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.environ["TERM"] = "xterm-256color"
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    seen = b""
    took = None
    while took is None and time.perf_counter() - began < limit:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
            if until.search(ESCAPES.sub(b"", seen)):
                took = time.perf_counter() - began
    os.kill(child, signal.SIGTERM)
    # A program that restores its terminal wants somebody to read it.
    for _ in range(50):
        if os.waitpid(child, os.WNOHANG)[0]:
            break
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:
                pass
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(terminal)
    if took is None:
        sys.exit(f"{command[0]} drew nothing like that: {ESCAPES.sub(b'', seen)[-300:]!r}")
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--until")
    parser.add_argument("--limit", type=float, default=30, help="seconds to wait for it")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    until = options.until and re.compile(options.until.encode())
    times = []
    for _ in range(options.runs):
        took = drawn(options.command, until, options.limit) if until else ended(options.command)
        times.append(took * 1000)
    print(f"{statistics.median(times):.1f} ms (slowest of {options.runs}: {max(times):.1f})")


main()
