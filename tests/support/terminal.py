"""Runs a program on a pseudo-terminal: waits for words, answers, and tells how it ended as one line of JSON.

Arguments: a JSON list of [words to wait for, what to type | signal number, seconds to wait before that], then the
program and its arguments. Each step waits for what is shown after the one before it. The terminal has as many columns
as the environment's TERMINAL_COLUMNS says, or 100.
"""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time


def main():
    steps, program = json.loads(sys.argv[1]), sys.argv[2:]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, int(os.environ.get("TERMINAL_COLUMNS", 100)), 0, 0))
    before = termios.tcgetattr(slave)
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for stream in range(3):
            os.dup2(slave, stream)
        os.execv(program[0], program)
    shown, read, status, end = b"", 0, None, time.time() + 60
    while status is None and time.time() < end:
        if select.select([master], [], [], 0.05)[0]:
            shown += os.read(master, 65536)
        if steps and (found := shown.find(steps[0][0].encode(), read)) >= 0:
            words, answer, delay = steps.pop(0)
            read = found + len(words.encode())
            time.sleep(delay)
            if isinstance(answer, int):
                os.kill(child, answer)
            else:
                os.write(master, answer.encode())
        done, ended = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(ended)
    if status is None:
        os.kill(child, 9)
        os.waitpid(child, 0)
    while select.select([master], [], [], 0.1)[0]:
        shown += os.read(master, 65536)
    after = termios.tcgetattr(slave)
    hidden = shown.rfind(b"\x1b[?25l") > shown.rfind(b"\x1b[?25h")
    print(json.dumps({
        "status": status,
        "as_before": before == after and not hidden,
        "steps_left": len(steps),
        "shown": shown.decode(errors="replace"),
    }))


main()
