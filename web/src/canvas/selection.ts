/** What a person does to all that is selected: delete, copy, paste, move, align. */

import { changeFromOutside, pointsAt } from '../graph/addresses';
import { aligned, distributed, type Alignment, type Boxed, type Direction } from '../graph/align';
import { copyParts, pasteParts, readClipboard, type Pasted } from '../graph/clipboard';
import { graphAt, withGraph, type Doc } from '../graph/doc';
import * as edit from '../graph/edit';
import { currentKinds, useKinds } from '../graph/kinds';
import { currentDoc, currentGraph, editDoc, editGraph, useGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { showToast } from '../panels/toasts';
import { infoOf, unjoined } from './commands';
import { selectedEdges, selectedParts, selectNodes, useFlow } from './flow';
import { inputName } from './handles';
import { partId, partOf, type Part } from './parts';
import { lastPointer, toGraph, type Point } from './view';

const PASTE_OFFSET = 40;

export function selectedOf(wanted: Part): Set<string> {
	const parts = [...selectedParts()].map(partOf);
	return new Set(parts.filter(({ part }) => part === wanted).map(({ id }) => id));
}

export function removeSelected(): void {
	const nodes = selectedOf('node');
	const edges = selectedEdges();
	const [frames, notes, points] = (['frame', 'note', 'reroute'] as const).map((part) => [...selectedOf(part)]);
	const { scope } = useGraph.getState();
	editDoc((doc) => {
		const graph = graphAt(doc, scope) ?? doc.root;
		const cut = edges.reduce((next, edge) => {
			const input = inputName(edge.targetHandle);
			return input === null ? next : unjoined(next, edge.target, input);
		}, graph);
		const parts = edit.removeParts(cut, frames ?? [], notes ?? [], points ?? []);
		if (nodes.size === 0) {
			return withGraph(doc, scope, parts);
		}
		const others = changeFromOutside(doc, scope, (entry) => (pointsAt(graph, entry, nodes) ? null : entry));
		return withGraph(others, scope, edit.removeNodes(parts, nodes, infoOf));
	});
}

/** Nodes, frames and notes as text; null where none is selected. */
export function copySelected(): string | null {
	const chosen = { nodes: selectedOf('node'), frames: selectedOf('frame'), notes: selectedOf('note') };
	const { doc, scope } = useGraph.getState();
	return chosen.nodes.size + chosen.frames.size + chosen.notes.size === 0 ? null : copyParts(doc, scope, chosen);
}

/** True when the text held nodes. */
export function pasteText(text: string): boolean {
	const pasted = readClipboard(text, currentKinds());
	if (pasted === null) {
		return false;
	}
	const { nodes, frames, notes } = pasted.root;
	const places = [...Object.values(nodes).map(({ place }) => place), ...Object.values(frames), ...Object.values(notes)];
	const at = toGraph(lastPointer());
	if (places.length > 0) {
		paste(pasted, { x: at.x - Math.min(...places.map(({ x }) => x)), y: at.y - Math.min(...places.map(({ y }) => y)) });
	}
	return true;
}

export function duplicateSelected(): void {
	const text = copySelected();
	const copy = text === null ? null : readClipboard(text, currentKinds());
	if (copy !== null) {
		paste(copy, { x: PASTE_OFFSET, y: PASTE_OFFSET });
	}
}

export function selectAll(): void {
	const { nodes, frames, notes, reroutes } = currentGraph();
	const parts = Object.entries({ frame: frames, note: notes, reroute: reroutes }) as [Part, { [id: string]: unknown }][];
	selectNodes([...Object.keys(nodes), ...parts.flatMap(([part, all]) => Object.keys(all).map((id) => partId(part, id)))]);
}

export function nudgeSelected(dx: number, dy: number): void {
	const chosen = selectedParts();
	const moved = useFlow.getState().nodes.filter(({ id, draggable }) => chosen.has(id) && draggable !== false);
	editGraph(
		(graph) =>
			moved.reduce((next, { id, position }) => {
				return edit.movePart(next, partOf(id), { x: position.x + dx, y: position.y + dy });
			}, graph),
		'nudge',
	);
}

export function alignSelected(how: Alignment): void {
	move(aligned(selectedBoxes(), how));
}

export function distributeSelected(direction: Direction): void {
	move(distributed(selectedBoxes(), direction));
}

/** Nodes, frames and notes that are selected and not pinned. */
export function selectedBoxes(): Boxed[] {
	const chosen = selectedParts();
	return useFlow.getState().nodes.flatMap(({ id, type, position, measured, draggable }) =>
		chosen.has(id) && type !== 'boundary' && type !== 'reroute' && draggable !== false
			? [{ id, x: position.x, y: position.y, width: measured?.width ?? 0, height: measured?.height ?? 0 }]
			: [],
	);
}

function move(places: ReadonlyMap<string, { readonly x: number; readonly y: number }>): void {
	editGraph((graph) => [...places].reduce((next, [id, at]) => edit.movePart(next, partOf(id), at), graph));
}

function paste(pasted: Doc, offset: Point): void {
	const { scope } = useGraph.getState();
	const made = pasteParts(currentDoc(), scope, pasted, useKinds.getState().server, offset);
	if (made.refused > 0) {
		showToast('info', t('subgraph.loop'));
	}
	const ids = canvasIds(made);
	if (ids.length > 0) {
		editDoc(() => made.doc);
		selectNodes(ids);
		showToast('info', t('canvas.added', { count: ids.length }));
	}
}

function canvasIds({ nodes, frames, notes }: Pasted): string[] {
	return [...nodes, ...frames.map((id) => partId('frame', id)), ...notes.map((id) => partId('note', id))];
}
