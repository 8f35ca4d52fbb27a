"""The built editor: its page at `/`, and its files wherever no route answers."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from server.keys import EDITOR

# What the system's own table may have wrong, and browsers insist on.
TYPES = {
	'.css': 'text/css',
	'.html': 'text/html',
	'.js': 'text/javascript',
	'.json': 'application/json',
	'.map': 'application/json',
	'.mjs': 'text/javascript',
	'.svg': 'image/svg+xml',
	'.wasm': 'application/wasm',
	'.woff2': 'font/woff2',
}
NEVER_KEPT = {'Cache-Control': 'no-store, must-revalidate', 'Pragma': 'no-cache', 'Expires': '0'}
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Lumengraph</title>
<style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>The server runs, the editor is not built</h1>
<p>The API answers. To get the editor, either install the program, which builds it:</p>
<pre>pip install -e .</pre>
<p>or build it yourself, with Node 20 or newer:</p>
<pre>cd web &amp;&amp; npm ci &amp;&amp; npm run build</pre>
<p>and load this page again.</p>
</html>
"""


async def show_editor(request: web.Request) -> web.StreamResponse:
	"""The editor's page, never kept by the browser, so that a new build is seen at once."""
	page = request.app[EDITOR] / 'index.html'
	if page.is_file():
		return web.FileResponse(page, headers={**NEVER_KEPT, 'Content-Type': 'text/html; charset=utf-8'})
	return web.Response(text=NOT_BUILT, content_type='text/html', headers=NEVER_KEPT)


@web.middleware
async def editor_files(request: web.Request, handler: Handler) -> web.StreamResponse:
	"""Look among the editor's files for what no route answers."""
	unanswered = request.match_info.http_exception
	if isinstance(unanswered, web.HTTPNotFound) and request.method in ('GET', 'HEAD'):
		path = find_file(request.app[EDITOR], request.path)
		if path is not None:
			guessed = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or 'application/octet-stream'
			return web.FileResponse(path, headers={'Content-Type': guessed, 'X-Content-Type-Options': 'nosniff'})
	return await handler(request)


def find_file(folder: Path, path: str) -> Path | None:
	"""The file of that path below the folder, if there is one; links that lead out of it are not followed."""
	try:
		found = (folder / path.lstrip('/')).resolve()
		return found if found.is_relative_to(folder.resolve()) and found.is_file() else None
	except (OSError, ValueError):
		return None  # Too long, or with a NUL in it: there can be no such file.


routes: Sequence[web.RouteDef] = (web.get('/', show_editor),)
