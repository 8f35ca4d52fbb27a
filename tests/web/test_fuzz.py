"""Random edits in a real browser, by the editor's own commands: undone to the start, done again to the end."""

from __future__ import annotations

import random

import pytest
from playwright.sync_api import Page

from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
EDITS = 120
KINDS = ['KSampler', 'CLIPTextEncode', 'EmptyLatentImage', 'VAEDecode', 'SaveImage', 'PreviewImage', 'LoadImage']
COMMANDS = [
	*('duplicate', 'remove', 'makeSubgraph', 'unpack', 'enter', 'leave', 'addFrame', 'addNote', 'mute', 'bypass'),
	*('collapse', 'pin', 'alignLeft', 'alignTop', 'distributeDown'),
]


def written(page: Page) -> str:
	"""The document as it would be saved."""
	text: str = page.evaluate('window.lumengraph.document()')
	return text


def random_edit(page: Page, dice: random.Random) -> None:
	"""One thing that a person can do. It may do nothing, where it does not apply."""
	nodes: list[str] = page.evaluate('window.lumengraph.nodes()')
	chosen = dice.sample(nodes, min(len(nodes), dice.choice([1, 1, 2, 3])))
	match dice.choice(['add', 'add', 'connect', 'connect', 'set', 'command', 'command']):
		case 'add':
			page.evaluate('kind => window.lumengraph.add(kind)', dice.choice(KINDS))
		case 'connect' if len(nodes) > 1:
			source, target = dice.sample(nodes, 2)
			name = dice.choice(['model', 'clip', 'positive', 'latent_image', 'samples', 'images'])
			ends = {'source': source, 'output': dice.randrange(3), 'target': target, 'input': name}
			page.evaluate('ends => window.lumengraph.connect(ends)', ends)
		case 'set' if nodes:
			value = [chosen[0], dice.choice(['text', 'steps', 'width']), dice.randrange(64)]
			page.evaluate('([node, input, value]) => window.lumengraph.set(node, input, value)', value)
		case _:
			page.evaluate('ids => window.lumengraph.select(ids)', chosen)
			page.evaluate('command => window.lumengraph.run(command)', dice.choice(COMMANDS))


def test_undo_to_the_start_and_redo_to_the_end(editor: Editor) -> None:
	"""Both graphs are what they were, subgraphs and all, and the page has nothing to complain about."""
	page = editor.page
	dice = random.Random(8)
	start = written(page)
	for _ in range(EDITS):
		random_edit(page, dice)
	end = written(page)
	undone = page.evaluate(
		"(() => { let count = 0; while (window.lumengraph.run('undo')) count += 1; return count; })()"
	)

	assert '"subgraphs"' in end
	assert undone > EDITS / 3
	assert written(page) == start

	redone = page.evaluate(
		"(() => { let count = 0; while (window.lumengraph.run('redo')) count += 1; return count; })()"
	)

	assert redone == undone
	assert written(page) == end
	assert editor.complaints == []
