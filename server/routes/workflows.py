"""`/v1/workflows`: the workflows that come with the program, as native documents."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web

from engine.errors import BadDocument, NotFound
from engine.formats.native import WorkflowDocument, read_document
from engine.formats.workflow import parse_json
from server.http import reply
from server.keys import WORKFLOWS
from server.schemas.workflows import WorkflowListing, WorkflowSummary

log = logging.getLogger(__name__)


class WorkflowNotFound(NotFound):
	"""No bundled workflow has this name."""

	def __init__(self, name: str) -> None:
		super().__init__(f'There is no workflow {name!r}; GET /v1/workflows lists them.')
		self.name = name


def read_workflows(folder: Path) -> Mapping[str, WorkflowDocument]:
	"""Name → document of every workflow file in the folder. What cannot be read is logged and left out."""
	found: dict[str, WorkflowDocument] = {}
	for path in sorted(folder.glob('*.json')):
		try:
			found[path.stem] = read_document(parse_json(path.read_bytes(), str(path)))
		except (BadDocument, OSError) as error:
			log.warning('The workflow %s is left out: %s', path.name, error)
	return found


async def list_workflows(request: web.Request) -> web.Response:
	"""Every bundled workflow, without its nodes."""
	return reply(
		WorkflowListing(
			workflows=[
				WorkflowSummary(name=name, title=document.title or name, description=document.description)
				for name, document in read_workflows(request.app[WORKFLOWS]).items()
			]
		)
	)


async def show_workflow(request: web.Request) -> web.Response:
	"""One bundled workflow."""
	name = request.match_info['name']
	# Looked up among the names that exist, so a name cannot lead out of the folder.
	document = read_workflows(request.app[WORKFLOWS]).get(name)
	if document is None:
		raise WorkflowNotFound(name)
	return reply(document, exclude_unset=True)


routes: Sequence[web.RouteDef] = (
	web.get('/v1/workflows', list_workflows),
	web.get('/v1/workflows/{name}', show_workflow),
)
