"""The names of samplers and schedules, as ComfyUI spells and orders them, for node declarations.

Importing this module imports no torch. The functions behind the names are `samplers.SAMPLERS` and
`schedules.SCHEDULES`.
"""

from __future__ import annotations

SAMPLERS = (
	'euler',
	'euler_cfg_pp',
	'euler_ancestral',
	'euler_ancestral_cfg_pp',
	'heun',
	'heunpp2',
	'dpm_2',
	'dpm_2_ancestral',
	'lms',
	'dpm_fast',
	'dpm_adaptive',
	'dpmpp_2s_ancestral',
	'dpmpp_2s_ancestral_cfg_pp',
	'dpmpp_sde',
	'dpmpp_sde_gpu',
	'dpmpp_2m',
	'dpmpp_2m_cfg_pp',
	'dpmpp_2m_sde',
	'dpmpp_2m_sde_gpu',
	'dpmpp_2m_sde_heun',
	'dpmpp_2m_sde_heun_gpu',
	'dpmpp_3m_sde',
	'dpmpp_3m_sde_gpu',
	'ddpm',
	'lcm',
	'ipndm',
	'ipndm_v',
	'deis',
	'res_multistep',
	'res_multistep_cfg_pp',
	'res_multistep_ancestral',
	'res_multistep_ancestral_cfg_pp',
	'gradient_estimation',
	'gradient_estimation_cfg_pp',
	'er_sde',
	'seeds_2',
	'seeds_3',
	'sa_solver',
	'sa_solver_pece',
	'ddim',
	'uni_pc',
	'uni_pc_bh2',
	'exp_heun_2_x0',
	'exp_heun_2_x0_sde',
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

DIFFUSERS = {
	'DDIMScheduler': ('ddim', 'ddim_uniform'),
	'DDPMScheduler': ('ddpm', 'ddim_uniform'),
	'PNDMScheduler': ('ipndm', 'ddim_uniform'),
	'LMSDiscreteScheduler': ('lms', 'normal'),
	'EulerDiscreteScheduler': ('euler', 'normal'),
	'EulerAncestralDiscreteScheduler': ('euler_ancestral', 'normal'),
	'HeunDiscreteScheduler': ('heun', 'normal'),
	'KDPM2DiscreteScheduler': ('dpm_2', 'normal'),
	'KDPM2AncestralDiscreteScheduler': ('dpm_2_ancestral', 'normal'),
	'DPMSolverSinglestepScheduler': ('dpmpp_2s_ancestral', 'normal'),
	'DPMSolverMultistepScheduler': ('dpmpp_2m', 'normal'),
	'DPMSolverSDEScheduler': ('dpmpp_sde', 'normal'),
	'DEISMultistepScheduler': ('deis', 'normal'),
	'UniPCMultistepScheduler': ('uni_pc_bh2', 'normal'),
	'SASolverScheduler': ('sa_solver', 'normal'),
	'LCMScheduler': ('lcm', 'sgm_uniform'),
	'FlowMatchEulerDiscreteScheduler': ('euler', 'simple'),
	'FlowMatchHeunDiscreteScheduler': ('heun', 'simple'),
}
"""The sampler and the schedule that stand for each of Diffusers' scheduler classes, for people who know
those; `nodes/README.md` lists them."""
