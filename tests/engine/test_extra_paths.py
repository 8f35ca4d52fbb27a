from pathlib import Path

import pytest

from engine.errors import BadDocument
from engine.extra_paths import ExtraPaths, read_extra_paths


@pytest.fixture
def file(tmp_path: Path) -> Path:
	"""Where the file lies."""
	return tmp_path / 'extra_model_paths.yaml'


class TestReadExtraPaths:
	def test_folders_lie_below_the_base(self, file: Path, tmp_path: Path) -> None:
		"""Several paths stand on lines of their own; a relative base lies beside the file."""
		file.write_text('mine:\n  base_path: models\n  loras: |\n    loras\n    more/loras\n  vae: /elsewhere/vae\n')
		found = read_extra_paths(file)

		assert found.models == {
			'loras': (tmp_path / 'models/loras', tmp_path / 'models/more/loras'),
			'vae': (Path('/elsewhere/vae'),),
		}

	def test_without_a_base_they_lie_beside_the_file(self, file: Path, tmp_path: Path) -> None:
		"""The file's folder stands in."""
		file.write_text('mine:\n  checkpoints: here\n')

		assert read_extra_paths(file).models == {'checkpoints': (tmp_path / 'here',)}

	def test_custom_nodes_are_apart(self, file: Path, tmp_path: Path) -> None:
		"""They are no models."""
		file.write_text('mine:\n  custom_nodes: packs\n')

		assert read_extra_paths(file) == ExtraPaths((tmp_path / 'packs',))

	def test_home_and_variables_are_expanded(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""In the base and in the paths."""
		monkeypatch.setenv('HOME', '/home/somebody')
		monkeypatch.setenv('WHERE', 'there')
		file.write_text('mine:\n  base_path: ~/models\n  vae: $WHERE/vae\n')

		assert read_extra_paths(file).models == {'vae': (Path('/home/somebody/models/there/vae'),)}

	def test_legacy_names_are_the_present_ones(self, file: Path, tmp_path: Path) -> None:
		"""`unet` and `clip` are told as what they are now."""
		file.write_text('mine:\n  unet: u\n  diffusion_models: d\n  clip: c\n')

		assert read_extra_paths(file).models == {
			'diffusion_models': (tmp_path / 'u', tmp_path / 'd'),
			'text_encoders': (tmp_path / 'c',),
		}

	def test_a_default_section_comes_first(self, file: Path, tmp_path: Path) -> None:
		"""Wherever it stands in the file."""
		file.write_text('one:\n  vae: a\ntwo:\n  is_default: true\n  vae: b\n')

		found = read_extra_paths(file)

		assert found.models == {'vae': (tmp_path / 'b', tmp_path / 'a')}
		assert found.first == {'vae': (tmp_path / 'b',)}

	@pytest.mark.parametrize('text', ['', '# nothing\n', 'mine:\n', 'mine:\n  vae:\n'])
	def test_empty_files_and_sections_name_nothing(self, file: Path, text: str) -> None:
		"""People comment out what they do not use."""
		file.write_text(text)

		assert read_extra_paths(file) == ExtraPaths()

	@pytest.mark.parametrize(
		('text', 'reason'),
		[
			('- a\n- b\n', 'a mapping of sections is expected'),
			('mine: here\n', "section 'mine': a mapping of folder kinds"),
			('mine:\n  base_path: 5\n', 'base_path must be a path, not 5'),
			('mine:\n  is_default: often\n', "is_default must be true or false, not 'often'"),
			('mine:\n  vae: [a, b]\n', "'vae' must be a path"),
			('mine: [\n', 'it is no YAML'),
			('mine: !!python/object:os.system {}\n', 'it is no YAML'),
		],
	)
	def test_a_wrong_file_tells_what_is_wrong(self, file: Path, text: str, reason: str) -> None:
		"""The file and the section are named."""
		file.write_text(text)
		with pytest.raises(BadDocument, match=reason) as caught:
			read_extra_paths(file)

		assert str(file) in str(caught.value)

	def test_a_missing_file(self, file: Path) -> None:
		"""It was named by somebody, so it should be there."""
		with pytest.raises(BadDocument, match='cannot be read: No such file'):
			read_extra_paths(file)
