"""Whether a picture comes out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.context import JobInfo
from engine.errors import BadDocument, InvalidGraph
from engine.formats.embedded import embedded
from engine.formats.prompt import write_prompt
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from engine.record import NAME
from engine.runner import Runner
from engine.settings import Settings
from engine.verify import verify


def call(kind: str, **inputs: Argument | str | int) -> Call:
	"""A call; plain values are constants."""
	return Call(
		kind,
		{name: Constant(given) if isinstance(given, str | int) else given for name, given in inputs.items()},
	)


def graph(picture: str = 'seen.png') -> Graph:
	"""A loaded picture, turned round and saved; a plain one of another size is saved as well."""
	return Graph(
		{
			NodeId('load'): call('LoadImage', image=picture),
			NodeId('turn'): call('ImageInvert', image=Link(NodeId('load'), 0)),
			NodeId('save'): call('SaveImage', images=Link(NodeId('turn'), 0), filename_prefix='turned'),
			NodeId('plain'): call('EmptyImage', width=8, height=8, batch_size=1, color=255),
			NodeId('too'): call('SaveImage', images=Link(NodeId('plain'), 0), filename_prefix='plain'),
		}
	)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
	"""Folders with a picture to load."""
	(tmp_path / 'input').mkdir()
	Image.linear_gradient('L').resize((32, 16)).convert('RGB').save(tmp_path / 'input' / 'seen.png')
	return Settings(base=tmp_path)


def made(settings: Settings, wanted: Graph) -> Path:
	"""The picture that a graph saves as `turned`."""
	prompt = json.dumps(write_prompt(wanted))
	outcome = Runner(settings, lambda event: None).run_all(wanted, JobInfo('j', prompt_json=prompt))

	assert outcome.state == 'succeeded', outcome.failure
	return max(settings.output_folder.glob('turned*.png'))


def altered(path: Path, *, pixels: int = 0, **record: object) -> Path:
	"""A copy with other levels, or with another record; without one, if `record` has it as None."""
	with Image.open(path) as opened:
		info = PngInfo()
		for name, text in (embedded(path) or {}).items():
			if name == NAME and record:
				kept = {**json.loads(text), **record}
				if 'none' not in record:
					info.add_text(name, json.dumps(kept))
			else:
				info.add_text(name, text)
		copy = path.with_name('altered.png')
		opened.point(lambda level: min(level + pixels, 255)).save(copy, pnginfo=info)
	return copy


class TestVerdicts:
	"""What is said of pictures."""

	def test_the_same(self, settings: Settings) -> None:
		"""All pixels come out again; nothing is left in the output folder or the cache for it."""
		picture = made(settings, graph())
		before = sorted(path for path in settings.base.rglob('*') if path.is_file())
		found = verify(picture, settings)

		assert found.verdict == 'exact'
		assert found.holds
		assert found.changes == found.files == ()
		assert sorted(path for path in settings.base.rglob('*') if path.is_file()) == before

	def test_another_one_under_the_same_circumstances(self, settings: Settings) -> None:
		"""Even a picture that is very similar is not the same, and nothing explains it."""
		found = verify(altered(made(settings, graph()), pixels=1), settings)

		assert found.verdict == 'differs'
		assert not found.holds
		assert found.likeness is not None
		assert found.likeness.ssim > 0.95

	def test_other_versions(self, settings: Settings) -> None:
		"""Where circumstances are others, similar is enough, and they are named; a tolerance may ask for more."""
		picture = altered(made(settings, graph()), pixels=1, libraries={'torch': '0.1'}, device='cuda')
		found = verify(picture, settings)
		strict = verify(picture, settings, tolerance=1.0)

		assert found.verdict == 'alike'
		assert ('device', 'cuda', 'cpu') in [(change.what, change.before, change.after) for change in found.changes]
		assert 'library torch' in [change.what for change in found.changes]
		assert strict.verdict == 'differs'

	def test_other_colours_are_not_alike(self, settings: Settings) -> None:
		"""A picture as light and of another colour is another one, whatever the circumstances."""
		Image.new('RGB', (32, 16), (0, 255, 255)).save(settings.input_folder / 'seen.png')
		picture = altered(made(settings, graph()), libraries={'torch': '0.1'}, device='cuda')
		Image.new('RGB', (32, 16), (255, 125, 255)).save(settings.input_folder / 'seen.png')

		assert verify(picture, settings).verdict == 'differs'

	def test_without_a_record(self, settings: Settings) -> None:
		"""Pictures of others do not say what they were made with: similar is enough."""
		found = verify(altered(made(settings, graph()), pixels=1, none=None), settings)

		assert not found.recorded
		assert found.verdict == 'alike'

	def test_another_input(self, settings: Settings) -> None:
		"""An input picture that was changed since is named."""
		picture = made(settings, graph())
		Image.new('RGB', (32, 16), 'blue').save(settings.input_folder / 'seen.png')
		found = verify(picture, settings)

		assert found.verdict == 'differs'
		assert [change.what for change in found.files] == ['input/seen.png']

	def test_of_another_size(self, settings: Settings) -> None:
		"""If no picture has the size there is nothing to compare."""
		picture = made(settings, graph())
		Image.new('RGB', (30, 16), 'blue').save(settings.input_folder / 'seen.png')
		found = verify(picture, settings)

		assert found.verdict == 'differs'
		assert found.likeness is None

	def test_what_reads_from_the_output_folder(self, settings: Settings) -> None:
		"""A picture that was made of another one that had been saved before."""
		first = made(settings, graph())
		second = made(settings, graph(f'{first.name} [output]'))

		assert verify(second, settings).verdict == 'exact'

	def test_precision_is_as_recorded(self, settings: Settings) -> None:
		"""It is run with the precision that it was made with."""
		picture = made(settings.model_copy(update={'precision': 'exact'}), graph())

		assert [change.what for change in verify(picture, settings).changes] == []


class TestBadInput:
	"""What cannot be verified."""

	def test_no_workflow(self, settings: Settings) -> None:
		"""A picture that carries none."""
		with pytest.raises(BadDocument, match='carries no workflow'):
			verify(settings.input_folder / 'seen.png', settings)

	def test_no_picture(self, settings: Settings, tmp_path: Path) -> None:
		"""A workflow file is no picture."""
		(tmp_path / 'w.json').write_text('{}')
		with pytest.raises(BadDocument, match='no picture'):
			verify(tmp_path / 'w.json', settings)

	def test_missing_files(self, settings: Settings) -> None:
		"""An input that is gone is told before anything runs."""
		picture = made(settings, graph())
		(settings.input_folder / 'seen.png').unlink()

		with pytest.raises(InvalidGraph, match=r'seen\.png'):
			verify(picture, settings)
