"""ComfyUI's `comfy`: as much of it as is provided."""
