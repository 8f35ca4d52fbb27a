"""`/v1/drafts`: workflows that are being edited and are not saved yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from engine.errors import BadDocument
from engine.formats.native import check_version
from server.drafts import Draft, DraftNotFound
from server.errors import TooLarge
from server.keys import DRAFTS, HUB
from server.operation import Answer, Operation, Tag
from server.schemas.drafts import DraftBody, DraftListing, DraftPath, DraftReply, DraftSummary

DRAFTED = Tag('drafts', 'Workflows that are being edited, kept so that no crash loses them.')


async def list_drafts(request: web.Request) -> DraftListing:
	"""Every draft, the newest first."""
	drafts = await asyncio.to_thread(request.app[DRAFTS].entries)
	return DraftListing(drafts=[summary(request.app, draft) for draft in drafts])


async def show_draft(request: web.Request, path: DraftPath) -> Answer[DraftReply]:
	"""A draft as a whole."""
	draft = await asyncio.to_thread(request.app[DRAFTS].find, path.id)
	told = summary(request.app, draft)
	return Answer(DraftReply(**dict(told), document=draft.body.document))


async def save_draft(request: web.Request, path: DraftPath, body: DraftBody) -> Answer[DraftSummary]:
	"""Keep a draft, in the place of what it was: 201 if it is new, 200 if not.

	It is on disk when this is answered. Two hundred are kept, of 16 MiB at most; those that have not been touched for
	longest go first.
	"""
	check_version(body.document)
	draft, is_new = await asyncio.to_thread(request.app[DRAFTS].save, path.id, body)
	return Answer(summary(request.app, draft), status=201 if is_new else 200)


async def delete_draft(request: web.Request, path: DraftPath) -> None:
	"""Delete a draft: it was saved, or is not wanted any more."""
	await asyncio.to_thread(request.app[DRAFTS].delete, path.id)


def summary(app: web.Application, draft: Draft) -> DraftSummary:
	"""A draft without its nodes."""
	body = draft.body
	return DraftSummary(
		id=draft.id,
		title=body.document.title,
		nodes=len(body.document.nodes),
		workflow=body.workflow,
		etag=body.etag,
		client=body.client,
		saved=draft.saved,
		open=app[HUB].find(body.client) is not None,
	)


routes: Sequence[Operation] = (
	Operation('GET', '/v1/drafts', list_drafts, tag=DRAFTED),
	Operation('GET', '/v1/drafts/{id}', show_draft, tag=DRAFTED, refuses=(DraftNotFound,), partial=True),
	Operation('PUT', '/v1/drafts/{id}', save_draft, tag=DRAFTED, statuses=(200, 201), refuses=(BadDocument, TooLarge)),
	Operation('DELETE', '/v1/drafts/{id}', delete_draft, tag=DRAFTED, refuses=(DraftNotFound,), destructive=True),
)
