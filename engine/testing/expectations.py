"""What a workflow is expected to give: the file `x.expect.json` beside `x.flow.json`, and the comparison with a run.

	{
		"inputs": {"seed": 3},
		"outputs": {"picture": {"count": 1, "width": 128, "height": 128, "like": "x.picture.png", "likeness": 0.95}}
	}

Pictures are compared by structural similarity (`engine.resemblance`). `digests` pin every pixel, for each class of devices
apart: another one computes slightly different numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from engine.code.results import Result, read_picture
from engine.code.workflow import Workflow
from engine.errors import BadDocument, NotFound
from engine.formats.workflow import parse_json
from engine.resemblance import difference, resemblance

LIKENESS = 0.95
SUFFIX = '.expect.json'


class OutputExpectation(BaseModel):
	"""What an output of the workflow is expected to be; what is not said may be anything.

	`count`, `width` and `height` are of pictures, `like` is a picture beside this file that they look like, with a
	`likeness` of at least 0.95 unless another is said. `digests` maps a class of devices to the SHA-256 of the pixels.
	`equals` is the value of an output that is no picture.
	"""

	model_config = ConfigDict(extra='forbid')

	count: int | None = None
	width: int | None = None
	height: int | None = None
	like: str | list[str] | None = None
	likeness: float = Field(default=LIKENESS, ge=0, le=1)
	digests: dict[str, str] | None = None
	equals: JsonValue = None


class Case(BaseModel):
	"""One run: values for named inputs, what the outputs are then, or words of the message with which it `fails`."""

	model_config = ConfigDict(extra='forbid')

	inputs: dict[str, JsonValue] = Field(default_factory=dict)
	outputs: dict[str, OutputExpectation] = Field(default_factory=dict)
	fails: str = ''


class Expectations(Case):
	"""The whole file: one case, or several by name."""

	cases: dict[str, Case] = Field(default_factory=dict)

	@property
	def by_name(self) -> dict[str, Case]:
		"""The cases; a single one has no name."""
		return self.cases or {'': self}


@dataclass(frozen=True)
class Unmet:
	"""An expectation that does not hold, with a picture of what differs if there is one."""

	output: str
	sentence: str
	picture: Image.Image | None = None


def stem_of(flow: Path) -> str:
	"""`x` of `x.flow.json`, and of `x.json`."""
	return flow.name.removesuffix('.json').removesuffix('.flow')


def expectations_path(flow: Path) -> Path:
	"""The file beside a workflow's that says what is expected."""
	return flow.with_name(stem_of(flow) + SUFFIX)


def read_expectations(flow: Path) -> Expectations:
	"""What is expected of a workflow file; nothing but that it runs, if there is no file. Raises `BadDocument`."""
	path = expectations_path(flow)
	try:
		content = path.read_bytes()
	except FileNotFoundError:
		return Expectations()
	try:
		return Expectations.model_validate(parse_json(content, str(path)))
	except ValidationError as error:
		places = '; '.join(f'{".".join(map(str, found["loc"]))}: {found["msg"]}' for found in error.errors())
		raise BadDocument(f'These are no expectations: {places}.', where=str(path)) from error


def compare(case: Case, result: Result, folder: Path, device: str) -> list[Unmet]:
	"""All that is not as expected. `device` is the class of devices that it was run on."""
	return [
		unmet for name, wanted in case.outputs.items() for unmet in _Comparison(name, wanted, folder, device).of(result)
	]


def update(flow: Path, name: str, workflow: Workflow, result: Result, device: str) -> None:
	"""Write what a run gave as what is expected from now on: sizes, reference pictures, and digests that are pinned.

	Outputs of which nothing is said yet get a size and a reference.
	"""
	expected = read_expectations(flow)
	case = expected.by_name[name]
	stem = '.'.join(filter(None, (stem_of(flow), name)))
	for output in [*case.outputs] or [item.name for item in workflow.interface.outputs]:
		wanted = case.outputs.get(output) or OutputExpectation(like=f'{stem}.{output}.png')
		case.outputs[output] = _updated(wanted, result[output], flow.parent, device)
	text = json.dumps(expected.model_dump(mode='json', exclude_defaults=True), indent='\t', ensure_ascii=False)
	expectations_path(flow).write_text(text + '\n', encoding='utf-8')


