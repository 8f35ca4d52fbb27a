"""What there is: nodes, devices, features."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from aiohttp import web

from engine.wire import Device
from server.comfy.object_info import object_info
from server.etags import conditional
from server.http import reply
from server.keys import MAX_BODY, STORAGE, SUPERVISOR
from server.schemas.features import Features
from server.schemas.system import DeviceInfo, SystemInfo, SystemStats
from server.worker import current_nodes

DIALECT_VERSION = '0.33.0'
FRONT_END_VERSION = '1.58.1'
READY_SECONDS = 30.0
MEMORY_FILE = Path('/proc/meminfo')


async def list_nodes(request: web.Request) -> web.Response:
	"""Every kind of node; file choices list what lies on disk now. Waits for the worker to tell its nodes."""
	nodes = await current_nodes(request.app[SUPERVISOR])
	told = object_info(request.app[STORAGE].described(list(nodes.values())))
	return conditional(request, reply(told, exclude_none=True))


async def show_node(request: web.Request) -> web.Response:
	"""One kind of node; an empty object if it is not known."""
	kind = request.match_info['kind']
	node = (await current_nodes(request.app[SUPERVISOR], kind)).get(kind)
	described = request.app[STORAGE].described([] if node is None else [node])
	return reply(object_info(described), exclude_none=True)


def features(app: web.Application) -> Features:
	"""What this server can do; also told over the WebSocket."""
	return Features(max_upload_size=app[MAX_BODY])


async def show_features(request: web.Request) -> web.Response:
	"""The feature flags."""
	return reply(features(request.app))


async def show_system(request: web.Request) -> web.Response:
	"""The machine. Devices are known once the worker has imported its libraries; that is waited for, not for ever."""
	devices: tuple[Device, ...] = ()
	try:
		async with asyncio.timeout(READY_SECONDS):
			devices = (await request.app[SUPERVISOR].ready()).devices
	except TimeoutError:
		pass
	system = system_info()
	found = [device_info(device) for device in devices] or [main_memory(system)]
	return reply(SystemStats(system=system, devices=found))


def system_info() -> SystemInfo:
	"""What can be told without the worker."""
	total, free = memory()
	try:
		torch = version('torch')
	except PackageNotFoundError:
		torch = ''
	return SystemInfo(
		os=sys.platform,
		ram_total=total,
		ram_free=free,
		comfyui_version=DIALECT_VERSION,
		required_frontend_version=FRONT_END_VERSION,
		installed_templates_version='',
		required_templates_version='',
		python_version=sys.version,
		pytorch_version=torch,
		embedded_python=False,
		# Not the real command line: front ends only look for this flag, which keeps them from calling out.
		argv=['main.py', '--disable-api-nodes'],
	)


def device_info(device: Device) -> DeviceInfo:
	"""A device as the worker found it. How much of it torch holds is not known here."""
	return DeviceInfo(
		name=device.name,
		type=device.type,
		index=device.index,
		vram_total=device.total,
		vram_free=device.free,
		torch_vram_total=0,
		torch_vram_free=0,
	)


def main_memory(system: SystemInfo) -> DeviceInfo:
	"""What stands for the devices while no worker tells them: clients read the first one without looking."""
	return DeviceInfo(
		name='cpu',
		type='cpu',
		index=None,
		vram_total=system.ram_total,
		vram_free=system.ram_free,
		torch_vram_total=0,
		torch_vram_free=0,
	)


def memory() -> tuple[int, int]:
	"""Total and available bytes of memory; zeros where the system does not tell."""
	try:
		lines = MEMORY_FILE.read_text().splitlines()
		sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(':') for line in lines)}
		return sizes['MemTotal'], sizes['MemAvailable']
	except (OSError, KeyError, ValueError, IndexError):
		pass
	try:
		return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'), 0
	except (AttributeError, OSError, ValueError):
		return 0, 0


routes: Sequence[web.RouteDef] = (
	web.get('/object_info', list_nodes),
	web.get('/object_info/{kind}', show_node),
	web.get('/features', show_features),
	web.get('/system_stats', show_system),
)
