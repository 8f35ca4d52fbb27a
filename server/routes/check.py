"""`/v1/check`: what would be refused, said without running anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from engine.errors import BadDocument, WorkerLost
from engine.formats.requirements import missing_models
from engine.formats.workflow import read_workflow
from server.checking import judge
from server.keys import STORAGE, SUPERVISOR
from server.operation import Operation, Tag
from server.schemas.check import AnyWorkflow, CheckReply, MissingKindReply, MissingModelReply, ProblemReply
from server.worker import known_nodes

CHECK = Tag('check', 'What is wrong with a workflow, before it is run.')


async def check_workflow(request: web.Request, body: AnyWorkflow) -> CheckReply:
	"""Everything that is wrong with a workflow, without running it.

	Tells also what memory it will take, as if nothing of it were in the cache, what will come from there, and how long the
	rest takes. Takes any form that the program reads;
	400 only if it is none. A workflow with problems is no error here: they are the answer.
	"""
	workflow = read_workflow(body.root, await known_nodes(request.app[SUPERVISOR]))
	_, checked = await judge(request.app, workflow.graph, tolerant=workflow.tolerant)
	sinks = list(checked.good_sinks)
	foreseen = await request.app[SUPERVISOR].forecast(checked.graph, sinks) if sinks else None
	return CheckReply(
		problems=[ProblemReply.of(problem) for problem in workflow.with_hints(checked.problems)],
		sinks=sinks,
		memory=None if foreseen is None else foreseen.forecast,
		outlook=None if foreseen is None else foreseen.outlook,
		warnings=list(workflow.warnings),
		missing=[MissingKindReply.of(missing) for missing in workflow.missing],
		models=[
			MissingModelReply.of(missing)
			for missing in await asyncio.to_thread(missing_models, workflow.requires, request.app[STORAGE].catalogue)
		],
	)


routes: Sequence[Operation] = (
	Operation('POST', '/v1/check', check_workflow, tag=CHECK, refuses=(BadDocument, WorkerLost)),
)
