"""A wall clock of a host's own that can jump, while the machine's clock is left alone.

Time namespaces do not cover the wall clock. So a small library stands before libc's in every
program that is started on the host (``/etc/ld.so.preload``), environment or not, and adds the
seconds that it reads from a page of memory shared with the test. Clocks that cannot jump, and what
the kernel itself stamps and times, stay as they are: as on a real machine.
"""

from __future__ import annotations

import struct
import subprocess
from typing import final

from tests.lab.host import Host

_AHEAD = "/run/clock"
_LIBRARY = "/run/clock.so"
_SECONDS = struct.Struct("l")

# No header and no libc to link with: whoever loads it has them.
_SOURCE = f"""
struct timespec {{ long seconds, nanoseconds; }};
struct timeval {{ long seconds, microseconds; }};
extern void *dlsym(void *, const char *);
extern int open(const char *, int, ...);
extern int close(int);
extern void *mmap(void *, unsigned long, int, int, int, long);

static int (*real)(int, struct timespec *);
static long none;
static volatile long *ahead = &none;

static void begin(void)
{{
    int file = open("{_AHEAD}", 02000000); /* O_CLOEXEC */
    if (file >= 0) {{
        void *page = mmap(0, sizeof(long), 1, 1, file, 0); /* PROT_READ, MAP_SHARED */
        if (page != (void *)-1)
            ahead = page;
        close(file);
    }}
    real = dlsym((void *)-1, "clock_gettime"); /* RTLD_NEXT */
}}

int clock_gettime(int clock, struct timespec *now)
{{
    if (!real)
        begin();
    int result = real(clock, now);
    if (result == 0 && (clock == 0 || clock == 5)) /* CLOCK_REALTIME, CLOCK_REALTIME_COARSE */
        now->seconds += *ahead;
    return result;
}}

int gettimeofday(struct timeval *now, void *zone)
{{
    struct timespec precise;
    clock_gettime(0, &precise);
    now->seconds = precise.seconds;
    now->microseconds = precise.nanoseconds / 1000;
    return 0;
}}

long time(long *where)
{{
    struct timespec now;
    clock_gettime(0, &now);
    if (where)
        *where = now.seconds;
    return now.seconds;
}}
"""


@final
class Clock:
    """The wall clock of one host, for all programs that start from now on."""

    def __init__(self, host: Host) -> None:
        self._page = host.path(_AHEAD)
        self._page.write_bytes(_SECONDS.pack(0))
        subprocess.run(
            ["/usr/bin/tcc", "-shared", "-nostdlib", "-o", str(host.path(_LIBRARY)), "-"],
            input=_SOURCE,
            text=True,
            check=True,
        )
        host.put("/etc/ld.so.preload", f"{_LIBRARY}\n")

    def jump(self, seconds: int) -> None:
        """Let the clock jump, forward or back; programs that run see it at once."""
        (ahead,) = _SECONDS.unpack(self._page.read_bytes())
        with self._page.open("r+b") as page:
            page.write(_SECONDS.pack(ahead + seconds))
