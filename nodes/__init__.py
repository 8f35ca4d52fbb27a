"""The built-in pack of nodes. It comes in by the same door as any other: `register(kit)`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from engine.plugins import Kit

DEMO_MODELS = Path(__file__).resolve().parent / 'demo' / 'models'


def register(kit: Kit) -> None:
	"""Add the nodes, the codecs, the loaders and marks of model files, and the embedded demo model and its companions."""
	from nodes import (
		assertion,
		comfy,
		compiling,
		conditioning,
		control,
		gligen,
		guide,
		hypernetwork,
		image,
		image_combine,
		image_edit,
		image_filter,
		image_grid,
		image_scale,
		ip_adapter,
		latent,
		latent_combine,
		latent_edit,
		latent_file,
		load,
		load_folder,
		logic,
		loop,
		mask,
		merge,
		model_attention,
		model_guidance,
		model_patch,
		model_sampling,
		patch,
		primitive,
		prompt,
		prompt_picture,
		quantise,
		sample,
		sampler,
		save,
		save_model,
		sigmas,
		speak,
		step_cache,
		text,
		upscale,
		vae,
		vision,
	)
	from nodes.codecs import add_codecs
	from nodes.computing import add_computing
	from nodes.diffusion.marks import MARKS

	for module in (
		*(load, load_folder, patch, hypernetwork, merge, save_model),
		*(prompt, prompt_picture, conditioning, control, gligen, model_patch, vision, ip_adapter, vae),
		*(sample, sampler, sigmas, guide, model_sampling, model_guidance, model_attention, step_cache),
		*(compiling, quantise),
		*(latent, latent_edit, latent_combine, latent_file),
		*(image, image_scale, image_edit, image_combine, image_filter, image_grid, upscale, save, mask),
		*(logic, loop, primitive, text, assertion, speak),
	):
		kit.collect(module)
	load.add_loaders(kit.loaders)
	load.add_sets(kit.catalogue)
	control.add_loaders(kit.loaders)
	gligen.add_loaders(kit.loaders)
	speak.add_loaders(kit.loaders)
	model_patch.add_loaders(kit.loaders)
	vision.add_loaders(kit.loaders)
	hypernetwork.add_loaders(kit.loaders)
	ip_adapter.add_loaders(kit.loaders)
	upscale.add_loaders(kit.loaders)
	add_codecs(kit.codecs)
	add_computing(kit.compute)
	compiling.add_compiling(kit.compute)
	quantise.add_precisions(kit.compute)
	for module in (model_sampling, model_guidance, model_attention, step_cache, hypernetwork, compiling):
		for setting in module.SETTINGS:
			kit.codecs.add_dataclass(setting, setting.__name__)
	kit.codecs.add_dataclass(ip_adapter.PicturePrompt, 'PicturePrompt')
	kit.marks.extend(MARKS)
	for kind in ('checkpoints', 'loras', 'controlnet'):
		kit.catalogue.add(kind, DEMO_MODELS / kind)
	comfy.register(kit)
	kit.exports.update(IMAGE=save.as_pictures, MASK=save.as_masks)
	kit.warm.append(load.import_libraries)
