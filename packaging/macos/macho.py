"""Reads what the checks of t3tray.app need of a Mach-O file, on any system: architectures, oldest macOS, libraries, signature.

Formats: Apple's <mach-o/loader.h>, <mach-o/fat.h> and <kern/cs_blobs.h>.
"""

from __future__ import annotations

import hashlib
import os
import plistlib
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_FAT, _THIN = 0xCAFEBABE, 0xFEEDFACF
_ARCHITECTURES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_VERSION_MIN, _BUILD_VERSION, _RPATH, _ID, _SIGNATURE = 0x24, 0x32, 0x8000001C, 0x0D, 0x1D
_LOADS = {0x0C, 0x80000018, 0x8000001F, 0x80000023}  # LC_LOAD_DYLIB; weak, re-exported, upward
_CODE_DIRECTORY, _ENTITLEMENTS, _CMS = 0, 5, 0x10000
_RUNTIME = 0x10000


class NotMachO(ValueError):
    """Raised for a file that is no 64-bit Mach-O."""


@dataclass(frozen=True)
class Signature:
    """What the signature in a Mach-O says. `is_intact`: the hashes of all pages are those of the file.

    `sealed` are the hashes of files beside it, by slot: 1 is Info.plist, 3 is CodeResources.
    """

    identifier: str
    has_runtime: bool
    has_certificate: bool
    entitlements: dict[str, object]
    is_intact: bool
    sealed: dict[int, bytes]


@dataclass(frozen=True)
class Slice:
    """One architecture of a file. `oldest` is the oldest macOS by its header, as (major, minor); (0, 0) if it names none."""

    architecture: str
    content: bytes
    oldest: tuple[int, int]
    name: str
    libraries: tuple[str, ...]
    rpaths: tuple[str, ...]
    signature: Signature | None


def slices(file: Path) -> list[Slice]:
    """Return the architectures of a file. Raises NotMachO where it is none."""
    with file.open("rb") as opened:
        start = opened.read(8)
        if len(start) < 8:
            raise NotMachO(file)
        magic, count = struct.unpack(">II", start)
        # Java's class files have the same magic; there this number is a version above 40.
        if magic == _FAT and count < 20:
            table = [struct.unpack(">5I", opened.read(20)) for _ in range(count)]
        elif struct.unpack("<I", start[:4])[0] == _THIN:
            table = [(0, 0, 0, file.stat().st_size, 0)]
        else:
            raise NotMachO(file)
        found = []
        for _, _, offset, size, _ in table:
            opened.seek(offset)
            found.append(_slice(opened.read(size), file))
        return found


def is_macho(file: Path) -> bool:
    """Whether a file is a Mach-O."""
    with file.open("rb") as opened:
        start = opened.read(8)
    if len(start) < 8:
        return False
    magic, count = struct.unpack(">II", start)
    return bool((magic == _FAT and count < 20) or struct.unpack("<I", start[:4])[0] == _THIN)


def _slice(content: bytes, file: Path) -> Slice:
    if len(content) < 32 or struct.unpack_from("<I", content)[0] != _THIN:
        raise NotMachO(file)
    oldest, name, libraries, rpaths, signature = (0, 0), "", list[str](), list[str](), None
    for command, at, size in _commands(content):
        body = content[at : at + size]
        if command == _BUILD_VERSION:
            oldest = _version(struct.unpack_from("<I", body, 12)[0])
        elif command == _VERSION_MIN:
            oldest = _version(struct.unpack_from("<I", body, 8)[0])
        elif command == _ID:
            name = _text(body)
        elif command in _LOADS:
            libraries.append(_text(body))
        elif command == _RPATH:
            rpaths.append(_text(body))
        elif command == _SIGNATURE:
            signature = _signature(content, *struct.unpack_from("<II", body, 8))
    cpu = struct.unpack_from("<I", content, 4)[0]
    architecture = _ARCHITECTURES.get(cpu, f"cpu {cpu:#x}")
    return Slice(architecture, content, oldest, name, tuple(libraries), tuple(rpaths), signature)


