"""Before a binding is replaced, the server that would serve is asked: the list's word comes from a database, and that may be
another one than OpenCode's own. It changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from t3tray.core.domain.evidence import Failure
from t3tray.core.domain.remedy import Remedy
from t3tray.core.domain.sentences import sentence
from t3tray.core.domain.verdict import Kind, Reason, Verdict
from t3tray.core.errors import CannotTell, Refused
from t3tray.core.services.remedies.plan import Tools
from t3tray.core.services.views import ThreadDetails

# Those that put another session in the place of the bound one. To let go of it loses nothing, and is possible without a server.
REPLACES = frozenset({Remedy.BIND, Remedy.JOIN, Remedy.HEAL, Remedy.CARRY, Remedy.FORK, Remedy.START_AFRESH, Remedy.MOVE_SESSION})
# Those that nobody needs whose session is there: the model starts anew with them.
_BEGINS_ANEW = frozenset({Remedy.CARRY, Remedy.START_AFRESH})
_ABSENCES = frozenset({Reason.MISSING, Reason.EMPTY, Reason.HISTORY_LOST})
# Several sessions are found by other means than by asking for one.
_SEVERAL = frozenset({Reason.SPLIT, Reason.CONFLICT})
_NO_ANSWER = frozenset(Reason(failure.value) for failure in Failure)


async def as_the_server_tells(tools: Tools, details: ThreadDetails, remedy: Remedy, starts: bool) -> ThreadDetails:
    """The same with the verdict of the server that would serve. `starts`: where none runs one is started, else the list counts.

    Raises Refused where it has the session and nothing needs this remedy, CannotTell where it cannot say, and what connecting
    raises.
    """
    listed = details.row.verdict
    if remedy not in REPLACES and remedy is not Remedy.RELEASE:
        return details
    server = await (tools.connect() if starts and remedy in REPLACES else tools.join())
    if server is None:
        return details
    told = await tools.judge(details.row.thread.id, server)
    if remedy is Remedy.RELEASE:
        return details if told.reason in _NO_ANSWER else _with(details, told)
    if told.reason in _NO_ANSWER:
        raise CannotTell(sentence(told), "Nothing was changed. Try again when OpenCode answers.")
    was_absent = listed.reason in _ABSENCES or listed.kind is Kind.UNKNOWN
    if remedy in _BEGINS_ANEW and was_absent and told.kind is Kind.RESUMABLE:
        raise Refused(
            f"{details.row.session_id} is there, and OpenCode's server can resume it: nothing needs mending.",
            "Resume the thread. To begin anew all the same, let go of its session first: “release”.",
        )
    return _with(details, told)


def _with(details: ThreadDetails, told: Verdict) -> ThreadDetails:
    if details.row.verdict.reason in _SEVERAL:
        return details
    return replace(details, row=replace(details.row, verdict=told))
