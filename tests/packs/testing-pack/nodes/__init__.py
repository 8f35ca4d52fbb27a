"""A submodule that bears the name of one of the host's modules."""
