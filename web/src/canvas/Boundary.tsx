import type { NodeProps } from '@xyflow/react';
import { memo, useState } from 'react';
import { withoutOuter } from '../graph/packing';
import { editGraph, useGraph } from '../graph/store';
import { useKinds } from '../graph/kinds';
import type { Graph } from '../graph/types';
import { isObject } from '../json';
import { t } from '../i18n/i18n';
import { openMenu } from '../panels/menu';
import { boundaryKind, NEW, withoutOutput } from './boundary';
import { useFlow, type FlowNode } from './flow';
import { inputHandle, outputHandle } from './handles';
import { INPUTS, OUTPUTS } from './parts';
import { Socket } from './Socket';

/** What the subgraph on the canvas takes, or what it gives. A link to the last socket makes a new one. */
export const Boundary = memo(function Boundary({ id }: NodeProps<FlowNode>) {
	const graph = useGraph((state) => state.graph);
	const kinds = useKinds((state) => state.kinds);
	const read = useFlow((flow) => flow.read[INPUTS] ?? '');
	const info = boundaryKind(graph, kinds, id);
	const rows = id === INPUTS ? (info?.outputs ?? []) : (info?.inputs ?? []);
	const filled = new Set(Object.keys(graph.outputs));
	return (
		<div className="boundary" data-side={id === INPUTS ? 'inputs' : 'outputs'} data-testid={id === INPUTS ? 'subgraph-inputs' : 'subgraph-outputs'}>
			<header>{t(id === INPUTS ? 'subgraph.inputs' : 'subgraph.outputs')}</header>
			{rows.map(({ name, type }, index) => (
				<div key={name} className="boundary-row" data-new={name === NEW || undefined}>
					<Name side={id} name={name} />
					{id === INPUTS ? (
						<Socket
							node={id}
							side="source"
							handle={outputHandle(index)}
							type={type}
							label={name}
							filled={read.includes(` ${outputHandle(index)} `)}
						/>
					) : (
						<Socket
							node={id}
							side="target"
							handle={inputHandle(name)}
							type={type}
							label={name}
							filled={filled.has(name)}
						/>
					)}
				</div>
			))}
		</div>
	);
});

function Name({ side, name }: { side: string; name: string }) {
	const [draft, setDraft] = useState<string | null>(null);
	if (name === NEW) {
		return <span className="faint">{t('subgraph.new')}</span>;
	}
	const finish = (): void => {
		const wanted = draft?.trim() ?? '';
		setDraft(null);
		if (wanted !== '' && wanted !== name) {
			editGraph((graph) => labelled(graph, side === OUTPUTS ? 'outputs' : 'inputs', name, wanted));
		}
	};
	return draft === null ? (
		<button
			type="button"
			className="boundary-name nodrag"
			data-tip={t('subgraph.rename')}
			onClick={() => setDraft(name)}
			onContextMenu={(event) =>
				openMenu(event, [
					{
						text: t('subgraph.remove', { name }),
						act: () => editGraph((graph) => (side === OUTPUTS ? withoutOutput(graph, name) : withoutOuter(graph, name))),
					},
				])
			}
		>
			<Label side={side} name={name} />
		</button>
	) : (
		<input
			className="nodrag"
			autoFocus
			aria-label={t('subgraph.rename')}
			value={draft}
			onChange={(event) => setDraft(event.target.value)}
			onBlur={finish}
			onKeyDown={(event) => {
				if (event.key === 'Enter') {
					finish();
				} else if (event.key === 'Escape') {
					event.stopPropagation();
					setDraft(null);
				}
			}}
		/>
	);
}

function Label({ side, name }: { side: string; name: string }) {
	return useGraph(({ graph }) => {
		const entry = side === OUTPUTS ? graph.outputs[name] : graph.inputs[name];
		return isObject(entry) && typeof entry.label === 'string' && entry.label !== '' ? entry.label : name;
	});
}

/** Instances name inputs and outputs, so only what people read changes. */
function labelled(graph: Graph, side: 'inputs' | 'outputs', name: string, label: string): Graph {
	const entry = graph[side][name];
	return { ...graph, [side]: { ...graph[side], [name]: { ...(isObject(entry) ? entry : {}), label } } };
}
