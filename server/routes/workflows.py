"""`/v1/workflows`: the workflows that come with the program and the user's own, as native documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from engine.errors import BadDocument, BadName
from engine.formats.document import WorkflowDocument
from server.etags import heed_conditions
from server.keys import LIBRARY
from server.library import Entry, WorkflowNotFound, WorkflowReadOnly
from server.operation import Answer, Operation, Tag
from server.schemas.openapi import JsonSchema
from server.schemas.workflows import NewWorkflowPath, WorkflowListing, WorkflowPath, WorkflowSummary

WORKFLOWS = Tag('workflows', 'Workflows by name: those that come with the program, and your own.')


async def list_workflows(request: web.Request) -> WorkflowListing:
	"""Every workflow, without its nodes."""
	entries = await asyncio.to_thread(request.app[LIBRARY].entries)
	return WorkflowListing(workflows=[summary(entry) for entry in entries])


def summary(entry: Entry) -> WorkflowSummary:
	"""A workflow without its nodes."""
	document = entry.document
	return WorkflowSummary(
		name=entry.name,
		title=document.title or entry.name,
		description=document.description,
		built_in=entry.built_in,
	)


async def show_workflow(request: web.Request, path: WorkflowPath) -> Answer[WorkflowDocument]:
	"""One workflow, as its file says it."""
	entry = await asyncio.to_thread(request.app[LIBRARY].find, path.name)
	return Answer(entry.document, headers={'ETag': entry.etag})


async def save_workflow(request: web.Request, path: NewWorkflowPath, body: WorkflowDocument) -> Answer[WorkflowSummary]:
	"""Save a workflow under a name: 201 if it is new, 200 if it takes the place of what was there.

	With the ETag that you got as `If-Match` nobody else's changes are lost; with `If-None-Match: *` nothing is replaced.
	Nodes of kinds that are not known here are kept as they are.
	"""
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


routes: Sequence[Operation] = (
	Operation('GET', '/v1/workflows', list_workflows, tag=WORKFLOWS, etag=True),
	Operation(
		'GET',
		'/v1/workflows/{name}',
		show_workflow,
		tag=WORKFLOWS,
		refuses=(WorkflowNotFound,),
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
		'/v1/workflow.schema.json',
		show_workflow_schema,
		tag=WORKFLOWS,
		media=('application/schema+json',),
		etag=True,
	),
)
