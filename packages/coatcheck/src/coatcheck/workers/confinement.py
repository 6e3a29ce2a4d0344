"""What a worker process gives up before its first task. The only module that knows Landlock.

Landlock (Linux 5.13, https://docs.kernel.org/userspace-api/landlock.html) takes rights from the
calling process for good, without privileges and for root too. A worker keeps reading Python, the
installed packages and fonts, and writing to a directory of its own where it has one. It cannot
read, write or execute any other file, open TCP connections (Linux 6.7), signal its server (6.12) or
look into another process: Landlock refuses what needs ``ptrace`` rights outside of a worker's own
domain, such as ``/proc/<pid>/environ`` and ``mem`` of the server.

What it leaves open: names, sizes, modes and times of files, UDP, and Unix sockets that have a path.
A limit of processes is of no use here, for it counts all of a user's threads; one of a file's size
would end a worker that writes to a log of the server's that has grown larger.
"""

import ctypes
import os
import resource
import site
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_MAX_FILES: Final = 256  # open at once: the fonts of a drawing are the most there is
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38

# Numbers and bits of <linux/landlock.h>; every platform of CPython's has these numbers.
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_FILE_RIGHTS_BY_VERSION: Final = {1: 0b1_1111_1111_1111, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_TCP: Final = 0b11  # bind and connect
_TCP_VERSION: Final = 4
_SCOPES: Final = 0b11  # abstract Unix sockets and signals
_SCOPES_VERSION: Final = 6
_EXECUTE: Final = 1

_READABLE: Final = (
    *("/usr", "/lib", "/lib64", "/opt/homebrew", "/nix/store", "/run/current-system"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd", "/etc/fonts"),
    *("/var/cache/fontconfig", "/dev/urandom", "/dev/random", "/dev/zero"),
    "/sys/devices/system/cpu",
)
_READABLE_AT_HOME: Final = (
    *(".fonts", ".fontconfig", ".local/share/fonts"),
    *(".config/fontconfig", ".cache/fontconfig"),
)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def confine(writable: Sequence[str] = (), readable: Sequence[str] = ()) -> str | None:
    """Give up what a task has no need of; threads that run already keep their rights.

    Args:
        writable: directories to write to.
        readable: directories to read beside those of Python and of installed packages.

    Returns:
        Why the process is not confined to its files; None where it is.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_FILES if hard == resource.RLIM_INFINITY else min(_MAX_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if sys.platform != "linux":
        return "only Linux has Landlock"
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    version = landlock_version()
    if version == 0:
        return "the kernel offers no Landlock"
    _restrict(version, writable, readable)
    return None


def hide_memory() -> None:
    """Keep other processes of this user from reading this one's memory and environment (Linux).

    No core is dumped either, and debuggers need root. Files below ``/proc/<pid>`` belong to root
    from then on; the process itself still reads those that are not the owner's alone. A program
    that is started is not hidden.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_DUMPABLE, 0)


def landlock_version() -> int:
    """The version of the kernel's Landlock; 0 where there is none or it is switched off."""
    size, flags = ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)
    found: int = _libc().syscall(ctypes.c_long(_CREATE_RULESET), None, size, flags)
    return max(0, found)


def _restrict(version: int, writable: Sequence[str], readable: Sequence[str]) -> None:
    handled = sum(bits for since, bits in _FILE_RIGHTS_BY_VERSION.items() if version >= since)
    attributes = _Ruleset(
        handled_access_fs=handled,
        handled_access_net=_TCP if version >= _TCP_VERSION else 0,
        scoped=_SCOPES if version >= _SCOPES_VERSION else 0,
    )
    # Fields that are zero may follow those that the kernel knows.
    ruleset = _call(
        _CREATE_RULESET,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
        ctypes.c_uint32(0),
    )
    try:
        for path in (*_readable(), *readable):
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        _allow(ruleset, "/dev/null", _READ_FILE | _WRITE_FILE)
        for path in writable:
            _allow(ruleset, path, handled & ~_EXECUTE)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _readable() -> Iterator[str]:
    yield from _READABLE
    home = os.environ.get("HOME")
    if home:
        yield from (os.path.join(home, path) for path in _READABLE_AT_HOME)  # noqa: PTH118
    yield from {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix} - {"/"}
    yield str(Path(__file__).parents[1])
    # Where packages are installed. Another directory of `sys.path` may be anything, such as the one
    # in which the server was started, with its data and its keys.
    for path in {*sys.path, *site.getsitepackages()}:
        if path and any(Path(path).glob("*.dist-info")):
            yield path
    for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if path:
            yield path


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    try:
        if not Path(path).is_dir():
            rights &= _READ_FILE | _WRITE_FILE
        rule = _PathBeneath(allowed_access=rights, parent_fd=descriptor)
        _call(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(descriptor)


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    if _libc().prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero) != 0:
        _raise_errno()


def _call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        _raise_errno()
    return result


def _raise_errno() -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    # ctypes, because the standard library has neither call, and a dependency for two is too much.
    return ctypes.CDLL(None, use_errno=True)
