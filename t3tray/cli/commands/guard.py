"""`t3tray guard`: run the guard in this process, turn it on or off in T3 Code's settings, show its status."""

from __future__ import annotations

import asyncio
from functools import partial

from t3tray.backend.backend import Backend
from t3tray.backend.watched_tasks import WatchedTasks
from t3tray.cli.context import Command
from t3tray.cli.json_documents import Document
from t3tray.cli.text_tables import local
from t3tray.domain.guard import GuardAnswer
from t3tray.errors import ExitCode
from t3tray.guard.service import GuardService
from t3tray.guard.status import GuardStatus, ProtectionPlan, guard_state
from t3tray.guard.t3_settings import ProtectionView
from t3tray.messages.guard import answer_sentence
from t3tray.system.login_item import login_state, set_login_state

# In seconds, between two checks: whether another command has turned the guard on or off, and whether a change was left open.
_FOLLOW = 1.0


async def guard(command: Command) -> ExitCode:
    def print_answer(answer: GuardAnswer) -> None:
        command.say(f"{local(answer.at)}  {answer_sentence(answer)}")

    service = GuardService(command.backend.guard_host, print_answer)
    match command.arguments.action:
        case "run":
            await _run(command, service)
        case "on":
            await command.confirm(plan_text(await service.plan(True)))
            await service.protect(command.arguments.interrupt)
            await _offer_login(command)
        case "off":
            await service.unprotect(command.arguments.interrupt)
    status = await service.status()
    command.answer(guard_document(status), guard_text(status))
    return ExitCode.DONE


async def _offer_login(command: Command) -> None:
    """Set up or recommend the start at login: with the guard on, T3 Code needs a running t3tray to reach OpenCode."""
    data = command.backend.data_directory
    state = await (set_login_state(data, True) if command.arguments.at_login else login_state(data))
    if state.trouble:
        command.say(state.trouble)
    elif state.is_on:
        command.say("t3tray starts when you log in.")
    else:
        command.say(
            "While t3tray is not running, T3 Code cannot reach OpenCode. `t3tray guard on --at-login` starts it when you log in."
        )


async def _run(command: Command, service: GuardService) -> None:
    """Run the guard until this task is cancelled (by a signal)."""

    def report() -> None:
        for sentence in settling.trouble:
            command.say(sentence)

    settling = WatchedTasks(report)
    await service.start()
    try:
        status = await service.status()
        command.answer(guard_document(status), guard_text(status))
        command.out.flush()
        # Beside the rest: it waits for the server.
        settling.start("Settling what was left open", partial(_settle, command.backend))
        while True:
            await asyncio.sleep(_FOLLOW)
            await service.follow()
    finally:
        await asyncio.shield(_end(service, settling))


async def _settle(backend: Backend) -> None:
    """Settle what the guard leaves open, until cancelled: every other process leaves that to the living one that began it.

    Uses only a server that this process uses already: joining one would keep it running for nobody.
    """
    while True:
        if backend.server.status.state.answers:
            await backend.settlement.join_if_possible()
        await asyncio.sleep(_FOLLOW)


async def _end(service: GuardService, settling: WatchedTasks) -> None:
    await settling.stop()
    await service.stop()


def plan_text(plan: ProtectionPlan) -> str:
    """Return the plan as lines for people."""
    parts = (("now", plan.before), ("then", plan.after), ("kept", plan.kept), ("lost", plan.lost), ("runs", plan.running))
    lines = [plan.title]
    for name, sentences in parts:
        lines += [f"{'' if number else name:<5} {line}" for number, line in enumerate(sentences)]
    return "\n".join(lines)


def guard_document(status: GuardStatus) -> Document:
    homes = [_home_document(view) for view in status.homes]
    return {"guard": {"url": status.url, "answers": status.answers, "unfit": status.unfit, "t3code": homes}}


def guard_text(status: GuardStatus) -> str:
    state = "not in use" if not status.is_pointed_at else "listening" if status.answers else "not responding"
    lines = [f"guard    {f'{status.url} · ' if status.url else ''}{state}"]
    if status.is_pointed_at and not status.answers:
        lines.append(f"!        {guard_state(status).sentence} Start `t3tray`, or `t3tray guard run`.")
    if status.answers and status.unfit:
        lines.append(f"!        {status.unfit}")
    for view in status.homes:
        lines.append(f"T3 Code  {view.home} · {view.sentence}")
        lines += [f"         {place.name}: {place.server or 'a server that T3 Code starts itself'}" for place in view.places]
    return "\n".join(lines)


def _home_document(view: ProtectionView) -> Document:
    places = [{"name": place.name, "server": place.server} for place in view.places]
    return {"home": str(view.home), "state": view.state.value, "sentence": view.sentence, "places": places}
