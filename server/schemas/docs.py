"""`/v1/docs`: what the page is made of."""

from __future__ import annotations

from typing import Literal

from server.schemas.base import Parameters

Asset = Literal['docs.css', 'docs.js']


class AssetPath(Parameters):
	"""Which file."""

	file: Asset
