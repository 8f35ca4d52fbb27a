import { NodeResizeControl, ResizeControlVariant, type NodeProps } from '@xyflow/react';
import { memo, useMemo, type MouseEvent } from 'react';
import { hasWidget } from '../graph/defaults';
import { useKind } from '../graph/kinds';
import { liveKind } from '../graph/live';
import { exposedName, outputName, toggleOutput } from '../graph/edit';
import { editGraph, useGraph, useNode } from '../graph/store';
import {
	constantOf,
	titleOf,
	type GraphNode as GraphNodeData,
	type InputInfo,
	type KindInfo,
	type OutputInfo,
} from '../graph/types';
import { Icon } from '../panels/icons';
import { commandItem, openMenu } from '../panels/menu';
import { useNodeProblems, useNodeRun } from '../run/inside';
import type { NodeState, Problem } from '../run/types';
import { enter } from '../commands/graph';
import { definitionOf } from '../graph/subgraphs';
import { colourItems, colourNodes } from './looks';
import { resizeNode } from './commands';
import { selectedNodes, selectNodes, useFlow, type FlowNode } from './flow';
import { outputHandle } from './handles';
import { FarNode } from './FarNode';
import { InputRow } from './InputRow';
import { NodeProblems } from './NodeProblems';
import { NodeProgress, NodeStatus } from './NodeStatus';
import { NodeResult } from './NodeResult';
import { NodeTitle, startRenaming } from './NodeTitle';
import { guessedOutputs } from './outputs';
import { socketColour } from './palette';
import { Socket } from './Socket';
import { useWidgetCount } from '../widgets/registry';
import { useView } from './view';
import { useTabStop } from './focus';
import { useTurn } from './turns';
import { kindTip, nodeWords, outputLabel, outputTip } from './words';
import { t } from '../i18n/i18n';

const MIN_WIDTH = 190;
const MAX_WIDTH = 900;

export const GraphNode = memo(function GraphNode({ id, selected }: NodeProps<FlowNode>) {
	const far = useView((view) => view.far);
	return far ? <FarNode id={id} /> : <NearNode id={id} selected={selected === true} />;
});

function NearNode(props: { id: string; selected: boolean }) {
	return useTurn(props.id) ? <WholeNode {...props} /> : <FarNode id={props.id} />;
}

function WholeNode({ id, selected }: { id: string; selected: boolean }) {
	const node = useNode(id);
	const info = useKind(node?.kind ?? '');
	const { state } = useNodeRun(id);
	const problems = useNodeProblems(id);
	return node === undefined ? null : (
		<NodeCard node={node} info={info} state={state} problems={problems} selected={selected} />
	);
}

interface CardProps {
	readonly node: GraphNodeData;
	readonly info: KindInfo | undefined;
	readonly state: NodeState;
	readonly problems: readonly Problem[];
	readonly selected: boolean;
}

