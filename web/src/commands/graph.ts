/** Commands on what is selected, and on what lies on the canvas beside nodes. */

import { infoOf } from '../canvas/commands';
import { selectedNodes, selectNodes, useFlow } from '../canvas/flow';
import { addFrame, addNote, toggleLook, toggleMode, type Area } from '../canvas/looks';
import { partId } from '../canvas/parts';
import { lastPointer, toGraph } from '../canvas/view';
import { graphAt } from '../graph/doc';
import { currentKinds } from '../graph/kinds';
import { makeSubgraph, unpack } from '../graph/packing';
import { currentDoc, currentGraph, editDoc, editGraph, useGraph } from '../graph/store';
import { definitionOf, withoutUnused } from '../graph/subgraphs';
import type { Graph, NodeId } from '../graph/types';
import { t } from '../i18n/i18n';
import type { en } from '../i18n/en';
import { registerCommands, type Command } from './registry';

type Own = Omit<Command, 'title'> & { readonly id: keyof typeof en.commands };

const some = (): boolean => selectedNodes().size > 0;
const one = (): NodeId | null => (selectedNodes().size === 1 ? ([...selectedNodes()][0] ?? null) : null);

const COMMANDS: readonly Own[] = [
	{ id: 'makeSubgraph', group: 'graph', keys: ['Mod+Shift+g'], enabled: some, run: pack },
	{ id: 'enter', group: 'graph', keys: ['Alt+ArrowDown', 'Enter'], enabled: () => selectedInstance() !== null, run: enterSelected },
	{
		id: 'leave',
		group: 'graph',
		keys: ['Alt+ArrowUp'],
		enabled: () => useGraph.getState().path.length > 0,
		run: () => useGraph.getState().leave(useGraph.getState().path.length - 1),
	},
	{ id: 'unpack', group: 'graph', keys: ['Mod+Shift+u'], enabled: () => selectedInstance() !== null, run: unpackSelected },
	{ id: 'addFrame', group: 'graph', keys: ['Mod+g'], run: frameSelected },
	{ id: 'addNote', group: 'graph', keys: ['n'], run: noteHere },
	{ id: 'mute', group: 'edit', keys: ['Mod+m'], enabled: some, run: () => onSelected((graph, ids) => toggleMode(graph, ids, 'mute')) },
	{
		id: 'bypass',
		group: 'edit',
		keys: ['Mod+b'],
		enabled: some,
		run: () => onSelected((graph, ids) => toggleMode(graph, ids, 'bypass')),
	},
	{
		id: 'collapse',
		group: 'edit',
		keys: ['Alt+c'],
		enabled: some,
		run: () => onSelected((graph, ids) => toggleLook(graph, ids, 'collapsed')),
	},
	{ id: 'pin', group: 'edit', keys: ['p'], enabled: some, run: () => onSelected((graph, ids) => toggleLook(graph, ids, 'pinned')) },
];

export function registerGraphCommands(): void {
	registerCommands(COMMANDS.map((command) => ({ ...command, title: () => t(`commands.${command.id}`) })));
}

export function enter(instance: NodeId): void {
	const node = currentGraph().nodes[instance];
	const scope = node === undefined ? null : definitionOf(node.kind);
	if (scope !== null && graphAt(currentDoc(), scope) !== undefined) {
		useGraph.getState().enter({ scope, instance });
	}
}

function selectedInstance(): NodeId | null {
	const id = one();
	const node = id === null ? undefined : currentGraph().nodes[id];
	return node !== undefined && definitionOf(node.kind) !== null && infoOf(node) !== undefined ? node.id : null;
}

function enterSelected(): void {
	const id = selectedInstance();
	if (id !== null) {
		enter(id);
	}
}

function pack(): void {
	const made = makeSubgraph(currentDoc(), useGraph.getState().scope, selectedNodes(), currentKinds(), t('subgraph.untitled'));
	if (made !== null) {
		editDoc(() => made.doc);
		selectNodes([made.id]);
	}
}

function unpackSelected(): void {
	const id = selectedInstance();
	const made = id === null ? null : unpack(currentDoc(), useGraph.getState().scope, id, currentKinds());
	if (made !== null) {
		editDoc(() => withoutUnused(made.doc));
		selectNodes(made.ids);
	}
}

function onSelected(change: (graph: Graph, ids: ReadonlySet<NodeId>) => Graph): void {
	const ids = selectedNodes();
	editGraph((graph) => change(graph, ids));
}

function frameSelected(): void {
	const ids = selectedNodes();
	const boxes = useFlow
		.getState()
		.nodes.filter((node) => ids.has(node.id))
		.map(({ position, measured }): Area => {
			return { ...position, width: measured?.width ?? 0, height: measured?.height ?? 0 };
		});
	const { graph, id } = addFrame(currentGraph(), boxes, toGraph(lastPointer()));
	editGraph(() => graph);
	selectNodes([partId('frame', id)]);
}

function noteHere(): void {
	const { graph, id } = addNote(currentGraph(), toGraph(lastPointer()));
	editGraph(() => graph);
	selectNodes([partId('note', id)]);
}