def _commands(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Return the load commands as (command, offset, size)."""
    at = 32
    for _ in range(struct.unpack_from("<I", content, 16)[0]):
        command, size = struct.unpack_from("<II", content, at)
        yield command, at, size
        at += size


def _version(packed: int) -> tuple[int, int]:
    return packed >> 16, packed >> 8 & 0xFF


def _text(body: bytes) -> str:
    return body[struct.unpack_from("<I", body, 8)[0] :].split(b"\0", 1)[0].decode()


def _signature(content: bytes, offset: int, size: int) -> Signature | None:
    whole = content[offset : offset + size]
    count = struct.unpack_from(">I", whole, 8)[0]
    index = dict(struct.unpack_from(">II", whole, 12 + 8 * number) for number in range(count))
    if _CODE_DIRECTORY not in index:
        return None
    directory = whole[index[_CODE_DIRECTORY] :]
    flags, hashes, identifier, slots, pages, end = struct.unpack_from(">6I", directory, 12)
    hash_size, kind, _, page_bits = struct.unpack_from("4B", directory, 36)
    wrapped = whole[index[_CMS] :] if _CMS in index else b""
    return Signature(
        identifier=directory[identifier:].split(b"\0", 1)[0].decode(),
        has_runtime=bool(flags & _RUNTIME),
        # An ad-hoc signature has an empty blob: its head alone.
        has_certificate=len(wrapped) >= 8 and struct.unpack_from(">I", wrapped, 4)[0] > 8,
        entitlements=_entitlements(whole[index[_ENTITLEMENTS] :]) if _ENTITLEMENTS in index else {},
        is_intact=all(
            _digest(kind, content[number << page_bits : min((number + 1) << page_bits, end)])[:hash_size]
            == directory[hashes + number * hash_size :][:hash_size]
            for number in range(pages)
        ),
        sealed={slot: directory[hashes - slot * hash_size :][:hash_size] for slot in range(1, slots + 1)},
    )


def _entitlements(blob: bytes) -> dict[str, object]:
    return dict(plistlib.loads(blob[8 : struct.unpack_from(">I", blob, 4)[0]]))


def _digest(kind: int, page: bytes) -> bytes:
    return (hashlib.sha1 if kind == 1 else hashlib.sha256)(page).digest()


# PySide6's own libraries, unlike Qt's, name the macOS of the machine that built them: 15.0 in 6.11.3 and 26.0 in 6.12.0, in
# wheels tagged 13.0 and 14.0. Taken as no limit: else these wheels would not run on what their tags name. Only a Mac can show it.
NAMES_ITS_BUILDER = re.compile(r"(^|/)(PySide6/[^/]+\.abi3\.so|libpyside6\.[^/]+|libshiboken6\.[^/]+|Shiboken\.abi3\.so)$")


def oldest_macos(files: Iterable[Path]) -> str:
    """Return the oldest macOS that all these files run on, as LSMinimumSystemVersion names it. Other files are skipped."""
    named = [
        each.oldest
        for file in files
        if not NAMES_ITS_BUILDER.search(file.as_posix()) and file.is_file() and is_macho(file)
        for each in slices(file)
    ]
    return "{}.{}".format(*max(named))


def resolve(library: str, file: Path, rpaths: Iterable[str], program: Path) -> Path | None:
    """Return the file that a library's name leads to, seen from `file` with its rpaths; None where there is none."""
    places = rpaths if library.startswith("@rpath/") else [""]
    for place in places:
        name = library.replace("@rpath", place, 1) if place else library
        name = name.replace("@loader_path", str(file.parent), 1).replace("@executable_path", str(program.parent), 1)
        found = Path(os.path.normpath(name))
        if found.is_file():
            return found
    return None
