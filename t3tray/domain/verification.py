"""The results of verifying and of opening a thread."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.domain.receipt import Receipt
from t3tray.domain.remedy import Remedy
from t3tray.domain.t3code_side import NextMessage
from t3tray.domain.thread import Thread
from t3tray.domain.verdict import Verdict


@dataclass(frozen=True)
class Verification:
    """The result of a verification. Nothing was changed unless the verdict is resumable.

    `reverting`: a revert is pending in the session, which the next message makes final. `t3_works`: T3 Code has a turn running in
    the thread.
    """

    thread: Thread
    session_id: str | None
    verdict: Verdict
    receipt: Receipt
    remedies: tuple[Remedy, ...] = ()
    next_message: NextMessage | None = None
    reverting: bool = False
    t3_works: bool = False


@dataclass(frozen=True)
class OpenResult:
    """What was opened for the user, as a sentence; `address` if it is a page. `title` is what to search for, if the program
    could not be told which thread to show."""

    sentence: str
    address: str = ""
    title: str = ""
