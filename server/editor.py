"""The built editor, or another front end in its place: its page at `/`, its files wherever no route answers."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from server.headers import small_page_policy
from server.keys import EDITOR
from server.paths import find_file
from server.static import static_file

NEVER_KEPT = {'Cache-Control': 'no-store, must-revalidate', 'Pragma': 'no-cache', 'Expires': '0'}
STYLE = 'body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }'
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Lumengraph</title>
<style>{style}</style>
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
	headers = {**NEVER_KEPT, 'Content-Security-Policy': small_page_policy(STYLE)}
	return web.Response(text=NOT_BUILT.format(style=STYLE), content_type='text/html', headers=headers)


@web.middleware
async def editor_files(request: web.Request, handler: Handler) -> web.StreamResponse:
	"""Look among the editor's files for what no route answers."""
	unanswered = request.match_info.http_exception
	if isinstance(unanswered, web.HTTPNotFound) and request.method in ('GET', 'HEAD'):
		path = find_file(request.app[EDITOR], request.path.lstrip('/'))
		if path is not None:
			return static_file(path)
	return await handler(request)


routes: Sequence[web.RouteDef] = (web.get('/', show_editor),)
