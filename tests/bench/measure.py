#!/usr/bin/env python3
"""Measures the program against others and against limits, and prints the figures.

usage: measure.py [--letters abcdefgh] [--bench DIR] [--bin DIR] [--runs N] [--scale SHARE]

a  copy at RTT 0, 20 and 50 ms, next to the bytes alone (floor), mbsync and mailutil
b  copy at 10 Mbit/s upstream and RTT 20 ms, 500 messages
c  copy to a store on disk that writes through (fsync)
d  copy to a server without LITERAL+, MULTIAPPEND and UIDPLUS at RTT 50 ms, 200 messages, next to naive over 8 connections
e  copy to a store that takes 30 ms a message at RTT 20 ms, 200 messages, next to naive over 1 connection
f  second run over 50,000 messages, with and without the journal of the first
g  reading an mbox, next to Python's mailbox module and mutt
h  peak memory for an mbox of 10 GB

DIR of --bench (or $UPLOAD_BENCH) is the upload bench beside the project; that of --bin holds the release builds
of spectrum-migrate, naive, slow_server and scan. --scale 0.1 takes a tenth of everything, to try the script.
"""
import argparse
import contextlib
import hashlib
import imaplib
import mailbox
import os
import pty
import shlex
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
CAPABILITIES = "IMAP4rev1 NAMESPACE UNSELECT CHILDREN SPECIAL-USE"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


