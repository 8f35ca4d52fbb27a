"""Lumengraph from Python: `from lumengraph import Workflow`. `lumengraph stubs` writes types for the installed nodes."""

from engine.code.handles import (
	Boolean,
	Clip,
	Conditioning,
	ControlNet,
	Float,
	Handle,
	Image,
	Int,
	Latent,
	Mask,
	Model,
	Node,
	String,
	Vae,
)
from engine.code.results import Result, SweepResult
from engine.code.session import RunFailed, Session
from engine.code.workflow import Workflow
from engine.settings import Settings
from engine.sweep import Range

__all__ = [
	'Boolean',
	'Clip',
	'Conditioning',
	'ControlNet',
	'Float',
	'Handle',
	'Image',
	'Int',
	'Latent',
	'Mask',
	'Model',
	'Node',
	'Range',
	'Result',
	'RunFailed',
	'Session',
	'Settings',
	'String',
	'SweepResult',
	'Vae',
	'Workflow',
]
