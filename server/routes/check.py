"""`/v1/check`: what would be refused, said without running anything."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from engine.formats.workflow import read_workflow
from engine.problems import Problem
from server.checking import judge
from server.http import read_json, reply
from server.keys import SUPERVISOR
from server.schemas.check import CheckReply, ProblemReply
from server.worker import known_nodes


async def check_workflow(request: web.Request) -> web.Response:
	"""Check a workflow in any form that the program reads; 400 only if it is none."""
	document = await read_json(request)
	workflow = read_workflow(document, await known_nodes(request.app[SUPERVISOR]))
	_, checked = await judge(request.app, workflow.graph, tolerant=workflow.tolerant)
	return reply(CheckReply(problems=[told(problem) for problem in checked.problems], sinks=list(checked.good_sinks)))


def told(problem: Problem) -> ProblemReply:
	"""One problem as a body."""
	return ProblemReply(
		code=problem.code,
		node=problem.node,
		kind=problem.kind,
		input=problem.input,
		expected=problem.expected,
		received=problem.received,
		sentence=problem.sentence,
		source=problem.source,
		cycle=list(problem.cycle),
	)


routes: Sequence[web.RouteDef] = (web.post('/v1/check', check_workflow),)
