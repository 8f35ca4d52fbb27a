import { useState } from 'react';
import { tidy } from '../canvas/commands';
import { canvasCentre } from '../canvas/view';
import { editGraph, useGraph } from '../graph/store';
import { interruptRun, queueRuns } from '../run/submit';
import { useRun } from '../run/store';
import { Icon, type IconName } from './icons';
import { openSearch } from './searching';
import { WorkflowMenu } from './WorkflowMenu';

const MOST_RUNS = 99;

export function Toolbar() {
	const canUndo = useGraph((state) => state.log.done > 0);
	const canRedo = useGraph((state) => state.log.done < state.log.operations.length);
	const { undo, redo } = useGraph.getState();
	return (
		<header className="toolbar">
			<span className="brand" aria-hidden="true">
				<img src="./favicon.svg" alt="" width="22" height="22" />
				Lumengraph
			</span>
			<WorkflowMenu />
			<GraphTitle />
			<span className="gap" />
			<div className="tools">
				<Tool icon="undo" label="Undo" tip={'Undo\nCtrl+Z'} disabled={!canUndo} onClick={undo} />
				<Tool icon="redo" label="Redo" tip={'Redo\nCtrl+Y'} disabled={!canRedo} onClick={redo} />
				<Tool
					icon="tidy"
					label="Tidy layout"
					tip={'Tidy layout\nArranges the nodes from left to right'}
					onClick={tidy}
				/>
			</div>
			<button
				type="button"
				data-testid="add-node-button"
				data-tip={'Add a node\nDouble click on the canvas, / or Tab'}
				onClick={() => openSearch(canvasCentre(), null)}
			>
				<Icon name="plus" /> Add node
			</button>
			<ConnectionState />
			<RunControls />
		</header>
	);
}

interface ToolProps {
	readonly icon: IconName;
	readonly label: string;
	readonly tip: string;
	readonly disabled?: boolean;
	readonly onClick: () => void;
}

function Tool({ icon, label, tip, disabled = false, onClick }: ToolProps) {
	return (
		<button type="button" className="tool" aria-label={label} data-tip={tip} disabled={disabled} onClick={onClick}>
			<Icon name={icon} />
		</button>
	);
}

function GraphTitle() {
	const title = useGraph((state) => state.graph.title);
	const description = useGraph((state) => state.graph.description);
	return (
		<input
			className="graph-title"
			aria-label="Title of the workflow"
			data-testid="workflow-title"
			data-tip={description === '' ? 'Title of the workflow' : `${title}\n${description}`}
			placeholder="Untitled"
			spellCheck={false}
			value={title}
			onChange={(event) => {
				const text = event.target.value;
				editGraph((graph) => ({ ...graph, title: text }), 'title');
			}}
		/>
	);
}

const CONNECTION_WORDS = { connecting: 'connecting', open: 'connected', lost: 'connection lost' };

function ConnectionState() {
	const connection = useRun((state) => state.connection);
	return (
		<span className="connection" data-testid="connection-state" data-state={connection} role="status">
			<i aria-hidden="true" />
			{CONNECTION_WORDS[connection]}
		</span>
	);
}

function RunControls() {
	const [runs, setRuns] = useState('1');
	const remaining = useRun((state) => Math.max(state.remaining, Object.keys(state.jobs).length));
	const running = useRun((state) => state.current !== null);
	const count = Math.max(1, Math.min(MOST_RUNS, Math.trunc(Number(runs)) || 1));
	return (
		<div className="run">
			<button
				type="button"
				className="stop"
				data-testid="interrupt-button"
				disabled={!running}
				data-tip="Interrupt the running job"
				onClick={() => void interruptRun()}
			>
				<Icon name="stop" /> Interrupt
			</button>
			<div className="queue">
				<button
					type="button"
					className="primary"
					data-testid="queue-button"
					data-tip={'Run this workflow\nCtrl+Enter'}
					onClick={() => void queueRuns(count)}
				>
					<Icon name="play" /> Queue
					{remaining > 0 && (
						<span className="count" data-testid="queue-count" aria-label={`${remaining} waiting or running`}>
							{remaining}
						</span>
					)}
				</button>
				<input
					aria-label="How many runs to queue"
					data-tip="How many runs one click queues"
					inputMode="numeric"
					value={runs}
					onChange={(event) => setRuns(event.target.value.replace(/\D/g, '').slice(0, 2))}
					onBlur={() => setRuns(String(count))}
				/>
			</div>
		</div>
	);
}
