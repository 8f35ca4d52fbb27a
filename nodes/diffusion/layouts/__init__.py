"""How files lay out the tensors of each kind of network, and what the shapes say of its config. Imports no torch."""
