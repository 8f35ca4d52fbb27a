"""`/users` and `/settings`: who there is, and what they set."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from server.errors import BadRequest, NameTaken
from server.http import done, read_body, read_json, reply
from server.keys import ACCOUNTS, USER_SETTINGS
from server.schemas.errors import PlainError
from server.schemas.users import NewUser, SettingsBody, SettingValue, UserId, UsersReply

HEADER = 'Comfy-User'


def user_folder(request: web.Request) -> Path:
	"""The folder of whoever sent a request. Raises `Forbidden` or `UnknownUser`."""
	return request.app[ACCOUNTS].folder_of(request.headers.get(HEADER, ''))


async def list_users(request: web.Request) -> web.Response:
	"""Who there is; where there is only one person, whether they have stored anything yet."""
	accounts = request.app[ACCOUNTS]
	told = UsersReply(users=accounts.names()) if accounts.several else UsersReply(migrated=accounts.migrated)
	return reply(told, exclude_none=True)


async def add_user(request: web.Request) -> web.Response:
	"""Add somebody; gives their id."""
	accounts = request.app[ACCOUNTS]
	wanted = await read_body(request, NewUser)
	try:
		if not accounts.several:
			raise BadRequest('This server is for one user; --multi-user makes it one for several.')
		user = await asyncio.to_thread(accounts.add, wanted.username)
	except (BadRequest, NameTaken) as error:
		return reply(PlainError(error=str(error)), status=400)
	return reply(UserId(user))


async def show_settings(request: web.Request) -> web.Response:
	"""All settings."""
	folder = user_folder(request)
	return reply(SettingsBody(await asyncio.to_thread(request.app[USER_SETTINGS].read, folder)))


async def change_settings(request: web.Request) -> web.Response:
	"""Set those that the body names; the others stay."""
	folder = user_folder(request)
	values = await read_json(request)
	if not isinstance(values, dict):
		raise BadRequest('The body must be a JSON object.')
	await asyncio.to_thread(request.app[USER_SETTINGS].change, folder, values)
	return done()


async def show_setting(request: web.Request) -> web.Response:
	"""One setting, or null."""
	settings = await asyncio.to_thread(request.app[USER_SETTINGS].read, user_folder(request))
	return reply(SettingValue(settings.get(request.match_info['id'])))


async def change_setting(request: web.Request) -> web.Response:
	"""Set one; the body is the value."""
	folder = user_folder(request)
	value = await read_json(request)
	await asyncio.to_thread(request.app[USER_SETTINGS].change, folder, {request.match_info['id']: value})
	return done()


routes: Sequence[web.RouteDef] = (
	web.get('/users', list_users),
	web.post('/users', add_user),
	web.get('/settings', show_settings),
	web.post('/settings', change_settings),
	web.get('/settings/{id}', show_setting),
	web.post('/settings/{id}', change_setting),
)
