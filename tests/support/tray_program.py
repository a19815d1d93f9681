"""The icon with its menu as a program, without a core.

For each line on stdin it shows the next snapshot; on stdout it prints what was chosen.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication

from t3tray.domain.pending_request import ApprovalRequest, Option, Question, QuestionRequest
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.tray.menu import MenuItem
from t3tray.ui.tray.tray import Tray
from tests.support.views import READY, requester, row

ROWS = (row("a", title="customer_table & R&D && __init__"), row("my_dir&x", Reason.MISSING, title="snake_case & co"))
READS = ApprovalRequest("per_1", requester("a"), "bash", ("cat my_dir/old_data",), ("cat my_*",))
REMOVES = ApprovalRequest("per_2", requester("my_dir&x"), "bash", ("cd my_dir && rm -rf old_data",))
ASKS = QuestionRequest("que_1", requester("c"), (Question("Which?", options=(Option("A & B"), Option("C"))),))
OVERVIEWS = (Snapshot(READY, ROWS, pending_requests=(READS, REMOVES, ASKS)), Snapshot(READY, ROWS), Snapshot(READY))


def main() -> None:
    application = QApplication(sys.argv[:1])
    application.setQuitOnLastWindowClosed(False)
    tray = Tray(lambda: datetime.now(UTC))
    coming = iter(OVERVIEWS)

    def show_next() -> None:
        if not sys.stdin.readline():
            application.quit()
            return
        tray.show_snapshot(next(coming))
        print("shown", flush=True)

    def tell(item: MenuItem) -> None:
        print(item.label, item.action, flush=True)

    tray.chosen.connect(tell)
    asked = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    asked.activated.connect(show_next)
    tray.show()
    application.exec()


if __name__ == "__main__":
    main()
