/** What an extension of the editor is given: version 1, described in `web/EXTENSIONS.md`. */

import type { Graph, InputInfo, KindInfo, NodeId } from '../graph/types';
import type { Json } from '../json';

export const API_VERSION = 1;

/** Takes back what was registered. */
export type TakeBack = () => void;
type Text = string | (() => string);

export interface WidgetContext {
	readonly node: NodeId;
	readonly input: InputInfo;
	readonly label: string;
	readonly value: Json | undefined;
	/** One step of undo; calls in quick succession share one. */
	readonly change: (value: Json) => void;
}

export interface ShownWidget {
	/** The value is another one now. */
	readonly update?: (value: Json | undefined) => void;
	readonly destroy?: () => void;
}

export interface ExtensionWidget {
	readonly wants: (input: InputInfo) => boolean;
	/** Draws into an empty element of the page. */
	readonly mount: (element: HTMLElement, context: WidgetContext) => ShownWidget | undefined;
	/** Below its label, as wide as the node. */
	readonly wide?: boolean;
	/** What an input holds at first whose declaration has no default. */
	readonly start?: (input: InputInfo) => Json;
}

export interface ExtensionCommand {
	readonly id: string;
	readonly title: Text;
	/** Such as `Mod+Shift+K`. */
	readonly keys?: readonly string[];
	readonly enabled?: () => boolean;
	readonly run: () => void | Promise<void>;
}

export interface ExtensionPanel {
	readonly id: string;
	readonly title: Text;
	/** Draws into an empty element of the page; gives the way to end. */
	readonly mount: (element: HTMLElement) => (() => void) | undefined;
}

/** What happens to jobs. Nodes are named as in the workflow that was run. */
export type RunEvent =
	| { readonly type: 'started'; readonly job: string }
	| { readonly type: 'progress'; readonly job: string; readonly node: NodeId; readonly done: number; readonly total: number }
	| {
			readonly type: 'result';
			readonly job: string;
			readonly node: NodeId;
			/** Addresses, relative to the page. */
			readonly pictures: readonly string[];
			readonly texts: readonly string[];
	  }
	| { readonly type: 'finished'; readonly job: string; readonly state: 'succeeded' | 'failed' | 'cancelled' };

/** Changes to a graph; each gives another graph and leaves the one it was given as it is. */
export interface Edits {
	readonly add: (graph: Graph, kind: string, at: { readonly x: number; readonly y: number }) => { readonly graph: Graph; readonly id: NodeId };
	readonly remove: (graph: Graph, ids: readonly NodeId[]) => Graph;
	readonly set: (graph: Graph, node: NodeId, input: string, value: Json) => Graph;
	readonly connect: (graph: Graph, from: NodeId, output: string, to: NodeId, input: string) => Graph;
	readonly rename: (graph: Graph, node: NodeId, title: string) => Graph;
	readonly move: (graph: Graph, node: NodeId, to: { readonly x: number; readonly y: number }) => Graph;
}

export interface ExtensionApi {
	readonly version: typeof API_VERSION;
	/** The name of the extension's folder. */
	readonly name: string;
	readonly registerWidget: (widget: ExtensionWidget) => TakeBack;
	readonly registerCommand: (command: ExtensionCommand) => TakeBack;
	readonly registerPanel: (panel: ExtensionPanel) => TakeBack;
	/** What is on the canvas. Frozen: it is changed by `edit` only. */
	readonly graph: () => Graph;
	readonly kind: (kind: string) => KindInfo | undefined;
	readonly kinds: () => readonly string[];
	readonly selection: () => readonly NodeId[];
	/** Told of every other graph on the canvas. */
	readonly onGraph: (hear: (graph: Graph) => void) => TakeBack;
	/** One step of undo. Throws where the change gives no graph; then nothing is changed. */
	readonly edit: (change: (graph: Graph, edits: Edits) => Graph) => void;
	readonly onRun: (hear: (event: RunEvent) => void) => TakeBack;
	/** Shows a sentence for a few seconds. */
	readonly tell: (text: string) => void;
}

/** What the module of an extension exports. */
export interface ExtensionModule {
	readonly activate?: (api: ExtensionApi) => unknown;
}
