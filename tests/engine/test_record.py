"""What a run is recorded with, read again and compared."""

from __future__ import annotations

from engine.record import NAME, RecordedFile, RunRecord, circumstances, contents, record_in

RECORD = RunRecord(
	program='1',
	python='3.11',
	libraries={'torch': '2.6', 'numpy': '2.0'},
	packs={'mine': '1.0'},
	device='cpu',
	processor='x86_64 avx2',
	profile='cpu-float32',
	precision='auto',
	models=(RecordedFile(folder='loras', name='a', digest='1', size=5),),
	inputs=(RecordedFile(folder='input', name='b.png', digest='2', size=6),),
)


class TestCarried:
	"""Records in files."""

	def test_read_again(self) -> None:
		"""What was written is read as the same; what is none, or damaged, is none."""
		assert record_in({NAME: RECORD.model_dump_json(), 'prompt': '{}'}) == RECORD
		assert record_in({'prompt': '{}'}) is None
		assert record_in({NAME: '{"program": 1'}) is None


class TestCompared:
	"""How two runs' circumstances and files differ."""

	def test_versions_and_devices(self) -> None:
		"""Each one that is another is named, with both values; libraries and packs that are gone too."""
		other = RECORD.model_copy(
			update={'libraries': {'torch': '2.7'}, 'device': 'cuda', 'packs': {'mine': '1.0', 'more': '2'}}
		)
		changes = [(change.what, change.before, change.after) for change in circumstances(RECORD, other)]

		assert changes == [
			('device', 'cpu', 'cuda'),
			('library torch', '2.6', '2.7'),
			('library numpy', '2.0', ''),
			('pack more', '', '2'),
		]
		assert list(circumstances(RECORD, RECORD)) == []

	def test_files(self) -> None:
		"""Models and inputs with other content, or none."""
		other = RECORD.model_copy(
			update={'models': (RecordedFile(folder='loras', name='a', digest='9', size=5),), 'inputs': ()}
		)

		assert [(change.what, change.after) for change in contents(RECORD, other)] == [
			('loras/a', '9'),
			('input/b.png', ''),
		]