@contextlib.contextmanager
def running(command, port):
    """A server that ends with the block."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield process
    finally:
        process.kill()
        process.wait()


def signed_in(port, ca, user):
    session = imaplib.IMAP4_SSL("localhost", port, ssl_context=ssl.create_default_context(cafile=ca))
    session.login(user, "secret")
    return session


def say(what, messages, seconds):
    print(f"   {what:<34} {seconds:9.2f} s {messages / seconds:10.1f} messages/s", flush=True)


class Bench:
    def __init__(self, options, place, memory):
        self.bench, self.bin, self.runs, self.scale = options.bench, options.bin, options.runs, options.scale
        # `place` is on disk, `memory` is a file system that is none.
        self.place, self.memory = place, memory
        # What the programs below make, they make where it is removed afterwards.
        self.env = {**os.environ, "TMPDIR": str(place), "BENCH_TMP": str(place / "run")}
        self.states = 0
        self.password = place / "password"
        self.password.write_text("secret\n")
        self.password.chmod(0o600)
        # The upload bench builds its proxy once, and takes this one as its own.
        self.proxy = place / "run" / "delayproxy"
        self.proxy.parent.mkdir()
        self.proxy.parent.chmod(0o755)
        self.check(["rustc", "-O", self.bench / "delayproxy.rs", "-o", self.proxy])

    def check(self, command):
        """Runs a program that may start others; stopped before its end, it takes them along."""
        process = subprocess.Popen([str(word) for word in command], env=self.env, start_new_session=True)
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if code:
            sys.exit(f"{Path(command[0]).name} ended with {code}")

    def timed(self, command):
        """The wall time of a program, and its error where it fails."""
        start = time.monotonic()
        done = subprocess.run([str(word) for word in command], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        seconds = time.monotonic() - start
        if done.returncode:
            sys.exit(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout[-2000:]}")
        return seconds

    def scaled(self, count):
        return max(10, int(count * self.scale))

    def corpus(self, count, *sizes):
        """A directory with the same messages in several forms, and how many they are."""
        count = self.scaled(count)
        at = self.place / f"corpus-{count}{'-small' if sizes else ''}"
        if not at.exists():
            self.check([self.bench / "gen_corpus.py", at, "--count", count, *sizes])
        return at, count

    def new_state(self):
        """A state directory that no run has seen: a journal would tell what is gone from the server by now."""
        self.states += 1
        return self.place / f"state-{self.states}"

    def ours(self, port, ca, user, mbox, state):
        return [self.bin / "spectrum-migrate", "copy", "--non-interactive", "--yes", "--verify", "headers",
                "--server", f"localhost:{port}", "--user", user, "--email", f"{user}@example.org",
                "--password-file", self.password, "--ca-file", ca, "--source", mbox, "--map", "corpus=INBOX",
                "--state-dir", state]

    def naive(self, port, ca, user, mbox, connections):
        return [self.bin / "naive", port, user, "secret", ca, mbox, "INBOX", connections]

    @contextlib.contextmanager
    def dovecot(self, where, fsync="never", capability=None):
        """Its port, and the certificate that it shows."""
        at, port = Path(tempfile.mkdtemp(prefix="dovecot-", dir=where)), free_port()
        at.chmod(0o755)
        kept = dict(self.env)
        self.env.update(DV_DIR=str(at), DV_PORT=str(port), DV_FSYNC=fsync)
        try:
            self.check([self.bench / "dovecot.sh", "start"])
            if capability:
                with open(at / "dovecot.conf", "a", encoding="ascii") as settings:
                    settings.write(f"imap_capability = {capability}\n")
                os.kill(int((at / "run/master.pid").read_text()), signal.SIGHUP)
                self.wait_for_capability(port, at / "cert.pem", capability)
            yield port, at / "cert.pem"
        finally:
            self.check([self.bench / "dovecot.sh", "stop"])
            self.env = kept
            shutil.rmtree(at)

    def wait_for_capability(self, port, ca, capability):
        """It takes its new settings in its own time."""
        for _ in range(100):
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session = signed_in(port, ca, "nobody-else")
                told = session.capability()[1][0].decode()
                session.logout()
                if set(told.split()) == set(capability.split()):
                    return
            time.sleep(0.1)
        sys.exit(f"the server still has other capabilities: {told}")

    @contextlib.contextmanager
    def far(self, target, rtt):
        """A port behind which the target is that far away."""
        port = free_port()
        with running([self.proxy, port, target, rtt / 2], port):
            yield port

    def expect(self, port, ca, user, count):
        session = signed_in(port, ca, user)
        there = int(session.select("INBOX", readonly=True)[1][0])
        session.logout()
        if there != count:
            sys.exit(f"{there} of {count} messages arrived for {user}")

    def compare(self, corpus, rtt, peers, *more):
        """The upload bench's own comparison."""
        ours = self.ours("{port}", "{cert}", "{user}", "{mbox}", f"{self.new_state()}-{{user}}")
        self.check([self.bench / "compare", "--corpus", corpus, "--rtt", rtt, "--runs", self.runs, "--peers", peers,
                    "--uploader", "ours=" + shlex.join(str(word) for word in ours), *more])

    def a(self):
        corpus, _ = self.corpus(1000)
        with self.dovecot(self.memory):
            for rtt in (0, 20, 50):
                self.compare(corpus, rtt, "floor,mbsync,mbsync_tuned,mailutil")

    def b(self):
        corpus, _ = self.corpus(500)
        with self.dovecot(self.memory):
            self.compare(corpus, 20, "floor,mbsync,mbsync_tuned,mailutil", "--up-mbit", 10)

    def c(self):
        corpus, _ = self.corpus(1000)
        with self.dovecot(self.place, fsync="always"):
            self.compare(corpus, 0, "floor,mbsync,mbsync_tuned,mailutil")

    def d(self):
        corpus, count = self.corpus(200)
        mbox, all_seconds = corpus / "corpus.mbox", {"ours": [], "naive, 8 connections": []}
        with self.dovecot(self.memory, capability=CAPABILITIES) as (target, ca), self.far(target, 50) as port:
            for run in range(self.runs):
                for n, seconds in enumerate(all_seconds.values()):
                    user = f"d{run}-{n}"
                    command = (self.naive(port, ca, user, mbox, 8) if n else
                               self.ours(port, ca, user, mbox, self.new_state()))
                    seconds.append(self.timed(command))
                    self.expect(target, ca, user, count)
        self.medians(count, all_seconds)

    def e(self):
        corpus, count = self.corpus(200)
        mbox, all_seconds = corpus / "corpus.mbox", {"ours": [], "naive, 1 connection": []}
        for _ in range(self.runs):
            for n, seconds in enumerate(all_seconds.values()):
                target, ca = free_port(), self.place / "slow-ca.pem"
                ca.unlink(missing_ok=True)
                server = [self.bin / "slow_server", target, ca, "--delay-per-message", 30]
                with self.slow_server(server, target, ca), self.far(target, 20) as port:
                    command = (self.naive(port, ca, "bench", mbox, 1) if n else
                               self.ours(port, ca, "bench", mbox, self.new_state()))
                    seconds.append(self.timed(command))
                    self.expect(target, ca, "bench", count)
        self.medians(count, all_seconds)

    @contextlib.contextmanager
    def slow_server(self, command, port, ca):
        """It listens a moment before its certificate is there, and is ready once it says so."""
        process = subprocess.Popen([str(word) for word in command], env=self.env, stdout=subprocess.PIPE, text=True)
        try:
            if not process.stdout.readline():
                sys.exit("the slow server did not start")
            yield
        finally:
            process.kill()
            process.wait()

    def f(self):
        corpus, count = self.corpus(50_000, "--median", 2000, "--mean", 5000, "--max", 200_000)
        mbox = corpus / "corpus.mbox"
        with self.dovecot(self.memory) as (target, ca), self.far(target, 20) as port:
            first = self.new_state()
            say("first run", count, self.timed(self.ours(port, ca, "f", mbox, first)))
            say("second run", count, self.timed(self.ours(port, ca, "f", mbox, first)))
            say("second run, journal lost", count, self.timed(self.ours(port, ca, "f", mbox, self.new_state())))
            self.expect(target, ca, "f", count)

    def g(self):
        mbox, count = self.large_mbox(1e9 * self.scale)
        size = mbox.stat().st_size
        # All of them read it from memory: read it once beforehand.
        with open(mbox, "rb") as file:
            while file.read(1 << 24):
                pass
        readers = {
            "ours (splits and hashes)": lambda: self.timed([self.bin / "scan", mbox]),
            "Python (splits and hashes)": lambda: read_with_python(mbox),
            "mutt (splits, reads the headers)": lambda: read_with_mutt(mbox),
        }
        for who, read in readers.items():
            seconds = statistics.median(read() for _ in range(self.runs))
            print(f"   {who:<34} {seconds:9.2f} s {size / 1e6 / seconds:10.0f} MB/s", flush=True)
        print(f"   ({count} messages, {size / 1e6:.0f} MB)")

    def h(self):
        # A story of its own, which the tests have already.
        self.check([sys.executable, TESTS / "large_mbox_in_little_memory.py", self.bin / "spectrum-migrate",
                    10 * self.scale])

    def large_mbox(self, size):
        sys.path.insert(0, str(TESTS))
        from large_mbox_in_little_memory import write_mbox
        path = self.place / "large"
        return path, write_mbox(path, int(size))

    def medians(self, count, all_seconds):
        for who, seconds in all_seconds.items():
            say(who, count, statistics.median(seconds))
        ours, other = (statistics.median(seconds) for seconds in all_seconds.values())
        print(f"   {other / ours:.1f} times as fast")


