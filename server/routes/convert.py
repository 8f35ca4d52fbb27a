"""`/v1/convert`: a workflow from any form into any other."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from engine.errors import BadDocument, WorkerLost
from engine.formats.convert import converted
from engine.formats.workflow import read_workflow
from server.bounds import check_graph
from server.keys import LIMITS, SUPERVISOR
from server.operation import Operation
from server.routes.workflows import WORKFLOWS
from server.schemas.check import AnyWorkflow, MissingKindReply
from server.schemas.workflows import ConvertedReply, ConvertQuery
from server.worker import known_nodes


async def convert_workflow(request: web.Request, query: ConvertQuery, body: AnyWorkflow) -> ConvertedReply:
	"""A workflow in another form.

	What the other form has no place for is put into a block of its own, so that it is there again on the way back.
	`warnings` tell what had to be left out or guessed, `missing` which kinds are not known here.
	"""
	nodes = await known_nodes(request.app[SUPERVISOR])
	workflow = read_workflow(body.root, nodes)
	check_graph(workflow.graph, request.app[LIMITS])
	return ConvertedReply(
		workflow=converted(workflow, query.to, nodes),
		warnings=list(workflow.warnings),
		missing=[MissingKindReply.of(missing) for missing in workflow.missing],
	)


routes: Sequence[Operation] = (
	Operation('POST', '/v1/convert', convert_workflow, tag=WORKFLOWS, refuses=(BadDocument, WorkerLost)),
)
