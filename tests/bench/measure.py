"""Runs commands beside each other and keeps what they took."""
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Command:
    """One line of a table. `before` runs ahead of every run, outside the measured time."""
    name: str
    words: list
    environment: dict = None
    accept: object = (0,)  # exit codes
    before: object = None
    runs: list = field(default_factory=list)  # (wall seconds, CPU seconds, peak KiB)

    def run(self):
        if self.before:
            self.before()
        start = time.monotonic()
        process = subprocess.Popen([str(word) for word in self.words], env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        complaint = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.accept:
            sys.exit(f"{' '.join(map(str, self.words[:4]))}... exited with {process.returncode}: "
                     f"{complaint.decode(errors='replace')[:500]}")
        self.runs.append((seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss))

    @property
    def seconds(self):
        return statistics.median(wall for wall, _, _ in self.runs)

    @property
    def cpu(self):
        return statistics.median(cpu for _, cpu, _ in self.runs)

    @property
    def mebibytes(self):
        return max(kib for _, _, kib in self.runs) / 1024


def measure(commands, runs):
    """Runs each command once to warm the caches, then all of them in turn, `runs` times, so that what
    else the machine does is shared among them."""
    for command in commands:
        command.run()
        command.runs.clear()
    for _ in range(runs):
        for command in commands:
            command.run()


def show(title, commands):
    print(f"\n{title}\n  {'':<46}{'wall':>11}{'CPU':>11}{'peak':>11}")
    own = commands[0]
    for command in commands:
        ratio = "" if command is own else f"  lre-audit takes {own.seconds / command.seconds:.2f} of it"
        print(f"  {command.name:<46}{command.seconds * 1000:8.1f} ms{command.cpu * 1000:8.1f} ms"
              f"{command.mebibytes:7.1f} MiB{ratio}")
    sys.stdout.flush()
