"""Nodes for tests of the checker: choices of files, and a type that no constant has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from engine.declaration import Choice
from engine.graph import Graph
from engine.problems import Checked, Problem
from engine.sockets import socket
from engine.spec import node
from tests.engine.tools import graph


@socket('LATENT')
class Latent:
	"""What only comes along links."""


@node(category='test')
def empty() -> Latent:
	"""Give one."""
	return Latent()


@node(category='test')
def load(name: Annotated[str, Choice(files_from='models:checkpoints')]) -> Latent:
	"""Read a model file."""
	return Latent()


@node(category='test')
def read(name: Annotated[str, Choice(files_from='input:image')]) -> Latent:
	"""Read a picture."""
	return Latent()


@node(category='test', sink=True)
def keep(samples: Latent, scale: float = 1.0, label: str = '', sure: bool = False) -> None:
	"""Take one."""


LATENTS = (empty, load, read, keep)


def kept(inputs: Mapping[str, Any], **more: tuple[str, Mapping[str, Any]]) -> Graph:
	"""A `Keep` with these inputs beside its samples."""
	return graph({'samples': ('Empty', {}), 'keep': ('Keep', {'samples': ('samples', 0), **inputs}), **more})


def only(checked: Checked) -> Problem:
	"""The one problem that was found."""
	[problem] = checked.problems
	return problem
