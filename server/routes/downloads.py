"""`/v1/models/downloads`: model files that are fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from engine.errors import BadName
from server.downloads import Download, DownloadForbidden, DownloadNotFound
from server.errors import Forbidden, NameTaken
from server.keys import DOWNLOADS
from server.operation import Answer, Operation
from server.routes.models import MODELS
from server.schemas.downloads import DownloadListing, DownloadPath, DownloadReply, DownloadRequest


async def list_downloads(request: web.Request) -> DownloadListing:
	"""The downloads of this run of the server, newest first. Without `hosts` nothing can be fetched."""
	downloads = request.app[DOWNLOADS]
	return DownloadListing(downloads=[_reply(one) for one in downloads.entries()], hosts=list(downloads.hosts))


async def start_download(request: web.Request, body: DownloadRequest) -> Answer[DownloadReply]:
	"""Fetch a model file into its folder.

	Only from hosts that the flag `--model-hosts` names, redirects too; only files that hold nothing that runs. The file has
	its name once all of it is there and is what `digest` says. `model_download` events tell how it stands.
	"""
	download = request.app[DOWNLOADS].start(body.url, body.folder, body.name, body.digest)
	return Answer(_reply(download), status=202, headers={'Location': f'/v1/models/downloads/{download.id}'})


async def show_download(request: web.Request, path: DownloadPath) -> DownloadReply:
	"""How a download stands."""
	return _reply(request.app[DOWNLOADS].find(path.id))


async def cancel_download(request: web.Request, path: DownloadPath) -> DownloadReply:
	"""End a download; nothing of it stays. One that is over stays as it is."""
	return _reply(await request.app[DOWNLOADS].cancel(path.id))


def _reply(download: Download) -> DownloadReply:
	return DownloadReply(
		id=download.id,
		url=download.url,
		folder=download.folder,
		name=download.name,
		state=download.state,
		received=download.received,
		total=download.total,
		error=download.error,
	)


routes: Sequence[Operation] = (
	Operation('GET', '/v1/models/downloads', list_downloads, tag=MODELS),
	Operation(
		'POST',
		'/v1/models/downloads',
		start_download,
		tag=MODELS,
		statuses=(202,),
		refuses=(DownloadForbidden, BadName, Forbidden, NameTaken),
	),
	Operation('GET', '/v1/models/downloads/{id}', show_download, tag=MODELS, refuses=(DownloadNotFound,)),
	Operation(
		'POST',
		'/v1/models/downloads/{id}/cancel',
		cancel_download,
		tag=MODELS,
		refuses=(DownloadNotFound,),
		destructive=True,
	),
)