def read_with_python(mbox):
    start = time.monotonic()
    box = mailbox.mbox(mbox, create=False)
    for key in box.iterkeys():
        hashlib.sha256(box.get_bytes(key)).digest()
    box.close()
    return time.monotonic() - start


def read_with_mutt(mbox):
    """It wants a terminal, and gets one that nobody looks at."""
    command = ["mutt", "-n", "-R", "-F", "/dev/null", "-f", str(mbox), "-e", "push <exit>"]
    start = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, {**os.environ, "TERM": "xterm"})
    with contextlib.suppress(OSError):
        while os.read(terminal, 1 << 16):
            pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    if code:
        sys.exit(f"mutt ended with {code}")
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", default="abcdefgh")
    parser.add_argument("--bench", default=os.environ.get("UPLOAD_BENCH"), type=Path)
    parser.add_argument("--bin", default=TESTS.parent / "target/release", type=Path)
    parser.add_argument("--runs", default=3, type=int)
    parser.add_argument("--scale", default=1.0, type=float)
    parser.add_argument("--memory", default="/dev/shm", help="a file system without a disk")
    options = parser.parse_args()
    if options.bench is None:
        parser.error("say where the upload bench lies: --bench or $UPLOAD_BENCH")
    if unknown := set(options.letters) - set("abcdefgh"):
        parser.error(f"no such letters: {' '.join(sorted(unknown))}")
    options.bench, options.bin = options.bench.resolve(), options.bin.resolve()
    # A kill ends what was started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    titles = {line[0]: line[3:] for line in __doc__.splitlines() if line[1:3] == "  "}
    with tempfile.TemporaryDirectory(prefix="measure-") as place:
        # Dovecot and mailutil run as nobody, where this runs as root.
        os.chmod(place, 0o755)
        bench = Bench(options, Path(place), options.memory)
        for letter in options.letters:
            print(f"{letter}  {titles[letter]}  (load {os.getloadavg()[0]:.1f})", flush=True)
            getattr(bench, letter)()


if __name__ == "__main__":
    main()
