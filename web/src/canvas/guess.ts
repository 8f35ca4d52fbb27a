/** Where the sockets of a node are likely to be, so that a large graph can be drawn without measuring all of it first. */

import { Position, type NodeHandle } from '@xyflow/react';
import { FIRST_SOCKET, SOCKET_STEP, type Size } from '../graph/columns';
import { hasWidget } from '../graph/defaults';
import { liveKind } from '../graph/live';
import { constantOf, type GraphNode, type KindInfo } from '../graph/types';
import { inputHandle, outputHandle } from './handles';

/** From this many nodes on, only those that can be seen are drawn, and their sizes are guessed until then. */
export const LARGE = 150;

const WIDGET_STEP = 31;

export function guessedHandles(node: GraphNode, info: KindInfo | undefined, { width }: Size): NodeHandle[] {
	const inputs = liveKind(info, node)?.inputs ?? [];
	const names = inputs.length > 0 ? inputs.map(({ name }) => name) : Object.keys(node.inputs);
	const widgets = new Set(
		inputs.filter((input) => hasWidget(input) || constantOf(node.inputs[input.name]) !== undefined).map(({ name }) => name),
	);
	const bare = names.filter((name) => !widgets.has(name));
	const outputs = info?.outputs ?? [];
	const rows = Math.max(bare.length, outputs.length);
	const target = (name: string, y: number): NodeHandle => {
		return { id: inputHandle(name), type: 'target', position: Position.Left, x: 0, y };
	};
	return [
		...bare.map((name, index) => target(name, FIRST_SOCKET + index * SOCKET_STEP)),
		...[...widgets].map((name, index) => target(name, FIRST_SOCKET + rows * SOCKET_STEP + index * WIDGET_STEP)),
		...outputs.map(({ index }): NodeHandle => {
			const y = FIRST_SOCKET + index * SOCKET_STEP;
			return { id: outputHandle(index), type: 'source', position: Position.Right, x: width, y };
		}),
	];
}
