#!/usr/bin/env python3
"""Hashes BYTES zeros with SHA-256 on THREADS threads: what an audit takes at least.

  sha256.py BYTES THREADS

The bytes come from a buffer in the second-level cache, and OpenSSL does the work.
"""
import hashlib
import sys
import threading


def work(left):
    piece, digest = bytes(256 << 10), hashlib.sha256()
    while left > 0:
        digest.update(piece[:left])
        left -= len(piece)


total, count = int(sys.argv[1]), int(sys.argv[2])
workers = [threading.Thread(target=work, args=(total // count,)) for _ in range(count)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
