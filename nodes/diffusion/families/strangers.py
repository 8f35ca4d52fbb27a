"""Files that we can tell and not run, so that the error says what they are."""

from __future__ import annotations

from collections.abc import Iterable

SIGNS = (
	('a LoRA', ('lora_down.weight', 'lora_up.weight', 'lora_A.weight', '.hada_w1_a', '.lokr_w1', 'lora_unet_')),
	('a ControlNet', ('control_model.', 'input_hint_block.', 'controlnet_cond_embedding.', 'controlnet_blocks.')),
	('a T2I-Adapter', ('body.0.in_conv.weight', 'body.0.resnets.0.block1.weight')),
	('an IP-Adapter', ('ip_adapter.', 'image_proj.')),
	('a textual inversion', ('emb_params', 'string_to_param')),
	('Stable Video Diffusion', ('.time_stack.', '.time_pos_embed.')),
	('the Stable Diffusion x4 upscaler', ('label_emb.weight',)),
	('Kolors', ('encoder_hid_proj.weight',)),
	('Stable Cascade', ('clip_txt_mapper.weight', 'clf.1.weight')),
	('AuraFlow', ('cond_seq_linear.weight',)),
	('Hunyuan-DiT', ('mlp_t5.0.weight',)),
	('HunyuanVideo', ('txt_in.individual_token_refiner.',)),
	('HiDream', ('caption_projection.0.linear.weight',)),
	('Chroma', ('distilled_guidance_layer.',)),
	('a relative of Flux', ('double_blocks.',)),
	('a relative of Stable Diffusion 3', ('joint_blocks.',)),
	('Wan', ('head.modulation',)),
	('Mochi', ('t5_yproj.weight',)),
	('LTX-Video', ('adaln_single.emb.timestep_embedder.linear_1.bias', 'patchify_proj.weight')),
	('PixArt', ('t_block.1.weight',)),
	('Cosmos', ('blocks.block0.',)),
	('a CLIP vision model', ('vision_model.', 'visual.transformer.')),
	('an upscaler', ('RRDB_trunk', 'conv_first.weight', 'model.1.sub.')),
	('a relative of Stable Diffusion', ('model.diffusion_model.input_blocks.', 'input_blocks.0.0.weight')),
	("a relative of Stable Diffusion in diffusers' layout", ('down_blocks.0.resnets.0.',)),
)
"""Title, and what a tensor's name contains in such files. The narrower stand first."""


def title(names: Iterable[str]) -> str | None:
	"""What a file with tensors of these names looks like; None if nothing is known of it."""
	listed = list(names)
	for said, signs in SIGNS:
		if any(sign in name for name in listed for sign in signs):
			return said
	return None
