"""Pickled checkpoints as sources of tensors."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import Linear

from engine.errors import UnknownFormat
from engine.models import Load
from nodes.diffusion.building import built, filled
from nodes.diffusion.files import open_source

TENSORS = {'a.weight': torch.arange(6.0).reshape(2, 3), 'a.bias': torch.ones(2, dtype=torch.float16)}


class Attack:
	"""Runs a command when it is unpickled."""

	def __init__(self, mark: Path) -> None:
		self._mark = mark

	def __reduce__(self) -> tuple[Any, ...]:
		return os.mkdir, (str(self._mark),)


def saved(path: Path, held: object, *, old: bool = False) -> Path:
	file = path / 'model.ckpt'
	torch.save(held, file, _use_new_zipfile_serialization=not old)
	return file


class TestSource:
	@pytest.mark.parametrize('old', [False, True])
	def test_tells_names_shapes_and_types_and_reads(self, old: bool, tmp_path: Path) -> None:
		"""Of archives, and of the single pickles that older versions wrote."""
		source = open_source(saved(tmp_path, TENSORS, old=old))

		assert source.shapes == {'a.weight': (2, 3), 'a.bias': (2,)}
		assert source.dtypes == {'a.weight': 'F32', 'a.bias': 'F16'}
		with source.open() as reader:
			assert torch.equal(reader.read('a.weight'), TENSORS['a.weight'])
			assert torch.equal(reader.read('a.weight'), TENSORS['a.weight'])

	def test_parts_of_what_was_saved_together(self, tmp_path: Path) -> None:
		"""Views of one tensor, turned ones, such as have no values: each as it was."""
		whole = torch.arange(24.0).reshape(4, 6)
		tensors = {
			'whole': whole,
			'rows': whole[1:3],
			'turned': whole.t(),
			'columns': whole[:, 2:4],
			'none': whole[:0].t(),
		}
		source = open_source(saved(tmp_path, tensors))

		with source.open() as reader:
			for name, tensor in tensors.items():
				assert torch.equal(reader.read(name), tensor)
			part = torch.empty(2)
			reader.fill('turned', part, 4)
			assert part.tolist() == [6, 12]

	def test_archives_that_were_packed_anew(self, tmp_path: Path) -> None:
		"""What is compressed cannot be read where it stands."""
		path = saved(tmp_path, TENSORS)
		packed = tmp_path / 'packed.ckpt'
		with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as new:
			for entry in old.infolist():
				new.writestr(entry.filename, old.read(entry))
		source = open_source(packed)

		with source.open() as reader:
			assert torch.equal(reader.read('a.weight'), TENSORS['a.weight'])

	@pytest.mark.parametrize('wrap', ['state_dict', 'params_ema', 'model'])
	def test_tensors_may_be_wrapped(self, wrap: str, tmp_path: Path) -> None:
		"""Beside what a trainer notes."""
		held = {wrap: TENSORS, 'epoch': 7, 'best': np.float64(0.5), 'optimizer_states': [{'lr': 1e-4}]}

		assert set(open_source(saved(tmp_path, held)).shapes) == set(TENSORS)

	def test_a_network_is_filled_from_it(self, tmp_path: Path) -> None:
		"""Its weights are memory of their own: the file may go."""
		written = Linear(3, 2)
		path = saved(tmp_path, {'state_dict': written.state_dict()})
		read = filled(
			built(lambda: Linear(3, 2), path, 'thing'),
			open_source(path),
			{},
			part='thing',
			load=Load((path,), 'thing'),
			dtype=torch.float32,
		)
		path.write_bytes(b'')

		assert torch.equal(read.weight, written.weight)


class TestRefusal:
	@pytest.mark.parametrize('old', [False, True])
	def test_code_is_refused_by_name_and_does_not_run(self, old: bool, tmp_path: Path) -> None:
		"""The error names the file and what it wanted to call."""
		mark = tmp_path / 'hacked'
		path = saved(tmp_path, {'state_dict': TENSORS, 'x': Attack(mark)}, old=old)

		with pytest.raises(UnknownFormat, match=r'model\.ckpt.*would run code of its own \(posix\.mkdir\)') as caught:
			open_source(path)

		assert 'use a .safetensors file' in str(caught.value)
		assert not mark.exists()

	def test_what_holds_no_tensors_is_refused(self, tmp_path: Path) -> None:
		"""A list, a number."""
		with pytest.raises(UnknownFormat, match='holds no tensors by name, but a list'):
			open_source(saved(tmp_path, [1, 2]))

	@pytest.mark.parametrize('kept', [0.3, 0.6, 0.95])
	@pytest.mark.parametrize('old', [False, True])
	def test_files_cut_short_are_refused(self, old: bool, kept: float, tmp_path: Path) -> None:
		"""Wherever the download broke off."""
		path = saved(tmp_path, {'weight': torch.zeros(1000)}, old=old)
		path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])

		def read() -> Tensor:
			with open_source(path).open() as reader:
				return reader.read('weight')

		with pytest.raises(UnknownFormat, match=r'model\.ckpt'):
			read()

	def test_plain_pickles_are_refused(self, tmp_path: Path) -> None:
		"""They are none of torch's."""
		path = tmp_path / 'model.pt'
		path.write_bytes(pickle.dumps({'a': 1}, protocol=2))

		with pytest.raises(UnknownFormat, match=r'model\.pt'):
			open_source(path)
