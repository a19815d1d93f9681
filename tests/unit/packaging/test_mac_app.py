"""The checks of t3tray.app, on small Mach-O files made here: each thing that a Mac would refuse is found."""

from __future__ import annotations

import hashlib
import plistlib
import struct
from collections.abc import Callable
from pathlib import Path

import macho
import pytest
from check_app import ENTITLEMENTS, ICONS, App, problems

from t3tray.system.info_plist import IDENTIFIER, info_plist

CPU = {"arm64": 0x0100000C, "x86_64": 0x01000007}
AD_HOC, RUNTIME = 0x2, 0x10000
QT = "PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore"
EXPECTED = info_plist("1.2.3")


def made(
    *,
    cpu: str = "arm64",
    oldest: tuple[int, int] = (13, 0),
    libraries: tuple[str, ...] = (),
    rpaths: tuple[str, ...] = (),
    identifier: str = "x",
    flags: int = AD_HOC,
    certificate: bool = False,
    entitlements: bytes = b"",
    sealed: tuple[bytes, bytes] = (b"", b""),
) -> bytes:
    """Return a Mach-O of one architecture, signed; its code is zeros. `sealed` are Info.plist and CodeResources."""
    named = [(0x0C, 24, library) for library in libraries] + [(0x8000001C, 12, rpath) for rpath in rpaths]
    commands = [struct.pack("<6I", 0x32, 24, 1, oldest[0] << 16 | oldest[1] << 8, 0, 0)]
    for command, head, text in named:
        body = struct.pack("<I", head).ljust(head - 8, b"\0") + text.encode() + b"\0"
        body += b"\0" * (-len(body) % 8)
        commands.append(struct.pack("<2I", command, 8 + len(body)) + body)
    signature = _signature(b"", identifier, flags, certificate, entitlements, sealed)
    commands.append(struct.pack("<4I", 0x1D, 16, 8192, len(signature)))
    whole = struct.pack("<8I", 0xFEEDFACF, CPU[cpu], 0, 6, len(commands), sum(map(len, commands)), 0, 0)
    whole = (whole + b"".join(commands)).ljust(8192, b"\0")
    return whole + _signature(whole, identifier, flags, certificate, entitlements, sealed)


def _signature(
    code: bytes, identifier: str, flags: int, certificate: bool, entitlements: bytes, sealed: tuple[bytes, bytes]
) -> bytes:
    name = identifier.encode() + b"\0"
    hashes = b"".join(hashlib.sha256(part).digest() for part in (sealed[1], b"", sealed[0], code[:4096], code[4096:]))
    # Those of the files beside it come before the place that the head names.
    start = 44 + len(name) + 3 * 32
    head = struct.pack(">9I4BI", 0xFADE0C02, start + 64, 0x20400, flags, start, 44, 3, 2, 8192, 32, 2, 0, 12, 0)
    directory = head + name + hashes
    parts = {0: directory, 0x10000: struct.pack(">2I", 0xFADE0B01, 16 if certificate else 8) + b"\0" * 8 * certificate}
    if entitlements:
        parts[5] = struct.pack(">2I", 0xFADE7171, 8 + len(entitlements)) + entitlements
    at, index = 12 + 8 * len(parts), b""
    for kind, part in parts.items():
        index += struct.pack(">2I", kind, at)
        at += len(part)
    return struct.pack(">3I", 0xFADE0CC0, at, len(parts)) + index + b"".join(parts.values())


