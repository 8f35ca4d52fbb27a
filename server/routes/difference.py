"""`/v1/workflows/diff`: what is another in one workflow than in an earlier one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from engine.errors import BadDocument, WorkerLost
from engine.formats.difference import Difference, difference
from engine.formats.workflow import read_workflow
from server.bounds import check_graph
from server.keys import LIMITS, SUPERVISOR
from server.operation import Operation
from server.routes.workflows import WORKFLOWS
from server.schemas.workflows import DiffRequest
from server.worker import known_nodes


async def compare_workflows(request: web.Request, body: DiffRequest) -> Difference:
	"""What is another in a workflow than in an earlier one, in what it computes.

	Nodes are matched by id, or by what they are and where they stand, if ids are of no help: a renumbered copy is the same.
	Places on the canvas do not count.
	"""
	nodes = await known_nodes(request.app[SUPERVISOR])
	before, after = read_workflow(body.before, nodes), read_workflow(body.after, nodes)
	for workflow in (before, after):
		check_graph(workflow.graph, request.app[LIMITS])
	return await asyncio.to_thread(difference, before, after, nodes)


routes: Sequence[Operation] = (
	Operation('POST', '/v1/workflows/diff', compare_workflows, tag=WORKFLOWS, refuses=(BadDocument, WorkerLost)),
)
