import { useCallback, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { useFlow } from '../canvas/flow';
import { toggleMode, updateFrame } from '../canvas/looks';
import { partOf } from '../canvas/parts';
import { jumpTo } from '../canvas/view';
import { graphAt, withGraph } from '../graph/doc';
import { rename } from '../graph/edit';
import { useKinds } from '../graph/kinds';
import { editDoc, useGraph } from '../graph/store';
import type { Graph } from '../graph/types';
import { Icon } from '../panels/icons';
import { runIds, together } from '../run/inside';
import { useRun } from '../run/store';
import { IDLE } from '../run/types';
import { Tree } from '../ui/Tree';
import { outlineRows, type OutlineRow } from './outline';
import { SearchField } from '../ui/SearchField';

/** All that is in the document, to jump to, rename and mute. */
export default function OutlinePanel() {
	const { t } = useTranslation();
	const doc = useGraph((state) => state.doc);
	const here = useGraph(({ path }) => path.map(({ instance }) => `${instance}:`).join(''));
	const kinds = useKinds((state) => state.kinds);
	const selected = useFlow((flow) => flow.selected);
	const [text, setText] = useState('');
	const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
	const [renaming, setRenaming] = useState<string | null>(null);
	const rows = useMemo(() => outlineRows(doc, kinds, turned), [doc, kinds, turned]);
	const wanted = text.trim().toLowerCase();
	const shown = useMemo(() => {
		const found = rows.filter(({ label, node, canvasId }) =>
			`${label}\n${node?.kind ?? ''}\n${canvasId}`.toLowerCase().includes(wanted),
		);
		const isSelected = ({ id, canvasId }: OutlineRow): boolean => id === here + canvasId && selected.has(canvasId);
		// A row that stays the same object is not drawn again.
		return found.map((row) => (isSelected(row) ? { ...row, selected: true } : row));
	}, [rows, wanted, here, selected]);
	const toggle = ({ id }: OutlineRow): void =>
		setTurned((before) => new Set(before.has(id) ? [...before].filter((other) => other !== id) : [...before, id]));
	const draw = useCallback(
		(row: OutlineRow) => (
			<RowContent
				row={row}
				renaming={row.id === renaming}
				onRename={() => setRenaming(row.id)}
				onRenamed={(title) => {
					setRenaming(null);
					retitle(row, title);
				}}
			/>
		),
		[renaming],
	);
	return (
		<div className="outline">
			<SearchField testid="outline-filter" label={t('building.filter')} value={text} onChange={setText} />
			{shown.length === 0 ? (
				<p className="none">{t(text === '' ? 'building.noNodes' : 'common.nothing')}</p>
			) : (
				<Tree
					label={t('panels.outline')}
					testid="outline-tree"
					rows={shown}
					onToggle={toggle}
					onChoose={({ path, canvasId }) => jumpTo(path, canvasId)}
					onKey={(event, row) => {
						if (event.key === 'F2') {
							setRenaming(row.id);
						} else if (event.key === 'm' && row.node !== null) {
							mute(row);
						} else {
							return false;
						}
						return true;
					}}
				>
					{draw}
				</Tree>
			)}
		</div>
	);
}

interface RowContentProps {
	readonly row: OutlineRow;
	readonly renaming: boolean;
	readonly onRename: () => void;
	/** Null leaves the title as it was. */
	readonly onRenamed: (title: string | null) => void;
}

function RowContent({ row, renaming, onRename, onRenamed }: RowContentProps) {
	const { t } = useTranslation();
	return (
		<>
			<State row={row} />
			{renaming ? (
				<TitleField row={row} onDone={onRenamed} />
			) : (
				<span
					className="name"
					data-mode={row.node?.mode}
					data-tip={`${row.label}\n${row.node?.kind ?? t('building.frame')}`}
					onDoubleClick={onRename}
				>
					{row.label}
				</span>
			)}
			{row.node !== null && (
				<button
					type="button"
					className="tool"
					tabIndex={-1}
					aria-label={`${t('commands.mute')}: ${row.label}`}
					aria-pressed={row.node.mode === 'mute'}
					data-testid={`outline-mute-${row.id}`}
					data-tip={`${t('commands.mute')}\nM`}
					onClick={(event) => {
						event.stopPropagation();
						mute(row);
					}}
				>
					<Icon name={row.node.mode === 'mute' ? 'muted' : 'eye'} />
				</button>
			)}
		</>
	);
}

/** How it is getting on, or that something is wrong with it. */
function State({ row }: { row: OutlineRow }) {
	const { t } = useTranslation();
	const doc = useGraph((state) => state.doc);
	const ids = useMemo(() => (row.node === null ? [] : runIds(doc, row.node, row.runId)), [doc, row.node, row.runId]);
	const { state } = useRun(useShallow(({ nodes }) => together(ids.map((id) => nodes[id] ?? IDLE))));
	const wrong = useRun(({ problems }) => [row.runId, ...ids].some((id) => (problems[id]?.length ?? 0) > 0));
	if (row.node === null) {
		return <Icon name="frame" />;
	}
	const shown = wrong ? 'error' : state;
	const words = wrong ? t('problems.label') : state === 'idle' ? '' : state === 'running' ? t('queue.running') : t(`node.state.${state}`);
	return (
		<i
			className="dot"
			data-state={shown}
			{...(words === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': words, 'data-tip': words })}
		/>
	);
}

function TitleField({ row, onDone }: { row: OutlineRow; onDone: (title: string | null) => void }) {
	const { t } = useTranslation();
	const [text, setText] = useState(row.label);
	const dropped = useRef(false);
	return (
		<input
			autoFocus
			className="name"
			data-testid="outline-rename"
			aria-label={t('node.title')}
			value={text}
			onFocus={(event) => event.target.select()}
			onClick={(event) => event.stopPropagation()}
			onChange={(event) => setText(event.target.value)}
			onBlur={() => onDone(dropped.current ? null : text.trim())}
			onKeyDown={(event) => {
				if (event.key === 'Enter' || event.key === 'Escape') {
					event.stopPropagation();
					dropped.current = event.key === 'Escape';
					// The row takes the focus, and the blur ends it: once, whichever way it is left.
					event.currentTarget.closest<HTMLElement>('[role="treeitem"]')?.focus();
				}
			}}
		/>
	);
}

function retitle(row: OutlineRow, title: string | null): void {
	if (title !== null && title !== row.label) {
		change(row, (graph) =>
			row.node === null ? updateFrame(graph, partOf(row.canvasId).id, { title }) : rename(graph, row.node.id, title),
		);
	}
}

function mute(row: OutlineRow): void {
	const id = row.node?.id;
	if (id !== undefined) {
		change(row, (graph) => toggleMode(graph, new Set([id]), 'mute'));
	}
}

function change({ scope }: OutlineRow, edit: (graph: Graph) => Graph): void {
	editDoc((doc) => {
		const graph = graphAt(doc, scope);
		return graph === undefined ? doc : withGraph(doc, scope, edit(graph));
	});
}
