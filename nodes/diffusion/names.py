"""The names of samplers and schedules, as ComfyUI spells and orders them, for node declarations.

Importing this module imports no torch. The functions behind the names are `samplers.SAMPLERS` and
`schedules.SCHEDULES`.
"""

from __future__ import annotations

SAMPLERS = (
	'euler',
	'euler_ancestral',
	'heun',
	'lms',
	'dpmpp_2m',
	'lcm',
	'ipndm',
	'res_multistep',
	'ddim',
	'uni_pc',
	'uni_pc_bh2',
)

SCHEDULES = (
	'simple',
	'sgm_uniform',
	'karras',
	'exponential',
	'ddim_uniform',
	'beta',
	'normal',
	'linear_quadratic',
	'kl_optimal',
)
