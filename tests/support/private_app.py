"""The tray app with a conversation in its window, operated from within its own process.

`python -m tests.support.private_app FOLDER FAILURE`: a thread is made in FOLDER, and gets a reply, an approval, an error of the
model, and a refusal. What a person typed and the model answered contains `WORD`. FAILURE is written if not all was on the page.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel

from t3tray import app
from t3tray.ui.application import Application
from t3tray.ui.conversation.prose import Prose

WORD = "ZYZZOGETON"
TITLE = f"Title {WORD}"
_LIMIT = 90.0
_LOOK_MS = 50


class OperatedApplication(Application):
    """The app with a user, who quits it at the end."""

    failure = ""

    def run(self) -> int:
        QTimer.singleShot(0, self._operate)
        return super().run()

    def _operate(self) -> None:
        try:
            self._converse(Path(sys.argv[1]))
        except Exception:
            type(self).failure = traceback.format_exc()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def _converse(self, folder: Path) -> None:
        self._until(lambda: self.bridge is not None and self.bridge.snapshot is not None, "the first snapshot")
        assert self.bridge is not None
        self.bridge.new_thread(str(folder), TITLE)
        self._until_shown("Goes on in ses_", "Begins the conversation in ses_")
        self._say(f"the codeword is {WORD}")
        self._until_shown("2 messages carried")
        self._say("what is the codeword?")
        self._until_shown("4 messages carried")
        assert self._shown().count(WORD) >= 3, "title, prompt and reply are on the page"
        self._say(f"run: echo {WORD} $DEPLOY_TOKEN")
        self._press("Allow Once")
        self._until_shown(f"✓ Ran echo {WORD}")
        self._say(f"fail: no credit for {WORD}")
        self._until_shown(f"The model did not answer: no credit for {WORD}")
        # Nothing happens in this thread between the move and the key: once the verdict is shown, nothing can be typed.
        self._say(f"never lost {WORD}", just_before=lambda: folder.rename(folder.with_name("moved")))
        self._until_shown("The thread's folder no longer exists.")
        folder.with_name("moved").rename(folder)

    def _say(self, text: str, just_before: Callable[[], object] = lambda: None) -> None:
        assert self.window is not None
        editor = self.window.page.conversation.composer.editor
        self._until(lambda: editor.isVisible() and not editor.isReadOnly() and not editor.toPlainText(), "an empty editor")
        QTest.keyClicks(editor, text)
        just_before()
        QTest.keyClick(editor, Qt.Key.Key_Return)

    def _press(self, words: str) -> None:
        self._until(lambda: any(_is_ready(each, words) for each in self._buttons()), f"the button {words}")
        next(each for each in self._buttons() if _is_ready(each, words)).click()

    def _buttons(self) -> list[QAbstractButton]:
        return self.window.findChildren(QAbstractButton) if self.window else []

    def _until_shown(self, *any_of: str) -> None:
        self._until(lambda: any(words in self._shown() for words in any_of), f"any of {any_of}")

    def _shown(self) -> str:
        if self.window is None:
            return ""
        labels = [label.text() for label in self.window.findChildren(QLabel) if label.isVisible()]
        prose = [each.toPlainText() for each in self.window.findChildren(Prose) if each.isVisible()]
        return "\n".join([*labels, *prose, *(each.text() for each in self._buttons() if each.isVisible())])

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _LIMIT
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {_LIMIT:.0f} s; shown: {self._shown()}")
            loop = QEventLoop()
            QTimer.singleShot(_LOOK_MS, loop.quit)
            loop.exec()


def _is_ready(button: QAbstractButton, words: str) -> bool:
    return button.text() == words and button.isVisible() and button.isEnabled()


def main() -> int:
    setattr(app, "Application", OperatedApplication)  # noqa: B010  # mypy takes a class for no variable
    code = app.run(None)
    if OperatedApplication.failure:
        # Not on stderr, which is one of the logs under test.
        Path(sys.argv[2]).write_text(OperatedApplication.failure, encoding="utf-8")
    return code or (1 if OperatedApplication.failure else 0)


if __name__ == "__main__":
    sys.exit(main())
