"""AppKit by messages to a stand-in for rubicon-objc; and nothing at all on other systems."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from t3tray.system.appkit import AppKit, NoticePermission, app_kit
from tests.support.recorded_rubicon import RecordedRubicon, on_macos


@pytest.fixture
def rubicon(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedRubicon]:
    with on_macos(monkeypatch) as recorded:
        yield recorded


def test_the_dock_icon_comes_and_goes_by_one_message_for_each_change(rubicon: RecordedRubicon) -> None:
    for is_shown in (False, False, True, True, False):
        app_kit().show_in_dock(is_shown)
    assert rubicon.sent == [("sharedApplication", "setActivationPolicy", policy) for policy in (1, 0, 1)]


def test_it_is_activated_above_the_app_that_is_active(rubicon: RecordedRubicon) -> None:
    app_kit().activate()
    assert rubicon.sent == [("sharedApplication", "activateIgnoringOtherApps", True)]


def test_app_nap_is_prevented_by_one_activity_that_ends(rubicon: RecordedRubicon) -> None:
    for is_prevented in (False, True, True, False, False, True):
        app_kit().prevent_nap(is_prevented)
    began, ended, again = rubicon.sent
    assert began[:2] == again[:2] == ("processInfo", "beginActivityWithOptions")
    options = began[2]
    assert isinstance(options, int) and options & 0xFF and not options & (1 << 20), "the machine may sleep, this process not"
    assert ended[:2] == ("processInfo", "endActivity") and repr(ended[2]) == "result of beginActivityWithOptions"


@pytest.mark.parametrize(
    ("status", "permission"),
    [
        (0, NoticePermission.NOT_ASKED),
        (1, NoticePermission.DENIED),
        (2, NoticePermission.GIVEN),
        (3, NoticePermission.GIVEN),
        (4, NoticePermission.GIVEN),
    ],
)
def test_the_permission_is_read_without_asking_the_user(
    rubicon: RecordedRubicon, status: int, permission: NoticePermission
) -> None:
    rubicon.status = status
    answers: list[NoticePermission] = []
    app_kit().ask_notice_permission(answers.append)
    assert answers == [permission]
    assert [message[1] for message in rubicon.sent] == [
        "currentNotificationCenter",
        "getNotificationSettingsWithCompletionHandler",
    ]


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_other_systems_have_none_and_need_no_permission(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    app_kit.cache_clear()
    kit = app_kit()
    assert type(kit) is AppKit
    kit.show_in_dock(True)
    kit.activate()
    kit.prevent_nap(True)
    answers: list[NoticePermission] = []
    kit.ask_notice_permission(answers.append)
    assert answers == [NoticePermission.GIVEN]
    app_kit.cache_clear()


@pytest.mark.process
def test_rubicon_is_not_imported_before_the_first_message_nor_here_at_all() -> None:
    script = (
        "import sys; from t3tray.system.appkit import app_kit; app_kit().activate(); app_kit().prevent_nap(True)\n"
        "sys.platform = 'darwin'; app_kit.cache_clear(); app_kit()\n"
        "print([name for name in sys.modules if name.startswith(('rubicon', 'asyncio', 'PySide6'))])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"
