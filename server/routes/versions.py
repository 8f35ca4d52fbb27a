"""`/v1/workflows/{name}/versions`: what workflows were before they were saved anew or deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from engine.errors import BadDocument, WorkerLost
from engine.formats.convert import as_native
from engine.formats.document import WorkflowDocument
from engine.formats.native import read_document
from engine.formats.workflow import read_workflow
from server.keys import LIBRARY, SUPERVISOR
from server.library import WorkflowNotFound
from server.operation import Answer, Operation
from server.routes.workflows import WORKFLOWS
from server.schemas.versions import VersionListing, VersionPath, VersionSummary
from server.schemas.workflows import WorkflowPath
from server.versions import VersionNotFound
from server.worker import known_nodes


async def list_versions(request: web.Request, path: WorkflowPath) -> VersionListing:
	"""What a workflow was, the latest version first.

	A version is kept whenever the workflow is saved anew or deleted, fifty at most, and the same one once. Those of a
	workflow that was deleted are there still.
	"""
	versions = await asyncio.to_thread(request.app[LIBRARY].versions_of, path.name)
	return VersionListing(
		versions=[
			VersionSummary(
				id=version.id, saved=version.saved, title=version.title, nodes=version.nodes, etag=version.etag
			)
			for version in versions
		]
	)


async def show_version(request: web.Request, path: VersionPath) -> Answer[WorkflowDocument]:
	"""A workflow as it was, in our form whatever its file's was. Its ETag is the one that it had then."""
	version = await asyncio.to_thread(request.app[LIBRARY].versions.find, path.name, path.id)
	headers = {'ETag': version.etag}
	if version.form == 'native':
		return Answer(read_document(version.source), headers=headers)
	nodes = await known_nodes(request.app[SUPERVISOR])
	document = await asyncio.to_thread(lambda: as_native(read_workflow(version.source, nodes), nodes))
	return Answer(document, headers=headers)


routes: Sequence[Operation] = (
	Operation(
		'GET', '/v1/workflows/{name}/versions', list_versions, tag=WORKFLOWS, refuses=(WorkflowNotFound,), etag=True
	),
	Operation(
		'GET',
		'/v1/workflows/{name}/versions/{id}',
		show_version,
		tag=WORKFLOWS,
		refuses=(VersionNotFound, BadDocument, WorkerLost),
		etag=True,
		partial=True,
	),
)
