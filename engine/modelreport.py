"""What a worker tells of the models that it holds."""

from __future__ import annotations

from engine.declaration import Model
from engine.events import LoadPhase
from engine.models import ModelRef
from engine.modelstore import ModelStore
from engine.rooms import Resident


class ResidentReport(Model):
	"""One set of weights in memory, or on its way there. `id` is also that of its load.

	`places` are bytes by place. `phase` is null once it can be used; until then `done` of `total` bytes of the phase are
	done. With `room`, no more than so many of its `size` bytes are at the place at a time. `patches` are those of its
	weights, by kind, file and strength; its own bytes are then only what they changed.
	"""

	id: str
	model: str
	part: str
	dtype: str
	patches: tuple[str, ...] = ()
	places: dict[str, int]
	nbytes: int
	size: int
	room: int | None = None
	leases: int
	phase: LoadPhase | None = None
	done: int = 0
	total: int = 0


class WorkReport(Model):
	"""Bytes that are kept free where is computed, for something that is worked out now; `label` tells what with."""

	label: str
	nbytes: int


class ModelReport(Model):
	"""The models of one worker, least recently used first; bytes that there are at each place, and that are used.

	What is used is what the residents hold there, and what is kept free for `work`.
	"""

	place: str
	budgets: dict[str, int]
	used: dict[str, int]
	residents: tuple[ResidentReport, ...]
	work: tuple[WorkReport, ...] = ()


def report(store: ModelStore) -> ModelReport:
	"""How it stands now."""
	with store.rooms.changed:
		residency = store.rooms.residency
		places, residents = residency.places, store.residents()
		held = {resident.holding for resident in residents}
		return ModelReport(
			place=store.rooms.place,
			budgets={place: residency.budget(place) for place in places},
			used={place: residency.used(place) for place in places},
			residents=tuple(map(_told, residents)),
			work=tuple(
				WorkReport(label=holding.label, nbytes=holding.nbytes) for holding in residency if holding not in held
			),
		)


def _told(resident: Resident) -> ResidentReport:
	ref: ModelRef[object] = resident.ref
	load = resident.load
	return ResidentReport(
		id=resident.id,
		model=resident.name,
		part=ref.part,
		dtype=ref.dtype,
		patches=resident.patches,
		places={place: nbytes for place, nbytes in resident.holding.bytes.items() if nbytes},
		nbytes=resident.nbytes,
		size=max(resident.size.nbytes, resident.nbytes if resident.room is None else 0),
		room=resident.room,
		leases=resident.leases - (load is not None),
		phase=None if load is None else load.phase,
		done=0 if load is None else load.done,
		total=0 if load is None else load.total,
	)
