#!/usr/bin/env python3
"""Reads a whole mailbox with Python's imaplib: a reader that is not ours.

usage: read_back.py PORT USER PASSWORD CA_FILE
Prints one JSON object a message: folder, uid, sha256, size, flags, date (seconds since 1970).
"""
import base64
import calendar
import hashlib
import imaplib
import json
import re
import ssl
import sys
import time

imaplib._MAXLINE = 100_000_000


def plain_name(raw):
    """Modified UTF-7 (RFC 3501, 5.1.3) to text."""
    def decode(match):
        if not match.group(1):
            return "&"
        packed = match.group(1).replace(",", "/")
        packed += "=" * (-len(packed) % 4)
        return base64.b64decode(packed).decode("utf-16-be")
    return re.sub(r"&([^-]*)-", decode, raw)


def folders(imap):
    for line in imap.list()[1]:
        if isinstance(line, tuple):  # a literal
            yield line[1].decode()
            continue
        match = re.match(rb'\((?P<flags>[^)]*)\) (?:"[^"]*"|NIL) (?P<name>.*)', line)
        if b"\\Noselect" in match["flags"]:
            continue
        name = match["name"].decode()
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        yield name


def main():
    port, user, password, ca_file = sys.argv[1:5]
    context = ssl.create_default_context(cafile=ca_file)
    imap = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
    imap.login(user, password)
    for raw in folders(imap):
        quoted = '"' + raw.replace("\\", "\\\\").replace('"', '\\"') + '"'
        status, data = imap.select(quoted, readonly=True)
        assert status == "OK", (raw, data)
        if int(data[0]) == 0:
            continue
        for part in imap.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]:
            if not isinstance(part, tuple):
                continue
            head, body = part
            when = re.search(rb'INTERNALDATE "([^"]*)"', head).group(1).decode()
            moment = time.strptime(when.strip()[:20].strip(), "%d-%b-%Y %H:%M:%S")
            zone = when.strip()[-5:]
            offset = (int(zone[1:3]) * 60 + int(zone[3:5])) * (-60 if zone[0] == "+" else 60)
            date = calendar.timegm(moment) + offset
            print(json.dumps({
                "folder": plain_name(raw),
                "uid": int(re.search(rb"UID (\d+)", head).group(1)),
                "sha256": hashlib.sha256(body).hexdigest(),
                "size": len(body),
                "flags": [flag.decode() for flag in imaplib.ParseFlags(head)],
                "date": date,
            }))
    imap.logout()


main()
