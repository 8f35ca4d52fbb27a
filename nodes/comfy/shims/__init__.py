"""The modules that packs import under ComfyUI's names. Only packs see them so; see `nodes.comfy.view`."""