function NodeCard({ node, info, state, problems, selected }: CardProps) {
	const { id } = node;
	const widgets = useWidgetCount();
	// Depends on `widgets`: a plugin may bring one for an input that had none.
	const rows = useMemo(() => inputsOf(node, info), [node, info, widgets]);
	const exposures = useGraph((store) => store.graph.inputs);
	const output = useGraph((store) => outputName(store.graph, id));
	const title = titleOf(node, info);
	const { place, mode } = node;
	const collapsed = place.collapsed === true;
	const accent = place.color ?? socketColour(info?.outputs[0]?.type ?? info?.inputs[0]?.type ?? '*');
	const row = ({ input, undeclared }: Row) => (
		<InputRow
			key={input.name}
			node={id}
			input={input}
			value={node.inputs[input.name]}
			exposed={Object.keys(exposures).length === 0 ? null : exposedName(useGraph.getState().graph, id, input.name)}
			problem={problems.find((problem) => problem.input === input.name)?.message ?? null}
			undeclared={undeclared}
		/>
	);
	const onContextMenu = (event: MouseEvent): void => {
		// Text has the browser's own menu.
		if (event.target instanceof Element && event.target.matches('input, textarea, pre')) {
			return;
		}
		if (!selected) {
			selectNodes([id]);
		}
		openMenu(event, [
			{ text: t('node.rename'), act: () => startRenaming(id) },
			...(definitionOf(node.kind) === null ? [] : ['enter', 'unpack'].map(commandItem)),
			commandItem('runBranch'),
			...['duplicate', 'makeSubgraph', 'mute', 'bypass', 'collapse', 'pin'].map(commandItem),
			...colourItems((color) => editGraph((graph) => colourNodes(graph, selectedNodes(), color))),
			...(info?.isSink === true
				? [
						{
							text: output === null ? t('node.offerOutput') : t('node.stopOffering', { name: output }),
							act: () => editGraph((graph) => toggleOutput(graph, id)),
						},
					]
				: []),
			commandItem('remove'),
		]);
	};

	return (
		<div
			className="node"
			role="group"
			tabIndex={useTabStop(id)}
			aria-roledescription={t('building.node')}
			aria-label={nodeWords(title, node, state, problems.length)}
			onContextMenu={onContextMenu}
			data-testid={`node-${id}`}
			data-state={state}
			data-kind={node.kind}
			data-title={title}
			data-unknown={info === undefined || undefined}
			data-problem={problems.length > 0 || undefined}
			data-mode={mode}
			data-collapsed={collapsed || undefined}
			data-coloured={place.color !== undefined || undefined}
			style={{ '--accent': accent }}
		>
			<NodeResizeControl
				position="right"
				variant={ResizeControlVariant.Line}
				resizeDirection="horizontal"
				minWidth={MIN_WIDTH}
				maxWidth={MAX_WIDTH}
				onResizeEnd={(_event, { x, y, width }) => resizeNode(id, { x, y, width })}
			/>
			<header className="node-head">
				<NodeTitle id={id} title={title} />
				{mode !== 'run' && <span className="badge">{t(`node.mode.${mode}`)}</span>}
				{place.pinned === true && <span className="badge">{t('node.pinned')}</span>}
				{definitionOf(node.kind) !== null && (
					<button
						type="button"
						className="tool nodrag"
						data-testid={`enter-${id}`}
						aria-label={t('commands.enter')}
						data-tip={t('commands.enter')}
						onClick={() => enter(id)}
					>
						<Icon name="entry" />
					</button>
				)}
				{info?.experimental === true && <span className="badge">{t('node.experimental')}</span>}
				{info?.deprecated === true && <span className="badge">{t('node.deprecated')}</span>}
				{output !== null && (
					<span
						className="exposed"
						role="img"
						aria-label={t('node.output', { name: output })}
						data-tip={t('node.output', { name: output })}
					>
						<Icon name="exit" />
					</span>
				)}
				<NodeStatus id={id} />
				<span className="info" role="img" aria-label={t('node.about', { title })} data-tip={kindTip(node.kind, info)}>
					<Icon name="info" />
				</span>
			</header>
			<NodeProgress id={id} />
			{info === undefined && (
				<p className="unknown">{t('node.unknown', { kind: node.kind })}</p>
			)}
			<div className="sockets">
				<div className="inputs">{rows.filter((entry) => entry.bare).map(row)}</div>
				<Outputs id={id} info={info} />
			</div>
			<div className="widgets">{rows.filter((entry) => !entry.bare).map(row)}</div>
			<NodeProblems id={id} problems={problems} />
			<NodeResult id={id} />
		</div>
	);
}

function Outputs({ id, info }: { id: string; info: KindInfo | undefined }) {
	const read = useFlow((flow) => flow.read[id] ?? '');
	// Depends on `read`: an unknown kind has the outputs that others read.
	const guessed = useMemo(
		() => (info === undefined ? guessedOutputs(useGraph.getState().graph, id) : []),
		[info, id, read],
	);
	const outputs: readonly OutputInfo[] = info?.outputs ?? guessed;
	return (
		<div className="outputs">
			{outputs.map((output) => (
				<div className="output" key={output.index} data-tip={outputTip(output)}>
					<span className="label">{outputLabel(output)}</span>
					<Socket
						node={id}
						side="source"
						handle={outputHandle(output.index)}
						type={output.type}
						label={output.name}
						filled={read.includes(` ${outputHandle(output.index)} `)}
					/>
				</div>
			))}
		</div>
	);
}

interface Row {
	readonly input: InputInfo;
	readonly undeclared: boolean;
	/** No widget now or ever: stands beside the outputs. */
	readonly bare: boolean;
}

function inputsOf(node: GraphNodeData, info: KindInfo | undefined): Row[] {
	const declared = (liveKind(info, node)?.inputs ?? []).map((input): Row => {
		const value = node.inputs[input.name];
		const bare = !hasWidget(input) && !(value !== undefined && 'constant' in value);
		return { input, undeclared: false, bare };
	});
	const names = new Set(declared.map((row) => row.input.name));
	const others = Object.entries(node.inputs).filter(([name]) => !names.has(name));
	return [
		...declared,
		...others.map(([name, value]): Row => {
			// Text needs no quotes to be edited; anything else is shown as the JSON it is.
			const options = typeof constantOf(value) === 'string' ? { widgetType: 'STRING' } : {};
			const input = { name, type: '*', required: false, options, choices: null, tooltip: '' };
			return { input, undeclared: info !== undefined, bare: 'link' in value };
		}),
	];
}
