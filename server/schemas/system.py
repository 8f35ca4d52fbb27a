"""`/system_stats`, `/v1/health`, and plain lists of names."""

from __future__ import annotations

from typing import Literal

from pydantic import RootModel

from server.schemas.base import Reply


class SystemInfo(Reply):
	"""The machine and its software."""

	os: str
	ram_total: int
	ram_free: int
	comfyui_version: str
	required_frontend_version: str
	installed_templates_version: str
	required_templates_version: str
	python_version: str
	pytorch_version: str
	embedded_python: bool
	argv: list[str]


class DeviceInfo(Reply):
	"""A device as the worker found it; sizes are bytes."""

	name: str
	type: str
	index: int | None
	vram_total: int
	vram_free: int
	torch_vram_total: int
	torch_vram_free: int


class SystemStats(Reply):
	"""The machine; sizes are bytes.

	The first device is the one that clients take as in use. In this version models are computed on the CPU, even where a
	GPU is named.
	"""

	system: SystemInfo
	devices: list[DeviceInfo]


class Names(RootModel[list[str]]):
	"""Names of files, folders or scripts."""


WorkerState = Literal['starting', 'ready', 'busy']


class Health(Reply):
	"""Whether jobs can run: the server answers as soon as it listens, the worker comes up behind it."""

	status: Literal['ok'] = 'ok'
	worker: WorkerState
	seconds_up: float


class Live(Reply):
	"""The server is up."""

	status: Literal['ok'] = 'ok'


class Readiness(Reply):
	"""Jobs are taken; so many kinds of nodes are known."""

	status: Literal['ok'] = 'ok'
	nodes: int
