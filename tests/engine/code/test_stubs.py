"""Generated types: what mypy says of workflows in code, with every installed kind."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.code.session import Session
from engine.code.stubs import stub_text, write_stubs
from engine.declaration import Input, NodeInfo, Output
from engine.settings import PROJECT
from server.cli import run_command

GOOD = """
from engine.code import Image, Latent, Model, Workflow

flow = Workflow('A star')
model, clip, vae = flow.CheckpointLoaderSimple(ckpt_name='lumen-demo.safetensors')


def sampled(model: Model, seed: int) -> Latent:
	return flow.KSampler(
		model=model,
		positive=flow.CLIPTextEncode(clip=clip, text=flow.input('prompt', 'a red star')),
		negative=flow.CLIPTextEncode(clip=clip, text=flow.PrimitiveString(value='x')),
		latent_image=flow.EmptyLatentImage(width=128, height=128),
		seed=flow.input('seed', seed),
		sampler_name='euler',
		_id='sample',
	)


images: Image = flow.VAEDecode(samples=sampled(model, 3), vae=vae)
flow.output('picture', flow.SaveImage(images=flow.BatchImagesNode(images=[images, images])))
for picture in flow.run(images)[images]:
	picture.show()
width: int = flow.run(flow.PrimitiveInt(value=1))[flow.PrimitiveInt(value=1)]
"""
BAD = """
from engine.code import Workflow

flow = Workflow()
model, clip, vae = flow.CheckpointLoaderSimple()
flow.VAEDecode(samples=clip, vae=vae)
flow.CLIPTextEncode(clip=clip, text=7)
flow.KSamplerSelect(sampler_name='euller')
flow.KSamplr()
flow.SaveImage(pictures=1)
flow.LatentUpscale()
"""


@pytest.fixture(scope='module')
def typings(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A folder with the stub of all built-in kinds."""
	folder = tmp_path_factory.mktemp('typings')
	write_stubs(folder, session.described())
	return folder


def mypy(typings: Path, code: str) -> list[str]:
	"""What mypy says of a program, without the file's name."""
	program = typings / 'program.py'
	program.write_text(code)
	done = subprocess.run(
		[sys.executable, '-m', 'mypy', '--strict', '--config-file=', '--follow-imports=silent', 'program.py'],
		cwd=typings,
		env={**os.environ, 'MYPYPATH': f'{typings}{os.pathsep}{PROJECT}', 'MYPY_CACHE_DIR': str(typings / 'cache')},
		capture_output=True,
		text=True,
		timeout=300,
		check=False,
	)

	assert not done.stderr, done.stderr
	return [line.removeprefix('program.py:') for line in done.stdout.splitlines() if ': error:' in line]


class TestMypy:
	def test_good_and_bad_programs(self, typings: Path) -> None:
		"""A good program passes; a CLIP for a LATENT, a number for a text, a wrong choice, kind or input do not."""
		assert mypy(typings, GOOD) == []
		found = mypy(typings, BAD)

		assert [line.partition(':')[0] for line in found] == ['6', '7', '8', '9', '10', '11']
		assert 'incompatible type "Clip"; expected "Latent"' in found[0]
		assert 'incompatible type "int"; expected "str | String | Combo"' in found[1]
		assert '"Workflow" has no attribute "KSamplr"; maybe "KSampler"?' in found[3]


class TestText:
	def test_every_kind_is_a_method(self, session: Session, typings: Path) -> None:
		"""With its description; the stub is good Python."""
		tree = ast.parse((typings / 'engine' / 'code' / '__init__.pyi').read_text())
		[workflow] = [item for item in tree.body if isinstance(item, ast.ClassDef) and item.name == 'Workflow']
		methods = {item.name: item for item in workflow.body if isinstance(item, ast.FunctionDef)}

		assert set(methods) == {kind for kind in session.nodes if kind.isidentifier()}
		assert (ast.get_docstring(methods['VAEDecode']) or '').startswith(session.nodes['VAEDecode'].description)

	def test_odd_names(self) -> None:
		"""Kinds and inputs that Python cannot name are left to `place` and to further arguments."""
		odd = NodeInfo(kind='A Kind', title='', category='')
		class_input = NodeInfo(
			kind='Odd',
			title='',
			category='',
			description='Says """ and \\.',
			inputs=(Input(name='class', type='INT'), Input(name='fine', type='THING,OTHER', required=False)),
			outputs=(Output(name='INDEX', type='THING'), Output(name='2nd', type='*')),
		)
		text = stub_text([odd, class_input])
		ast.parse(text)

		assert 'A Kind' not in text
		assert 'fine: Thing | Other | None = ...' in text
		assert '**more: Any' in text
		assert '\tindex_: Thing\n\toutput_2nd: Any' in text


class TestCommand:
	def test_writes_the_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""`lumengraph stubs DIR` tells where the stub is."""
		code = run_command(['stubs', str(tmp_path / 'typings'), '--base', str(tmp_path)])

		assert code == 0
		assert Path(capsys.readouterr().out.strip()).read_text().startswith('"""Types of the nodes')
