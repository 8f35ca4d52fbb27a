"""The checker's problems as the dialect tells them: reasons per node, and one error for the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.declaration import Choice, Input, NodeInfo, Option
from engine.problems import Checked, Code, Problem
from engine.storage import Storage
from server.comfy.object_info import input_spec
from server.schemas.prompt import NodeErrors, PromptError, PromptErrorInfo, PromptRefused, Reason, ReasonInfo

LONG_LIST = 20
MESSAGES: Mapping[Code, str] = {
	'required_input_missing': 'A required input is missing',
	'unknown_input': 'The node has no such input',
	'bad_linked_input': 'A link leads nowhere',
	'return_type_mismatch': 'A link brings a type that the input does not take',
	'invalid_input_type': 'A value is not of the type that the input takes',
	'value_smaller_than_min': 'A value is below the minimum',
	'value_bigger_than_max': 'A value is above the maximum',
	'value_not_in_list': 'A value is none of those that may be chosen',
	'custom_validation_failed': 'The node refuses a value',
	'dependency_cycle': 'The links lead in a circle',
}


def refusal(type: str, message: str, details: str = '', info: PromptErrorInfo | None = None) -> PromptRefused:
	"""A refusal that speaks of the whole."""
	extra_info = PromptErrorInfo() if info is None else info
	error = PromptError(type=type, message=message, details=details, extra_info=extra_info)
	return PromptRefused(error=error, node_errors={})


def refused(checked: Checked, nodes: Mapping[str, NodeInfo], storage: Storage) -> PromptRefused | None:
	"""Why nothing of a checked graph can run; None if something can."""
	missing = [problem for problem in checked.problems if problem.code == 'missing_node_type']
	if missing:
		return missing_kinds(missing)
	if not checked.sinks:
		return refusal('prompt_no_outputs', 'The graph has no node that saves or shows something')
	if checked.good_sinks:
		return None
	found = node_errors(checked, nodes, storage)
	lines = [f'{reason.message}: {reason.details}' for node in found.values() for reason in node.errors]
	error = PromptError(
		type='prompt_outputs_failed_validation',
		message='Nothing that the graph saves or shows can be made',
		details='\n'.join(lines),
		extra_info=PromptErrorInfo(),
	)
	return PromptRefused(error=error, node_errors=found)


def missing_kinds(problems: Sequence[Problem]) -> PromptRefused:
	"""Some nodes are of kinds that are not installed; clients read of the first which it is."""
	first = problems[0]
	kinds = ', '.join(dict.fromkeys(repr(problem.kind) for problem in problems if problem.kind))
	title = first.value if isinstance(first.value, str) else first.kind or f'node {first.node}'
	return refusal(
		'missing_node_type',
		f'These kinds of nodes are not known: {kinds}' if kinds else 'A node does not say its class_type',
		'; '.join(f"Node ID '#{problem.node}': expected {problem.expected}" for problem in problems),
		PromptErrorInfo(node_id=first.node, class_type=first.kind or None, node_title=title),
	)


def node_errors(checked: Checked, nodes: Mapping[str, NodeInfo], storage: Storage) -> dict[str, NodeErrors]:
	"""Node id → all that is wrong with it. Nodes that only need a bad one are not listed."""
	readers: dict[str, list[str]] = {}
	for node, _, link in checked.graph.links():
		readers.setdefault(link.node, []).append(node)
	# The file choices of all kinds at once, since each listing reads the disk.
	kinds = {problem.kind for problem in checked.problems if problem.kind in nodes}
	declared = {node.kind: node for node in storage.described([nodes[kind] for kind in kinds])}
	found: dict[str, NodeErrors] = {}
	for problem in checked.problems:
		if problem.node is None:
			continue
		if problem.node not in found:
			found[problem.node] = NodeErrors(
				errors=[],
				dependent_outputs=spoilt_sinks(checked, problem.node, readers),
				class_type=problem.kind,
			)
		found[problem.node].errors.append(reason(problem, declared))
	return found


def spoilt_sinks(checked: Checked, node: str, readers: Mapping[str, Sequence[str]]) -> list[str]:
	"""The sinks that need a node, itself included."""
	seen: set[str] = set()
	waiting = [node]
	while waiting:
		reached = waiting.pop()
		if reached not in seen:
			seen.add(reached)
			waiting.extend(readers.get(reached, ()))
	return [sink for sink in checked.sinks if sink in seen]


def reason(problem: Problem, declared: Mapping[str, NodeInfo]) -> Reason:
	"""One problem as a reason."""
	if problem.code == 'dependency_cycle':
		info = ReasonInfo(node_id=problem.node, cycle_nodes=list(problem.cycle))
		details = problem.received
	else:
		wanted = wanted_input(problem, declared)
		info = ReasonInfo.model_validate(facts(problem, wanted))
		details = told_details(problem, wanted)
	return Reason(type=problem.code, message=MESSAGES.get(problem.code, problem.code), details=details, extra_info=info)


def wanted_input(problem: Problem, declared: Mapping[str, NodeInfo]) -> Input | None:
	"""The declared input that a problem is about."""
	node = declared.get(problem.kind)
	return None if node is None or problem.input is None else node.inputs_by_name.get(problem.input)


def facts(problem: Problem, wanted: Input | None) -> dict[str, object]:
	"""The facts that go with a kind of problem; those that do not apply are left out."""
	found: dict[str, object] = {'input_name': problem.input}
	if wanted is None or problem.code == 'required_input_missing':
		return found
	found['input_config'] = None if problem.code == 'value_not_in_list' and is_long(wanted) else input_spec(wanted)
	if problem.code == 'return_type_mismatch':
		found['received_type'] = problem.value
		found['linked_node'] = problem.source
	else:
		found['received_value'] = problem.value
	if problem.code == 'invalid_input_type':
		found['exception_message'] = problem.told
	return found


def told_details(problem: Problem, wanted: Input | None) -> str:
	"""The details of a reason; they begin with the input's name, if it is about one."""
	if problem.input is None:
		return problem.told
	match problem.code:
		case 'required_input_missing':
			return problem.input
		case 'value_not_in_list' if wanted is not None:
			options = choices(wanted)
			listed = f'(list of length {len(options)})' if is_long(wanted) else str(list(options))
			return f'{problem.input}: {problem.value!r} not in {listed}'
		case 'bad_linked_input':
			return f'{problem.input}: {problem.received}'
		case _:
			return f'{problem.input}: {problem.told}'


def choices(wanted: Input) -> tuple[Option, ...]:
	"""What may be chosen at an input."""
	return wanted.widget.options if isinstance(wanted.widget, Choice) else ()


def is_long(wanted: Input) -> bool:
	"""Whether there are too many choices to send them along."""
	return len(choices(wanted)) > LONG_LIST
