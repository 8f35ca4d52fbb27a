"""One real server process for the clients of others, and the demo workflow as they know it."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from engine.catalogue import Catalogue
from engine.formats.prompt import write_prompt
from engine.formats.workflow import open_workflow
from engine.plugins import Kit, load_pack
from engine.settings import PROJECT, Settings
from tests.serving import Server, serving

DEMO = PROJECT / 'workflows' / 'text_to_image.json'
Document = dict[str, dict[str, Any]]


@pytest.fixture(scope='session')
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
	"""The server, with the demo model and a pack of ComfyUI-style nodes."""
	base = tmp_path_factory.mktemp('clients')
	shutil.copytree(PROJECT / 'tests' / 'packs' / 'testing-pack', base / 'custom_nodes' / 'testing-pack')
	with serving(base) as server:
		yield server


@pytest.fixture(scope='session')
def exported(tmp_path_factory: pytest.TempPathFactory) -> Document:
	"""The demo workflow in API form. Like the front end's export, it has a title for every node."""
	kit = Kit(Catalogue(Settings(base=tmp_path_factory.mktemp('kit'))))
	load_pack('nodes', kit)
	infos = kit.nodes.infos
	document: Document = {}
	for id, body in write_prompt(open_workflow(DEMO, infos).graph).items():
		assert isinstance(body, dict)
		document[id] = {'_meta': {'title': infos[str(body['class_type'])].title}, **body}
	return document


@pytest.fixture
def demo(exported: Document) -> Document:
	"""A copy that a test may change."""
	return copy.deepcopy(exported)
