"""Sentences on which database OpenCode uses, and on sessions that are in another one."""

from __future__ import annotations

NOT_ASKED = "OpenCode's program has not been asked yet which database it uses."
NO_PROGRAM = "No OpenCode program was found that could say which database it uses."
# Added to the sentence on a configuration that OpenCode refused at its last start.
NO_SERVER_STARTS = "No server starts until it is corrected."


def server_uses_another(url: str, database: object) -> str:
    """Return why the database cannot stand for the server: their sessions differ."""
    return f"The server at {url} does not use the database at {database}."


def server_has_none_to_compare(url: str, database: object) -> str:
    return f"The server at {url} holds no session yet that could be compared with the database at {database}."


def session_not_on_server(database: object) -> str:
    """`database` is the one that has the session."""
    return f"The session is in {database}, which this server does not use."


def session_not_in_use(database: object) -> str:
    return f"The session is in {database}, which OpenCode does not use now."
