/** Which picture the mask editor is about. */

import { createContext } from 'react';
import { create } from 'zustand';
import { openDialog } from '../commands/dialogs';
import { infoOf, setInput } from '../canvas/commands';
import { currentGraph } from '../graph/store';
import { constantOf, nodeOf, type NodeId } from '../graph/types';
import { uploadOf } from '../widgets/uploads';

export interface Masked {
	/** As the input has it. */
	readonly picture: string;
	/** Takes the picture with its mask, as the input is to have it. */
	readonly give: (value: string) => void;
}

export const useMasked = create<{ readonly masked: Masked | null }>()(() => ({ masked: null }));

export function openMask(masked: Masked): void {
	useMasked.setState({ masked });
	openDialog('mask');
}

/** How a widget opens the mask editor. A dialog with widgets lets it lie over itself, or all that was typed there would be lost. */
export const MaskOpener = createContext(openMask);

/** The picture of a node that the mask editor can open, if it has one. */
export function maskable(id: NodeId | undefined): Masked | null {
	const node = id === undefined ? undefined : nodeOf(currentGraph(), id);
	const input = infoOf(node)?.inputs.find((candidate) => uploadOf(candidate) === 'image');
	const picture = input === undefined ? undefined : constantOf(node?.inputs[input.name]);
	return node !== undefined && input !== undefined && typeof picture === 'string' && picture !== ''
		? { picture, give: (value) => setInput(node.id, input.name, value) }
		: null;
}
