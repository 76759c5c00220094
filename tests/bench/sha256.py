#!/usr/bin/env python3
"""Hashes BYTES zeros, or the files below DIRECTORY, with SHA-256 on THREADS threads: what an audit
takes at least.

  sha256.py BYTES|DIRECTORY THREADS

The zeros come from a buffer in the second-level cache, and OpenSSL does the work.
"""
import hashlib
import os
import sys
import threading

PIECE = 256 << 10


def hash_zeros(left):
    piece, digest = bytes(PIECE), hashlib.sha256()
    while left > 0:
        digest.update(piece[:left])
        left -= len(piece)


def hash_files(files):
    """Takes files off the list, which the threads share, until there are none left."""
    buffer, digest = bytearray(PIECE), hashlib.sha256()
    view = memoryview(buffer)
    while files:
        try:
            name = files.pop()
        except IndexError:
            return
        with open(name, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                digest.update(view[:count])


what, count = sys.argv[1], int(sys.argv[2])
if what.isdigit():
    work, argument = hash_zeros, int(what) // count
else:
    names = (os.path.join(place, name) for place, _, names in os.walk(what) for name in names)
    work, argument = hash_files, sorted((name for name in names if not os.path.islink(name)),
                                        key=os.path.getsize)
workers = [threading.Thread(target=work, args=(argument,)) for _ in range(count)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
