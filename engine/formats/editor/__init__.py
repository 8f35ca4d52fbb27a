"""ComfyUI's editor form: the graph as its canvas draws it, versions 0.4 and 1.

| step | file |
|---|---|
| JSON → nodes, slots and wires, whatever state the file is in | `sheet.py` |
| which node types the canvas alone knows, which types fit | `kinds.py` |
| values without names → inputs by name | `widgets.py` |
| the words that say what becomes of values after a run ↔ `seeds` of a layout | `controls.py` |
| instances of subgraphs and group nodes, one inside of the other | `places.py`, `groupnodes.py` |
| what feeds an input in the end | `follow.py` |
| which inputs of instances set which inputs inside | `promoted.py` |
| all of it → `Graph` | `read.py` |
| all of it → native document, subgraphs and all | `structure.py`, `drafts.py`, `drawn.py`, `models.py` |
| native document → editor form | `write.py`, `write_node.py`, `instances.py`, `drawn.py`, `arrange.py` |
"""
