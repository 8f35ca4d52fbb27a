/**
 * `window.lumengraph`: the editor for scripts in the page, such as tests. Everything goes the way that keys and menus go,
 * so it can be undone, and what people cannot do it does not do either.
 */

import { addKind, connect, cutLink, setInput, type Ends } from './canvas/commands';
import { selectNodes } from './canvas/flow';
import { canvasCentre } from './canvas/view';
import { allCommands, runCommand } from './commands/registry';
import { writeDoc } from './graph/document';
import { useGraph, type Entered } from './graph/store';
import type { NodeId } from './graph/types';
import { writeJson, type Json } from './json';

export interface Door {
	/** The document on the canvas, as it would be saved: JSON of the native format. */
	readonly document: () => string;
	/** The ids of all commands. */
	readonly commands: () => readonly string[];
	/** False where it does not apply at the moment. */
	readonly run: (command: string) => boolean;
	readonly nodes: () => readonly NodeId[];
	/** The way from the workflow down to the subgraph on the canvas. */
	readonly path: () => readonly Entered[];
	readonly select: (ids: readonly NodeId[]) => void;
	/** The new node's id; null for a kind that there is not, or that cannot be here. */
	readonly add: (kind: string) => NodeId | null;
	/** A link that does not fit is not made. */
	readonly connect: (ends: Ends) => void;
	readonly cut: (node: NodeId, input: string) => void;
	readonly set: (node: NodeId, input: string, value: Json) => void;
}

declare global {
	interface Window {
		lumengraph?: Door;
	}
}

export function openDoor(): void {
	window.lumengraph = {
		document: () => writeJson(writeDoc(useGraph.getState().doc)),
		commands: () => allCommands().map(({ id }) => id),
		run: runCommand,
		nodes: () => Object.keys(useGraph.getState().graph.nodes),
		path: () => useGraph.getState().path,
		select: selectNodes,
		add: (kind) => addKind(kind, canvasCentre(), null),
		connect,
		cut: cutLink,
		set: setInput,
	};
}
