"""`t3tray guard`: run the guard in this process, point T3 Code at it, put that back, tell what is true."""

from __future__ import annotations

import asyncio

from t3tray.cli.context import Command
from t3tray.cli.json_documents import Document
from t3tray.cli.text_tables import local
from t3tray.domain.guard import GuardAnswer
from t3tray.errors import ExitCode
from t3tray.guard.service import GuardService
from t3tray.guard.status import GuardStatus, ProtectionPlan, guard_state
from t3tray.guard.t3_settings import ProtectionView
from t3tray.messages.guard import told_sentence
from t3tray.system.login_item import look_at_login, set_login

# In seconds: how soon the guard follows where another command has T3 Code pointed.
_FOLLOW = 1.0


async def guard(command: Command) -> ExitCode:
    def heard(told: GuardAnswer) -> None:
        command.say(f"{local(told.at)}  {told_sentence(told)}")

    service = GuardService(command.engine, heard)
    match command.words.action:
        case "run":
            await _run(command, service)
        case "on":
            await command.agree(plan_text(await service.plan(True)))
            await service.protect(command.words.interrupt)
            await _offer_login(command)
        case "off":
            await service.unprotect(command.words.interrupt)
    status = await service.status()
    command.answer(guard_document(status), guard_text(status))
    return ExitCode.DONE


async def _offer_login(command: Command) -> None:
    """T3 Code cannot reach OpenCode any more while t3tray is off."""
    data = command.engine.data_directory
    state = await (set_login(data, True) if command.words.at_login else look_at_login(data))
    if state.trouble:
        command.say(state.trouble)
    elif state.is_on:
        command.say("t3tray starts when you log in.")
    else:
        command.say(
            "While t3tray does not run, T3 Code cannot reach OpenCode. `t3tray guard on --at-login` starts it when you log in."
        )


async def _run(command: Command, service: GuardService) -> None:
    """Until this is cancelled, which a signal does."""
    await service.start()
    try:
        status = await service.status()
        command.answer(guard_document(status), guard_text(status))
        command.out.flush()
        while True:
            await asyncio.sleep(_FOLLOW)
            await service.follow()
    finally:
        await asyncio.shield(service.stop())


def plan_text(plan: ProtectionPlan) -> str:
    """What would be done, in lines for people."""
    parts = (("now", plan.before), ("then", plan.after), ("kept", plan.kept), ("lost", plan.lost), ("runs", plan.running))
    lines = [plan.title]
    for name, told in parts:
        lines += [f"{'' if number else name:<5} {line}" for number, line in enumerate(told)]
    return "\n".join(lines)


def guard_document(status: GuardStatus) -> Document:
    homes = [_home_document(view) for view in status.homes]
    return {"guard": {"url": status.url, "answers": status.answers, "unfit": status.unfit, "t3code": homes}}


def guard_text(status: GuardStatus) -> str:
    listens = "not in use" if not status.is_pointed_at else "listens" if status.answers else "does not answer"
    lines = [f"guard    {f'{status.url} · ' if status.url else ''}{listens}"]
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
