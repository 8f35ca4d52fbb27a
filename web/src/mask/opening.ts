/** Which picture the mask editor is about. */

import { create } from 'zustand';
import { openDialog } from '../commands/dialogs';
import { infoOf } from '../canvas/commands';
import { currentGraph } from '../graph/store';
import { constantOf, nodeOf, type NodeId } from '../graph/types';
import { uploadOf } from '../widgets/uploads';

export interface Masked {
	readonly node: NodeId;
	readonly input: string;
	/** The picture, as the input has it. */
	readonly picture: string;
}

export const useMasked = create<{ readonly masked: Masked | null }>()(() => ({ masked: null }));

export function openMask(node: NodeId, input: string, picture: string): void {
	useMasked.setState({ masked: { node, input, picture } });
	openDialog('mask');
}

/** The picture of a node that the mask editor can open, if it has one. */
export function maskable(id: NodeId | undefined): Masked | null {
	const node = id === undefined ? undefined : nodeOf(currentGraph(), id);
	const input = infoOf(node)?.inputs.find((candidate) => uploadOf(candidate) === 'image');
	const picture = input === undefined ? undefined : constantOf(node?.inputs[input.name]);
	return node !== undefined && input !== undefined && typeof picture === 'string' && picture !== ''
		? { node: node.id, input: input.name, picture }
		: null;
}
