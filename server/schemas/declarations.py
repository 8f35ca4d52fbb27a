"""`/v1/nodes`: what can be placed on the canvas. A node is told as the engine declares it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.declaration import NodeInfo
from server.schemas.base import Parameters
from server.schemas.paging import Page, PageQuery


class NodeQuery(PageQuery):
	"""Which nodes: those for which all of this holds."""

	text: Annotated[
		str, Field(description='every word of it is in the kind, title, category, description or an alias')
	] = ''
	category: Annotated[str, Field(description='this category, or one below it')] = ''
	origin: Annotated[str, Field(description='the pack that brought the node')] = ''


class NodePath(Parameters):
	"""Which node."""

	kind: str


class NodePage(Page[NodeInfo]):
	"""Some kinds of nodes, in the order of the alphabet.

	`total` counts all that were asked for. `hash` names the content of all of them together: while it stays the same, so
	do they, whichever page they are on.
	"""

	total: int
	hash: str
