import { useState, type MouseEvent } from 'react';
import { tidy } from '../canvas/commands';
import { canvasCentre } from '../canvas/view';
import { editGraph, useGraph } from '../graph/store';
import { interruptRun, queueRuns } from '../run/submit';
import { useRun } from '../run/store';
import { Icon, type IconName } from './icons';
import { commandItem, openMenu } from './menu';
import { openSearch } from './searching';
import { JobProgress } from './JobProgress';
import { WorkflowMenu } from './WorkflowMenu';
import { keysText } from '../commands/keys';
import { commandOf } from '../commands/registry';
import { t } from '../i18n/i18n';

const MOST_RUNS = 99;
const NARROW = ['undo', 'redo', 'tidy', 'findNode', 'palette', 'shortcuts', 'open', 'download', 'newTab', 'theme'];

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
			<MoreMenu />
			<div className="tools">
				<Tool icon="undo" label={t('commands.undo')} tip={tip('undo')} disabled={!canUndo} onClick={undo} />
				<Tool icon="redo" label={t('commands.redo')} tip={tip('redo')} disabled={!canRedo} onClick={redo} />
				<Tool
					icon="tidy"
					label={t('commands.tidy')}
					tip={`${tip('tidy')}\n${t('toolbar.tidy')}`}
					onClick={() => void tidy()}
				/>
			</div>
			<button
				type="button"
				data-testid="add-node-button"
				aria-label={t('commands.addNode')}
				data-tip={`${tip('addNode')}\n${t('toolbar.add')}`}
				onClick={() => openSearch(canvasCentre(), null)}
			>
				<Icon name="plus" /> <span className="words">{t('commands.addNode')}</span>
			</button>
			<ConnectionState />
			<JobProgress />
			<RunControls />
		</header>
	);
}

/** In a narrow window, what does not fit beside the rest. */
function MoreMenu() {
	const open = (event: MouseEvent): void => openMenu(event, NARROW.map(commandItem));
	return (
		<button
			type="button"
			className="tool more"
			data-testid="more-menu"
			aria-haspopup="menu"
			aria-label={t('building.more')}
			data-tip={t('building.more')}
			onClick={open}
		>
			<Icon name="more" />
		</button>
	);
}

/** The name of a command, and its key on a line of its own. */
function tip(id: string): string {
	const { title, keys } = commandOf(id);
	return [title(), ...(keys?.[0] === undefined ? [] : [keysText(keys[0])])].join('\n');
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
			aria-label={t('toolbar.title')}
			data-testid="workflow-title"
			data-tip={description === '' ? t('toolbar.title') : `${title}\n${description}`}
			placeholder={t('tabs.untitled')}
			spellCheck={false}
			value={title}
			onChange={(event) => {
				const text = event.target.value;
				editGraph((graph) => ({ ...graph, title: text }), 'title');
			}}
		/>
	);
}

function ConnectionState() {
	const connection = useRun((state) => state.connection);
	return (
		<span className="connection" data-testid="connection-state" data-state={connection} role="status">
			<i aria-hidden="true" />
			<span className="words">{t(`toolbar.connection.${connection}`)}</span>
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
				aria-label={t('queue.interrupt')}
				data-testid="interrupt-button"
				disabled={!running}
				data-tip={tip('interrupt')}
				onClick={() => void interruptRun()}
			>
				<Icon name="stop" /> <span className="words">{t('queue.interrupt')}</span>
			</button>
			<div className="queue">
				<button
					type="button"
					className="primary"
					data-testid="queue-button"
					data-tip={tip('run')}
					onClick={() => void queueRuns(count)}
				>
					<Icon name="play" /> {t('toolbar.queue')}
					{remaining > 0 && (
						<span className="count" data-testid="queue-count" aria-label={t('toolbar.remaining', { count: remaining })}>
							{remaining}
						</span>
					)}
				</button>
				<input
					aria-label={t('toolbar.runs')}
					data-tip={t('toolbar.runs')}
					inputMode="numeric"
					value={runs}
					onChange={(event) => setRuns(event.target.value.replace(/\D/g, '').slice(0, 2))}
					onBlur={() => setRuns(String(count))}
				/>
			</div>
		</div>
	);
}
