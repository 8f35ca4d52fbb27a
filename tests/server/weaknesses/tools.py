"""What all tries need: every route that there is."""

from __future__ import annotations

from tests.server.client import Web

VALUES = {'prompt_id': 'none', 'id': 'none', 'kind': 'Shade', 'folder': 'checkpoints', 'name': 'text_to_image'}
SAFE = ('GET', 'HEAD', 'OPTIONS')


def addresses(web: Web, *, safe: bool) -> list[tuple[str, str]]:
	"""Method and path of every route of a server: those that only look, or those that change something."""
	assert web.app is not None
	found = []
	for route in web.app.router.routes():
		assert route.resource is not None
		path = route.resource.canonical
		for part in path.split('/'):
			if part.startswith('{'):
				path = path.replace(part, VALUES.get(part.strip('{}').partition(':')[0], 'none'))
		if (route.method in SAFE) is safe:
			found.append((route.method, path))
	return sorted(set(found))
