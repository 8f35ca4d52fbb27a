"""The dialect that ComfyUI's clients speak, translated to and from the engine. Holds no state of jobs."""
