"""The names of the remedies: what a user may choose when a thread cannot simply go on. Nothing else changes a binding."""

from __future__ import annotations

from enum import StrEnum


class Remedy(StrEnum):
    """One action, named as the command line names it."""

    START_SERVER = "start-server"
    RETRY = "retry"
    SIGN_IN = "sign-in"
    BIND = "bind"
    MOVE_SESSION = "move-session"
    RELOCATE = "relocate"
    CARRY = "carry-transcript"
    FORK = "fork"
    START_AFRESH = "start-afresh"
    RELEASE = "release"
