"""`/v1/workflows`: the workflows that come with the program and the user's own, as native documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import web

from engine.declaration import Choice
from engine.errors import BadDocument, BadName, WorkerLost
from engine.formats.convert import as_native
from engine.formats.document import WorkflowDocument
from engine.formats.interface import InputSignature, Interface, interface_of
from engine.formats.native import read_document, settled
from engine.formats.workflow import read_workflow
from server.etags import heed_conditions
from server.keys import LIBRARY, STORAGE, SUPERVISOR
from server.library import Entry, WorkflowNotFound, WorkflowReadOnly
from server.operation import Answer, Operation, Tag
from server.routes.jobs import SUBMITTING, detail_of
from server.schemas.openapi import JsonSchema
from server.schemas.runs import JobDetail, WorkflowJobRequest
from server.schemas.workflows import InterfaceReply, NewWorkflowPath, WorkflowListing, WorkflowPath, WorkflowSummary
from server.submitting import call_workflow
from server.worker import known_nodes

WORKFLOWS = Tag('workflows', 'Workflows by name: those that come with the program, and your own.')


async def list_workflows(request: web.Request) -> WorkflowListing:
	"""Every workflow, without its nodes."""
	entries = await asyncio.to_thread(request.app[LIBRARY].entries)
	return WorkflowListing(workflows=[summary(entry) for entry in entries])


def summary(entry: Entry) -> WorkflowSummary:
	"""A workflow without its nodes."""
	return WorkflowSummary(
		name=entry.name,
		title=entry.title or entry.name,
		description=entry.description,
		built_in=entry.built_in,
		form=entry.form,
		pictured=entry.pictured,
	)


async def show_workflow(request: web.Request, path: WorkflowPath) -> Answer[WorkflowDocument]:
	"""One workflow, as its file says it; a file of one of ComfyUI's forms is told in ours."""
	entry = await asyncio.to_thread(request.app[LIBRARY].find, path.name)
	if entry.form == 'native':
		return Answer(read_document(entry.source), headers={'ETag': entry.etag})
	nodes = await known_nodes(request.app[SUPERVISOR])
	document = await asyncio.to_thread(lambda: as_native(read_workflow(entry.source, nodes), nodes))
	return Answer(document, headers={'ETag': entry.etag})


async def save_workflow(request: web.Request, path: NewWorkflowPath, body: WorkflowDocument) -> Answer[WorkflowSummary]:
	"""Save a workflow under a name: 201 if it is new, 200 if it takes the place of what was there.

	With the ETag that you got as `If-Match` nobody else's changes are lost; with `If-None-Match: *` nothing is replaced.
	Inputs are put in the order in which their kinds declare them. Nodes of kinds that are not known here are kept as they
	are.
	"""
	with suppress(WorkerLost):  # What a worker would tell is not worth losing somebody's work.
		body = settled(body, await known_nodes(request.app[SUPERVISOR]))
	entry, is_new = await asyncio.to_thread(
		request.app[LIBRARY].save, path.name, body, lambda etag: heed_conditions(request, etag)
	)
	return Answer(summary(entry), status=201 if is_new else 200, headers={'ETag': entry.etag})


async def delete_workflow(request: web.Request, path: WorkflowPath) -> None:
	"""Delete one of your own workflows."""
	await asyncio.to_thread(request.app[LIBRARY].delete, path.name, lambda etag: heed_conditions(request, etag))


async def show_workflow_schema(request: web.Request) -> JsonSchema:
	"""The JSON Schema of a workflow file, for editors that check as one types."""
	return JsonSchema(WorkflowDocument.model_json_schema())


async def show_interface(request: web.Request, path: WorkflowPath) -> InterfaceReply:
	"""What a workflow takes and gives: its named inputs with type, default, bounds and choices, and its outputs."""
	interface = await _interface(request.app, path.name)
	inputs = await asyncio.to_thread(lambda: [_described(item, request.app) for item in interface.inputs])
	return InterfaceReply(
		name=path.name,
		title=interface.title or path.name,
		description=interface.description,
		inputs=inputs,
		outputs=list(interface.outputs),
	)


async def show_input_schema(request: web.Request, path: WorkflowPath) -> JsonSchema:
	"""The JSON Schema of a workflow's inputs, as `POST /v1/workflows/{name}/jobs` takes them.

	File choices are those that lie there now.
	"""
	interface = await _interface(request.app, path.name)
	return JsonSchema(await asyncio.to_thread(interface.json_schema, request.app[STORAGE]))


async def _interface(app: web.Application, name: str) -> Interface:
	nodes = await known_nodes(app[SUPERVISOR])
	entry = await asyncio.to_thread(app[LIBRARY].find, name)
	return interface_of(read_workflow(entry.source, nodes), nodes)


def _described(item: InputSignature, app: web.Application) -> InputSignature:
	"""An input with its file choices filled in."""
	widget = item.widget
	if not isinstance(widget, Choice) or not widget.files_from:
		return item
	return item.model_copy(update={'widget': widget.model_copy(update={'options': app[STORAGE].options(widget)})})


async def run_workflow(request: web.Request, path: WorkflowPath, body: WorkflowJobRequest) -> Answer[JobDetail]:
	"""Run a saved workflow with values for its named inputs, like calling a function.

	The values are checked against `/v1/workflows/{name}/schema`, and all that is wrong is told at once. With a `sweep` it
	runs for every combination of several values, as one job in which what they share is computed once; beside the single
	pictures, all of them are saved as one with the values at its sides. 201 for a new job, 200 if there is one with this
	`key` already.
	"""
	entry = await asyncio.to_thread(request.app[LIBRARY].find, path.name)
	job, is_new = await call_workflow(request.app, entry.source, body)
	return Answer(detail_of(request.app, job), 201 if is_new else 200, {'Location': f'/v1/jobs/{job.id}'})


routes: Sequence[Operation] = (
	Operation('GET', '/v1/workflows', list_workflows, tag=WORKFLOWS, etag=True),
	Operation(
		'GET',
		'/v1/workflows/{name}',
		show_workflow,
		tag=WORKFLOWS,
		refuses=(WorkflowNotFound, BadDocument, WorkerLost),
		etag=True,
		partial=True,
	),
	Operation(
		'PUT',
		'/v1/workflows/{name}',
		save_workflow,
		tag=WORKFLOWS,
		statuses=(200, 201),
		refuses=(BadDocument, BadName, WorkflowReadOnly),
		guarded=True,
	),
	Operation(
		'DELETE',
		'/v1/workflows/{name}',
		delete_workflow,
		tag=WORKFLOWS,
		refuses=(WorkflowNotFound, WorkflowReadOnly),
		guarded=True,
		destructive=True,
	),
	Operation(
		'GET',
		'/v1/workflows/{name}/interface',
		show_interface,
		tag=WORKFLOWS,
		refuses=(WorkflowNotFound, BadDocument, WorkerLost),
		etag=True,
	),
	Operation(
		'GET',
		'/v1/workflows/{name}/schema',
		show_input_schema,
		tag=WORKFLOWS,
		refuses=(WorkflowNotFound, BadDocument, WorkerLost),
		media=('application/schema+json',),
		etag=True,
	),
	Operation(
		'POST',
		'/v1/workflows/{name}/jobs',
		run_workflow,
		tag=WORKFLOWS,
		statuses=(201, 200),
		refuses=(WorkflowNotFound, *SUBMITTING),
	),
	Operation(
		'GET',
		'/v1/workflow.schema.json',
		show_workflow_schema,
		tag=WORKFLOWS,
		media=('application/schema+json',),
		etag=True,
	),
)
