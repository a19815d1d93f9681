"""An unexpected exception is reported as a bug of ours, with its own text; an error of the tree is not."""

from __future__ import annotations

from t3tray.errors import ExitCode, OurBug, StoreError
from t3tray.messages.bugs import cause_of, our_bug
from t3tray.messages.notifications import bug_sentence
from t3tray.messages.trouble import guard_check_failed


def test_an_unexpected_exception_is_a_bug_and_an_error_of_the_tree_has_its_own_message() -> None:
    assert cause_of(ZeroDivisionError("oops")) == "a bug in t3tray (ZeroDivisionError: oops)"
    assert cause_of(StoreError("The disk is full.")) == "The disk is full."
    assert guard_check_failed(cause_of(KeyError("a"))) == "The guard could not be checked: a bug in t3tray (KeyError: 'a')."
    assert bug_sentence(KeyError("a")) == "This is a bug in t3tray (KeyError: 'a'). Answer in the window."


def test_both_faces_make_the_same_error_of_it_with_its_cause() -> None:
    cause = ZeroDivisionError("oops")
    bug = our_bug(cause)
    assert (bug.message, bug.hint) == ("ZeroDivisionError: oops", "No data was lost. The log has the details.")
    assert bug.__cause__ is cause and bug.exit_code is ExitCode.BUG


def test_a_bug_that_is_one_already_stays_itself() -> None:
    bug = OurBug("A third.")
    assert our_bug(bug) is bug
