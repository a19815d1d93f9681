"""The part of our environment, and of the login shell's, that started programs get."""

from __future__ import annotations

import os

from t3tray.system.environment import child_environment, without_bundle

BUNDLE = "/opt/t3tray/_internal"
BASE = {"PATH": "/usr/bin:/bin", "HOME": "/home/dev"}


def path(*folders: str) -> str:
    return os.pathsep.join(folders)


def test_what_is_missing_comes_from_the_login_shell_and_nothing_is_changed() -> None:
    login = {"PATH": path("/bin", "/home/dev/.bun/bin"), "HOME": "/elsewhere", "API_KEY": "sk", "SSH_AUTH_SOCK": "/run/agent"}
    base = {**BASE, "PATH": path("/usr/bin", "/bin")}
    assert child_environment(base, login) == {
        "PATH": path("/usr/bin", "/bin", "/home/dev/.bun/bin"),
        "HOME": "/home/dev",
        "API_KEY": "sk",
        "SSH_AUTH_SOCK": "/run/agent",
    }
    assert child_environment(base, None) == base


def test_a_child_gets_nothing_of_a_packaged_app() -> None:
    ours = {
        "QT_PLUGIN_PATH": "/usr/lib/qt6/plugins",
        "QML2_IMPORT_PATH": f"{BUNDLE}/qml",
        "_PYI_APPLICATION_HOME_DIR": BUNDLE,
        "_PYI_PARENT_PROCESS_LEVEL": "1",
        "LD_LIBRARY_PATH": BUNDLE,
        "LD_LIBRARY_PATH_ORIG": "/usr/local/lib",
        "SSL_CERT_FILE": f"{BUNDLE}/certifi/cacert.pem",
        "XDG_DATA_DIRS": path(f"{BUNDLE}/share", "/usr/share"),
    }
    child = without_bundle({**BASE, **ours, "EMPTY": ""}, BUNDLE)
    assert child == {**BASE, "LD_LIBRARY_PATH": "/usr/local/lib", "XDG_DATA_DIRS": "/usr/share", "EMPTY": ""}


def test_a_library_path_that_the_boot_loader_did_not_set_is_the_users_own() -> None:
    """On macOS it sets none."""
    own = {**BASE, "DYLD_LIBRARY_PATH": "/opt/oracle/lib"}
    assert without_bundle(own, BUNDLE) == own
    assert without_bundle({**own, "LD_LIBRARY_PATH": BUNDLE}, BUNDLE) == own


def test_what_the_app_set_for_itself_does_not_keep_out_the_users_own() -> None:
    own = without_bundle({**BASE, "SSL_CERT_FILE": f"{BUNDLE}/cacert.pem"}, BUNDLE)
    child = child_environment(own, {"SSL_CERT_FILE": "/etc/company.pem"})
    assert child["SSL_CERT_FILE"] == "/etc/company.pem"


def test_outside_a_packaged_app_the_users_own_stays() -> None:
    base = {**BASE, "QT_PLUGIN_PATH": "/usr/lib/plugins", "LD_LIBRARY_PATH": "/opt/lib"}
    assert child_environment(base) == base
