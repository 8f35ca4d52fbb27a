"""What packs and front ends bring beside nodes: translations, templates, subgraphs, successors of old nodes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from engine.errors import NotFound
from server.comfy.pack_files import blueprints, examples, find_example, pack_folders, replacements, translations
from server.comfy.sending import passive_file
from server.http import reply
from server.keys import EDITOR, SETTINGS
from server.paths import find_file
from server.schemas.packs import (
	Replacements,
	Subgraph,
	SubgraphInfo,
	Subgraphs,
	SubgraphSummary,
	TemplateIndex,
	TemplateLogos,
	TemplateNames,
	Translations,
)
from server.static import static_file

TEMPLATES = 'templates'
INDEX = re.compile(r'index(\.[A-Za-z-]+)?\.json')
LOGOS = 'index_logo.json'
STYLES = 'user.css'


class SubgraphNotFound(NotFound):
	"""No pack offers a subgraph of this id."""

	def __init__(self, id: str) -> None:
		super().__init__(f'There is no subgraph {id[:80]!r}; GET /global_subgraphs lists them.')
		self.id = id


class TemplateNotFound(NotFound):
	"""There is no such file among the templates."""

	def __init__(self, name: str) -> None:
		super().__init__(f'There is no template {name[:80]!r}.')
		self.name = name


def packs_of(request: web.Request) -> list[Path]:
	"""The packs that are folders, as they lie on the disk now."""
	return pack_folders(request.app[SETTINGS].pack_folders)


async def list_translations(request: web.Request) -> web.Response:
	"""What packs call things, by language."""
	return reply(Translations(await asyncio.to_thread(lambda: translations(packs_of(request)))))


async def list_examples(request: web.Request) -> web.Response:
	"""The example workflows of packs."""
	return reply(TemplateNames(await asyncio.to_thread(lambda: examples(packs_of(request)))))


async def show_example(request: web.Request) -> web.StreamResponse:
	"""An example workflow of a pack, or its picture."""
	pack, name = request.match_info['pack'], request.match_info['name']
	path = await asyncio.to_thread(lambda: find_example(packs_of(request), pack, name))
	if path is None:
		raise TemplateNotFound(name)
	return await passive_file(path, request.headers.get('Sec-Fetch-Dest'))


async def show_template(request: web.Request) -> web.StreamResponse:
	"""A file of the template browser, if the front end brings it; the lists of a browser without any if it does not."""
	name = request.match_info['name']
	path = find_file(request.app[EDITOR] / TEMPLATES, name)
	if path is not None:
		return static_file(path)
	if INDEX.fullmatch(name):
		return reply(TemplateIndex([]))
	if name == LOGOS:
		return reply(TemplateLogos({}))
	raise TemplateNotFound(name)


async def show_styles(request: web.Request) -> web.StreamResponse:
	"""The style sheet that pages of the official front end ask for; an empty one if it does not come with them."""
	path = find_file(request.app[EDITOR], STYLES)
	return web.Response(content_type='text/css', charset='utf-8') if path is None else static_file(path)


async def list_subgraphs(request: web.Request) -> web.Response:
	"""The subgraphs that packs offer."""
	found = await asyncio.to_thread(lambda: blueprints(packs_of(request)))
	return reply(
		Subgraphs(
			{
				key: SubgraphSummary(name=item.name, info=SubgraphInfo(node_pack=f'custom_nodes.{item.pack}'))
				for key, item in found.items()
			}
		)
	)


async def show_subgraph(request: web.Request) -> web.Response:
	"""One of them, with the graph that defines it."""
	key = request.match_info['id']
	item = (await asyncio.to_thread(lambda: blueprints(packs_of(request)))).get(key)
	if item is None:
		raise SubgraphNotFound(key)
	info = SubgraphInfo(node_pack=f'custom_nodes.{item.pack}')
	return reply(Subgraph(name=item.name, info=info, data=item.data))


async def list_replacements(request: web.Request) -> web.Response:
	"""Kinds of nodes that are no more, and what packs name as their successors."""
	found = await asyncio.to_thread(lambda: replacements(packs_of(request)))
	return reply(Replacements({old: list(entries) for old, entries in found.items()}))


routes: Sequence[web.RouteDef] = (
	web.get('/i18n', list_translations),
	web.get('/workflow_templates', list_examples),
	web.get('/global_subgraphs', list_subgraphs),
	web.get('/global_subgraphs/{id}', show_subgraph),
	web.get('/node_replacements', list_replacements),
)
file_routes: Sequence[web.RouteDef] = (
	web.get('/api/workflow_templates/{pack}/{name:.+}', show_example),
	web.get('/templates/{name:.+}', show_template),
	web.get('/user.css', show_styles),
)