def _updated(wanted: OutputExpectation, value: object, folder: Path, device: str) -> OutputExpectation:
	pictures = _pictures(value)
	if pictures is None:
		return OutputExpectation.model_validate({'equals': value})
	references = _references(wanted)
	if len(references) != len(pictures) and references:
		first = Path(references[0])
		references = [
			first.name if index == 0 else f'{first.stem}.{index + 1}{first.suffix}' for index in range(len(pictures))
		]
	for name, picture in zip(references, pictures, strict=bool(references)):
		picture.save(folder / name)
	digests = wanted.digests if wanted.digests is None else {**wanted.digests, device: digest_of(pictures)}
	return wanted.model_copy(
		update={
			'count': len(pictures),
			'width': pictures[0].width if pictures else None,
			'height': pictures[0].height if pictures else None,
			'like': references[0] if len(references) == 1 else references or None,
			'digests': digests,
			'equals': None,
		}
	)


def digest_of(pictures: Sequence[Image.Image]) -> str:
	"""SHA-256 over size, mode and every pixel."""
	digest = hashlib.sha256()
	for picture in pictures:
		digest.update(f'{picture.size} {picture.mode}'.encode())
		digest.update(picture.tobytes())
	return digest.hexdigest()


def _pictures(value: object) -> list[Image.Image] | None:
	if isinstance(value, list) and all(isinstance(one, Image.Image) for one in value):
		return value
	return None


def _references(wanted: OutputExpectation) -> list[str]:
	return [] if wanted.like is None else [wanted.like] if isinstance(wanted.like, str) else wanted.like


@dataclass(frozen=True)
class _Comparison:
	"""One output beside what is expected of it."""

	name: str
	wanted: OutputExpectation
	folder: Path
	device: str

	def of(self, result: Result) -> list[Unmet]:
		"""All that is not as expected."""
		try:
			value = result[self.name]
		except NotFound as error:
			return [self._unmet(str(error))]
		pictures = _pictures(value)
		if 'equals' in self.wanted.model_fields_set:
			if value != self.wanted.equals:
				return [self._unmet(f'expected {self.wanted.equals!r}, got {value!r}')]
			return []
		if pictures is None:
			return [self._unmet(f'expected pictures, got {value!r}')]
		return [*self._counted(pictures), *self._alike(pictures), *self._pinned(pictures)]

	def _unmet(self, sentence: str, picture: Image.Image | None = None) -> Unmet:
		return Unmet(self.name, f'output {self.name!r}: {sentence}', picture)

	def _counted(self, pictures: list[Image.Image]) -> list[Unmet]:
		found: list[Unmet] = []
		if self.wanted.count is not None and len(pictures) != self.wanted.count:
			found.append(self._unmet(f'expected {self.wanted.count} pictures, got {len(pictures)}'))
		for side in ('width', 'height'):
			wanted = getattr(self.wanted, side)
			others = {getattr(picture, side) for picture in pictures} - {wanted}
			if wanted is not None and others:
				found.append(self._unmet(f'expected a {side} of {wanted} pixels, got {", ".join(map(str, others))}'))
		return found

	def _alike(self, pictures: list[Image.Image]) -> list[Unmet]:
		references = _references(self.wanted)
		if references and len(references) != len(pictures):
			return [self._unmet(f'expected {len(references)} pictures to compare, got {len(pictures)}')]
		found: list[Unmet] = []
		for name, picture in zip(references, pictures, strict=False):
			try:
				expected = read_picture(self.folder / name)
			except FileNotFoundError:
				found.append(self._unmet(f'there is no reference {name!r}; --flow-update writes it'))
				continue
			if expected.size != picture.size:
				sentence = f'{name} has {expected.size} pixels, the picture {picture.size}'
				found.append(self._unmet(sentence, difference(expected, picture)))
				continue
			measured = resemblance(expected, picture)
			if not measured >= self.wanted.likeness:
				sentence = f'expected a likeness to {name} of {self.wanted.likeness:g} or more, got {measured:.4f}'
				found.append(self._unmet(sentence, difference(expected, picture)))
		return found

	def _pinned(self, pictures: list[Image.Image]) -> list[Unmet]:
		pinned = (self.wanted.digests or {}).get(self.device)
		got = digest_of(pictures)
		if pinned is None or pinned == got:
			return []
		return [self._unmet(f'expected the pixels that are pinned for {self.device} ({pinned[:12]}…), got {got[:12]}…')]
