"""Every workflow in workflows/ is good, documented and tidy, and runs on the models that it names.

What those give that run on the demo model is held by `workflows/*.expect.json`, which pytest collects itself; the others
run here, on tiny models under the names of the real ones.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.catalogue import sampled_digest
from engine.code.drawn import drawn_size
from engine.code.session import Session
from engine.code.workflow import Workflow
from engine.formats.document import WorkflowDocument
from engine.formats.interface import InputSignature, OutputSignature
from engine.graph import NodeId
from engine.settings import PROJECT, Settings
from nodes import DEMO_MODELS
from tests import tiny_unets
from tests.nodes.diffusion.test_upscalers import esrgan
from tests.tiny_transformers import save_parts

FOLDER = PROJECT / 'workflows'
FILES = sorted(path for path in FOLDER.glob('*.json') if not path.name.endswith('.expect.json'))
README = (FOLDER / 'README.md').read_text()
OTHER_WEIGHTS = ('flux', 'sd3', 'sdxl_base_refiner', 'upscale')
SMALL = {'width': 64, 'height': 64, 'steps': 2}


@pytest.fixture(scope='module')
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
	"""The built-in nodes, and tiny models where the workflows look for real ones."""
	folder = tmp_path_factory.mktemp('models')
	for kind in ('checkpoints', 'diffusion_models', 'text_encoders', 'vae', 'upscale_models'):
		(folder / kind).mkdir()
	for name, kind in (('base', 'sdxl'), ('refiner', 'sdxl refiner')):
		tiny_unets.save(folder / 'checkpoints' / f'sd_xl_{name}_1.0.safetensors', tiny_unets.model(kind).whole())
	for kind, denoiser, vae, texts in (
		('sd3', 'sd3.5_medium', 'sd3_vae', ('clip_l', 'clip_g', 't5xxl_fp16')),
		('flux', 'flux1-dev', 'ae', ('clip_l', 't5xxl_fp16')),
	):
		files = save_parts(tmp_path_factory.mktemp(kind), kind)
		files.denoiser.rename(folder / 'diffusion_models' / f'{denoiser}.safetensors')
		files.vae.rename(folder / 'vae' / f'{vae}.safetensors')
		for text, name in zip(files.texts, texts, strict=True):
			text.rename(folder / 'text_encoders' / f'{name}.safetensors')
	torch.save(esrgan(), folder / 'upscale_models' / 'RealESRGAN_x4plus.pth')
	base = tmp_path_factory.mktemp('base')
	with Session(Settings(base=base, models=folder, cpu=True)) as session:
		yield session


def document_of(file: Path) -> WorkflowDocument:
	"""What a file says."""
	return WorkflowDocument.model_validate_json(file.read_text())


def test_names() -> None:
	"""Those are shipped that people look for first."""
	assert {file.stem for file in FILES} >= {
		*('text_to_image', 'image_to_image', 'inpaint', 'outpaint', 'high_resolution_fix', 'upscale'),
		*('lora', 'controlnet', 'area_prompts', 'batch_and_grid', 'sdxl_base_refiner', 'sd3', 'flux'),
	}


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.stem)
class TestEveryWorkflow:
	"""What is shipped is good."""

	def test_passes_the_check(self, file: Path, session: Session) -> None:
		"""Nothing is wrong with it where its models are there."""
		Workflow.load(file, session=session).check()

	def test_names_the_models_that_come_along(self, file: Path) -> None:
		"""By the digests that they have, so that nobody is told that they are others."""
		for name, need in document_of(file).requires.models.items():
			shipped = DEMO_MODELS / need.folder / name
			if shipped.is_file():
				content = shipped.read_bytes()

				assert need.digest == sampled_digest(shipped, len(content))
				assert need.sha256 == hashlib.sha256(content).hexdigest()

	def test_is_documented(self, file: Path) -> None:
		"""It has a title, a description and a note; the README shows it, with its picture if there is one."""
		document = document_of(file)

		assert document.title
		assert document.description
		assert any(note.text for note in document.layout.notes.values())
		assert f'`{file.name}`' in README
		assert (f'({file.stem}.png)' in README) == (FOLDER / f'{file.stem}.png').is_file()

	def test_states_what_it_takes_and_gives(self, file: Path, session: Session) -> None:
		"""Each input and output is there, with a type, and is described; what is changed most has a name."""
		interface = Workflow.load(file, session=session).interface

		assert interface.outputs
		assert {'model', 'seed'} <= set(interface.by_name)
		told: list[InputSignature | OutputSignature] = [*interface.inputs, *interface.outputs]
		for item in told:
			assert item.description, item.name
			assert item.type != '*', item.name
		assert [item.name for item in interface.inputs if item.default is None] == []

	def test_requires_what_its_nodes_name(self, file: Path, session: Session) -> None:
		"""Every model file that a node chooses stands among the requirements, with its folder, and no other."""
		document = document_of(file)
		chosen: set[str] = set()
		for node in document.nodes.values():
			for name, value in node.inputs.items():
				declared = session.nodes[node.kind].inputs_by_name.get(name)
				source = getattr(declared.widget, 'files_from', '') if declared is not None else ''
				if source.startswith('models:'):
					chosen.add(str(value))
					assert document.requires.models[str(value)].folder == source.partition(':')[2]

		assert set(document.requires.models) == chosen

	def test_nothing_lies_over_something_else(self, file: Path, session: Session) -> None:
		"""Every node has its place, and neither nodes nor notes overlap."""
		document = document_of(file)
		graph = Workflow.load(file, session=session).graph
		boxes: dict[str, tuple[float, float, float, float]] = {}
		for name, place in document.layout.nodes.items():
			size = drawn_size(graph.calls[NodeId(name)], session.nodes[document.nodes[name].kind])
			boxes[name] = (place.x, place.y, place.x + size.width, place.y + size.height)
		for name, note in document.layout.notes.items():
			boxes[f'note {name}'] = (note.x, note.y, note.x + (note.width or 0), note.y + (note.height or 0))

		assert set(document.layout.nodes) == set(document.nodes)
		for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
			apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
			assert apart, (one, other)

	def test_expectations(self, file: Path) -> None:
		"""One that runs on the demo model is tested by its expectations: its picture looks like that of the README."""
		expected = FOLDER / f'{file.stem}.expect.json'

		assert expected.is_file() == (file.stem not in OTHER_WEIGHTS)
		if expected.is_file():
			assert json.loads(expected.read_text())['outputs']['picture']['like'] == f'{file.stem}.png'


class TestOtherWeights:
	"""Those that need files which do not come with the program."""

	@pytest.mark.parametrize('name', OTHER_WEIGHTS)
	def test_runs_on_tiny_models(self, name: str, session: Session) -> None:
		"""With models of the same make, it goes through to the picture."""
		flow = Workflow.load(FOLDER / f'{name}.json', session=session)
		inputs: dict[str, Any] = {key: value for key, value in SMALL.items() if key in flow.interface.by_name}
		if name == 'sdxl_base_refiner':
			inputs['switch'] = 1
		[picture] = flow.run(**inputs)['picture']
		factor = 4 if name == 'upscale' else 1

		assert picture.size == (64 * factor, 64 * factor)

	@pytest.mark.parametrize('name', OTHER_WEIGHTS)
	def test_says_where_files_are_found(self, name: str) -> None:
		"""Each file that does not come with the program has an address."""
		for file, need in document_of(FOLDER / f'{name}.json').requires.models.items():
			shipped = DEMO_MODELS / need.folder / file

			assert re.match('https://', need.url) or shipped.is_file()