def fat(*parts: bytes) -> bytes:
    """Return a universal file of these."""
    table, contents, at = struct.pack(">2I", 0xCAFEBABE, len(parts)), b"", 4096
    for part in parts:
        table += struct.pack(">5I", struct.unpack_from("<I", part, 4)[0], 0, at + len(contents), len(part), 12)
        contents += part.ljust(len(part) + -len(part) % 4096, b"\0")
    return table.ljust(at, b"\0") + contents


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return an app without a problem: a program, Qt's library, PySide6's own one, and the icon."""
    path = tmp_path / "t3tray.app"
    write(path, f"Contents/Frameworks/{QT}", made(libraries=("/usr/lib/libSystem.B.dylib",)))
    needs_qt = made(oldest=(15, 0), libraries=("@rpath/QtCore.framework/Versions/A/QtCore",), rpaths=("@loader_path/Qt/lib",))
    write(path, "Contents/Frameworks/PySide6/QtCore.abi3.so", needs_qt)
    icon = b"".join(kind.encode() + struct.pack(">I", 8) for kind in sorted(ICONS))
    write(path, "Contents/Resources/t3tray.icns", b"icns" + struct.pack(">I", 8 + len(icon)) + icon)
    write(path, "Contents/Info.plist", plistlib.dumps(EXPECTED))
    seal(path)
    program()(path)
    return path


def write(app: Path, name: str, content: bytes) -> None:
    (app / name).parent.mkdir(parents=True, exist_ok=True)
    (app / name).write_bytes(content)


def seal(app: Path) -> None:
    icon = (app / "Contents/Resources/t3tray.icns").read_bytes()
    files = {"Resources/t3tray.icns": {"hash2": hashlib.sha256(icon).digest()}}
    write(app, "Contents/_CodeSignature/CodeResources", plistlib.dumps({"files2": files}))


def found(app: Path) -> list[str]:
    return problems(App(app), "arm64", EXPECTED)


def edit_plist(**values: object) -> Callable[[Path], None]:
    return lambda app: write(app, "Contents/Info.plist", plistlib.dumps({**EXPECTED, **values}))


def program(**named: object) -> Callable[[Path], None]:
    def change(app: Path) -> None:
        sealed = tuple((app / "Contents" / name).read_bytes() for name in ("Info.plist", "_CodeSignature/CodeResources"))
        values: dict[str, object] = {"identifier": IDENTIFIER, "sealed": sealed, **named}
        write(app, "Contents/MacOS/t3tray", made(**values))  # type: ignore[arg-type]

    return change


def library(**named: object) -> Callable[[Path], None]:
    return lambda app: write(app, "Contents/Frameworks/lib.dylib", made(**named))  # type: ignore[arg-type]


def damage(app: Path) -> None:
    file = app / "Contents/MacOS/t3tray"
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)


def test_an_app_without_a_problem_and_one_signed_by_a_certificate_pass(app: Path) -> None:
    assert found(app) == []
    program(flags=RUNTIME, certificate=True, entitlements=ENTITLEMENTS.read_bytes())(app)
    assert found(app) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (edit_plist(LSUIElement=False), "Info.plist: LSUIElement is False, not True"),
        (edit_plist(LSBackgroundOnly=True), "Info.plist: LSBackgroundOnly is there, so no window is ever shown"),
        (edit_plist(CFBundleIconFile="other.icns"), f"the icon lacks {sorted(ICONS)}, has besides []"),
        (program(cpu="x86_64"), "Contents/MacOS/t3tray is for x86_64, not arm64 alone"),
        (program(oldest=(14, 4)), "Contents/MacOS/t3tray needs macOS 14.4, the app 13.0"),
        (program(identifier="t3tray"), "the signature names t3tray"),
        (
            program(flags=RUNTIME | AD_HOC),
            "an ad-hoc signature with the hardened runtime: macOS would load none of the libraries",
        ),
        (
            program(flags=0, certificate=True, entitlements=ENTITLEMENTS.read_bytes()),
            "the signature lacks the hardened runtime, without which Apple does not notarise",
        ),
        (
            program(flags=RUNTIME, certificate=True),
            "the signature gives the entitlements [], not ['com.apple.security.automation.apple-events']",
        ),
        (edit_plist(CFBundleVersion="9"), "Contents/Info.plist is not what the program's signature names"),
        (
            program(sealed=(b"", b"")),
            "Contents/_CodeSignature/CodeResources is not what the program's signature names",
        ),
        (damage, "Contents/MacOS/t3tray was changed after it was signed"),
        (
            library(libraries=("@rpath/none",), rpaths=("@loader_path",)),
            "Contents/Frameworks/lib.dylib needs @rpath/none, which is not in the app",
        ),
        (
            library(libraries=("/opt/homebrew/lib/libssl.dylib",)),
            "Contents/Frameworks/lib.dylib needs /opt/homebrew/lib/libssl.dylib, which is not in the app",
        ),
        (
            lambda app: write(app, "Contents/Frameworks/lib.dylib", fat(made(cpu="x86_64"), made())),
            "Contents/Frameworks/lib.dylib is for x86_64, arm64, not arm64 alone",
        ),
        (
            lambda app: write(app, "Contents/Resources/t3tray.icns", b"icns"),
            "Contents/Resources/t3tray.icns is not sealed as it is",
        ),
        (lambda app: write(app, "Contents/MacOS/notes", b"text"), "Contents/MacOS/notes is no code"),
        (
            lambda app: (app / "Contents/Frameworks/gone").symlink_to("away"),
            "Contents/Frameworks/gone is a link to away, which is not in the app",
        ),
        (
            lambda app: write(app, "Contents/Frameworks/PySide6/Qt/lib/QtCore.framework/README", b""),
            "Contents/Frameworks/PySide6/Qt/lib/QtCore.framework has ['README'] beside its versions",
        ),
        (lambda app: (app / "Contents/_CodeSignature/CodeResources").unlink(), "the app as a whole is not signed"),
        (lambda app: (app / "Contents/MacOS/t3tray").unlink(), "Contents/MacOS: the program is missing, or not for macOS"),
    ],
)
def test_what_a_mac_would_refuse_is_found(app: Path, change: Callable[[Path], None], problem: str) -> None:
    change(app)
    assert problem in found(app)


def test_the_oldest_macos_is_the_highest_that_a_library_names_but_for_those_that_name_their_builder(app: Path) -> None:
    assert macho.oldest_macos(App(app).files) == "13.0"
    write(app, "Contents/Frameworks/lib.dylib", fat(made(cpu="x86_64", oldest=(10, 13)), made(oldest=(14, 4))))
    assert macho.oldest_macos(App(app).files) == "14.4"


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\xca\xfe\xba\xbe\0\0\0\x41", b"\xcf\xfa\xed\xfe\0\0\0\0"])
def test_another_file_is_no_macho(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(macho.NotMachO):
        macho.slices(file)
