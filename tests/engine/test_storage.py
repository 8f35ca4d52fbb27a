import json
import struct
from pathlib import Path

import pytest

from engine.declaration import Choice, Input, NodeInfo, Number
from engine.facts import FileMark, TensorMark
from engine.settings import Settings
from engine.storage import Storage

FIXED = Choice(options=('a', 'b'))
MODEL = Choice(files_from='models:vae')
PICTURE = Choice(files_from='input:image', upload=True)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
	"""A VAE, a picture, and a video in their folders."""
	for name in ('models/vae/one.pt', 'input/a.png', 'input/clip.mp4'):
		(tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
		(tmp_path / name).touch()
	return Storage.of(Settings(base=tmp_path))


class TestOptions:
	def test_fixed_ones_and_files(self, storage: Storage) -> None:
		"""A choice offers its own options, or what lies in its folder now."""
		assert storage.options(FIXED) == ('a', 'b')
		assert storage.options(MODEL) == ('one.pt',)
		assert storage.options(PICTURE) == ('a.png',)
		assert storage.options(Choice(files_from='models:nothing')) == ()

	def test_what_may_be_chosen(self, storage: Storage) -> None:
		"""An input file of another type may be named by hand; a model must lie in its folder."""
		assert storage.option(FIXED, 'a') == 'a'
		assert storage.option(FIXED, 'c') is None
		assert storage.option(MODEL, 'one.pt') == 'one.pt'
		assert storage.option(MODEL, '../vae/one.pt') is None
		assert storage.option(PICTURE, 'clip.mp4') == 'clip.mp4'
		assert storage.option(PICTURE, 'a.png [input]') == 'a.png [input]'
		assert storage.option(PICTURE, 'a.png [temp]') is None

	def test_options_of_all_kinds(self, storage: Storage) -> None:
		"""An equal value stands for the option; what is neither text nor number stands for none."""
		choice = Choice(options=(1, 'x', 2.5))
		found = storage.option(choice, 1.0)

		assert (found, type(found)) == (1, int)
		assert storage.option(choice, 2.5) == 2.5
		assert storage.option(choice, '1') is None
		assert storage.option(choice, None) is None
		assert storage.option(choice, ['x']) is None

	def test_an_open_choice_takes_any(self, storage: Storage) -> None:
		"""Whether its options are fixed or files."""
		assert storage.option(Choice(options=('a',), open=True), 'z') == 'z'
		assert storage.option(Choice(files_from='models:vae', open=True), 'z.pt') == 'z.pt'


class TestFacts:
	def test_what_a_model_file_tells(self, storage: Storage, tmp_path: Path) -> None:
		"""What the marks know it by; nothing of files that are broken, unknown or gone, and of other choices."""
		header = json.dumps({'a': {'dtype': 'F16', 'shape': [2, 0], 'data_offsets': [0, 0]}}).encode()
		(tmp_path / 'models/vae/good.safetensors').write_bytes(struct.pack('<Q', len(header)) + header)
		storage.catalogue.marks = [FileMark(title='A', tensors=(TensorMark(name='a'),), facts={'channels': 4})]

		assert storage.facts(MODEL, 'good.safetensors') == {'channels': 4}
		assert storage.facts(MODEL, 'one.pt') == {}
		assert storage.facts(MODEL, 'gone.safetensors') == {}
		assert storage.facts(FIXED, 'a') == storage.facts(PICTURE, 'a.png') == {}


class TestDescribed:
	def test_file_choices_are_filled(self, storage: Storage) -> None:
		"""The declarations come back with what lies there; the originals and all else stay as they are."""
		info = NodeInfo(
			kind='A',
			title='A',
			category='test',
			inputs=(
				Input(name='vae', type='COMBO', widget=MODEL),
				Input(name='fixed', type='COMBO', widget=FIXED),
				Input(name='steps', type='INT', widget=Number()),
				Input(name='samples', type='LATENT'),
			),
		)
		[described] = storage.described([info])
		vae = described.inputs[0].widget

		assert isinstance(vae, Choice)
		assert vae.options == ('one.pt',)
		assert vae.files_from == 'models:vae'
		assert described.inputs[1:] == info.inputs[1:]
		assert info.inputs[0].widget == MODEL
		assert described.inputs_by_name['vae'].widget == vae
