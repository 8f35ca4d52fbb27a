import { NodeResizer, type NodeProps } from '@xyflow/react';
import { lazy, memo, Suspense, useState } from 'react';
import { editGraph, useGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { commandItem, openMenu } from '../panels/menu';
import { selectNodes, type FlowNode } from './flow';
import { colourItems, updateNote } from './looks';
import { useTabStop } from './focus';
import { partOf } from './parts';

const Markdown = lazy(() => import('../ui/Markdown'));
const SMALLEST = { width: 100, height: 60 };

/** Words on the canvas, in Markdown; a double click edits them. */
export const NoteBox = memo(function NoteBox({ id: canvasId, selected }: NodeProps<FlowNode>) {
	const { id } = partOf(canvasId);
	const note = useGraph((state) => state.graph.notes[id]);
	const [editing, setEditing] = useState(false);
	const tabStop = useTabStop(canvasId);
	if (note === undefined) {
		return null;
	}
	const plain = note.extra.plain === true;
	return (
		<div
			className="note"
			role="group"
			tabIndex={tabStop}
			aria-roledescription={t('building.note')}
			aria-label={note.text.split('\n', 1)[0] || t('building.note')}
			data-testid={`note-${id}`}
			style={note.color === '' ? {} : { '--frame': note.color }}
			onDoubleClick={() => setEditing(true)}
			onKeyDown={(event) => {
				if (event.key === 'F2' && !editing) {
					setEditing(true);
				}
			}}
			onContextMenu={(event) => {
				selectNodes([canvasId]);
				openMenu(event, [
					{ text: t('note.edit'), act: () => setEditing(true) },
					...colourItems((color) => editGraph((graph) => updateNote(graph, id, { color }))),
					commandItem('remove'),
				]);
			}}
		>
			<NodeResizer
				isVisible={selected === true}
				minWidth={SMALLEST.width}
				minHeight={SMALLEST.height}
				onResizeEnd={(_event, { x, y, width, height }) =>
					editGraph((graph) => updateNote(graph, id, { x, y, width, height }))
				}
			/>
			{editing ? (
				<textarea
					className="nodrag nowheel"
					autoFocus
					data-testid={`note-text-${id}`}
					aria-label={t('note.text')}
					placeholder={t('note.hint')}
					value={note.text}
					onChange={(event) => {
						const text = event.target.value;
						editGraph((graph) => updateNote(graph, id, { text }), `note ${id}`);
					}}
					onBlur={() => setEditing(false)}
				/>
			) : note.text === '' ? (
				<p className="faint">{t('note.empty')}</p>
			) : plain ? (
				<pre>{note.text}</pre>
			) : (
				<Suspense fallback={<pre>{note.text}</pre>}>
					<Markdown text={note.text} />
				</Suspense>
			)}
		</div>
	);
});
