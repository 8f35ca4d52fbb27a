"""Files of the editor and of packs, sent with the types that browsers insist on."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from aiohttp import web

# What the system's own table may lack or have wrong.
TYPES = {
	'.avif': 'image/avif',
	'.css': 'text/css',
	'.glb': 'model/gltf-binary',
	'.html': 'text/html',
	'.ico': 'image/x-icon',
	'.js': 'text/javascript',
	'.json': 'application/json',
	'.map': 'application/json',
	'.md': 'text/markdown',
	'.mjs': 'text/javascript',
	'.svg': 'image/svg+xml',
	'.ttf': 'font/ttf',
	'.wasm': 'application/wasm',
	'.webmanifest': 'application/manifest+json',
	'.webp': 'image/webp',
	'.woff': 'font/woff',
	'.woff2': 'font/woff2',
}
UNKNOWN = 'application/octet-stream'


def content_type(name: str) -> str:
	"""The type that a file's ending says."""
	return TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or UNKNOWN


def static_file(path: Path) -> web.FileResponse:
	"""A file that belongs to the program or to a pack, to be shown as what it is."""
	return web.FileResponse(
		path, headers={'Content-Type': content_type(path.name), 'X-Content-Type-Options': 'nosniff'}
	)
