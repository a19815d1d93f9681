"""Sentences on a restore of t3tray's own data, and the preview of settling it."""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.restore import Restore, SettlePlan
from t3tray.errors import Refused

# The last sentence on the command line; the window has a button instead.
SETTLE = "Say that this is settled: `t3tray doctor --settle`."

# Stored as the trouble of a restore: "t3tray's data lacks …".
JOURNAL_LACKS = "lacks changes of bindings that OpenCode's sessions show"
_BINDINGS_HELD = "All bindings are as they were; settings and drafts may be older."

# How many threads are named, in the order of the list.
_NAMED = 8


def settle_plan(restore: Restore, in_doubt: Sequence[str], split: Sequence[str]) -> SettlePlan:
    """Return the plan. `in_doubt` are titles of threads whose binding may be older, `split` of those that several sessions
    claim."""
    one = len(in_doubt) == 1
    before, after = [*what_happened(restore)], ["t3tray says no more about it."]
    kept, lost = ["All sessions and conversations; nothing of OpenCode's or T3 Code's is changed."], list[str]()
    if restore.complete:
        before.append(_BINDINGS_HELD)
    elif in_doubt:
        whose = "This thread's binding" if one else f"The bindings of these {len(in_doubt)} threads"
        before += [f"{whose} may be older, so {'it does' if one else 'they do'} not count as proved:", *_listed(in_doubt)]
        before.append(f"“Check Now” on {'its' if one else 'a'} page verifies it; what is verified is in doubt no more.")
        after.append(
            f"The session that is recorded now counts as the right one for {'this thread' if one else 'each of these threads'}; "
            "the next message goes there."
        )
        lost.append(
            f"The mark on {'this thread' if one else 'these threads'}: that another session may have taken the recorded one's"
            " place since then is said no more, unless OpenCode's sessions show it."
        )
    else:
        before.append("Changes after that were missing. Every binding was found, or verified, again since then.")
    if restore.aside:
        kept.append(f"The data that was set aside, as {restore.aside}.")
    hindrance = ""
    if split:
        named = ", ".join(f"“{title}”" for title in split)
        where = "on its page" if len(split) == 1 else "for each, on its page,"
        hindrance = f"Several sessions claim {named}. Choose one {where} first."
    return SettlePlan("Settle What Was Put Back", "Settle It", tuple(before), tuple(after), tuple(kept), tuple(lost), hindrance)


def _listed(titles: Sequence[str]) -> list[str]:
    more = len(titles) - _NAMED
    return [*(f"  “{title}”" for title in titles[:_NAMED]), *([f"  and {more} more"] if more > 0 else ())]


def what_happened(restore: Restore) -> tuple[str, ...]:
    """Return what happened in sentences, without the consequences."""
    if not restore.aside and restore.copy_at is None:
        return (f"t3tray's data {restore.trouble}.",)
    aside = f"; it was set aside as {restore.aside}" if restore.aside else ""
    copy = f"The copy of {restore.copy_at:%Y-%m-%d %H:%M} UTC was put back." if restore.copy_at else ""
    return (f"t3tray's data file {restore.trouble}{aside}.", copy or "There is no good copy, so it begins anew.")


def settling_has_changed() -> Refused:
    return Refused(
        "What settling would do has changed meanwhile; nothing was settled.", "Read what it would do now, then confirm again."
    )


def claimed_by_several(threads: Sequence[str]) -> Refused:
    return Refused(
        f"Several sessions claim these threads: {', '.join(threads)}.",
        "Choose one for each first: `t3tray remedy THREAD bind --session SESSION`.",
    )


def restore_sentence(restore: Restore) -> str:
    """Return the sentence that is shown until the restore is settled."""
    parts = [*what_happened(restore)]
    if restore.complete:
        parts.append(_BINDINGS_HELD)
    else:
        parts.append(
            "Changes after that are missing: threads that OpenCode's sessions name were made again; a thread whose binding may be"
            " older is shown as unproven until you resume it."
        )
    parts.append(SETTLE)
    return " ".join(parts)


def restore_bar(restore: Restore, in_doubt: int) -> tuple[str, str]:
    """Return the title and message of the window's bar: what happened, and what it means. `in_doubt` is a number of threads."""
    if restore.copy_at:
        happened = f"t3tray's data was put back from the copy of {restore.copy_at:%Y-%m-%d %H:%M} UTC."
    elif restore.aside:
        happened = "t3tray's data was set aside, and there is no good copy: it begins anew."
    else:
        happened = what_happened(restore)[0]
    if restore.complete:
        return happened, _BINDINGS_HELD
    if in_doubt == 0:
        return happened, "Changes after that were missing."
    which = "The binding of 1 thread" if in_doubt == 1 else f"The bindings of {in_doubt} threads"
    return happened, f"{which} may be older. Check {'it' if in_doubt == 1 else 'each'} on its page, or settle it."


def doubt_clause(restore: Restore) -> str:
    """Return the clause added to a thread's verdict while its binding is in doubt."""
    copy_at, at = restore.copy_at, restore.at
    known = f"of {copy_at:%Y-%m-%d %H:%M} UTC" if copy_at else f"from before {at:%Y-%m-%d %H:%M} UTC"
    return f"its binding is {known}; whether another session took its place since then is not known"
