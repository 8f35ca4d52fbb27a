import type { MouseEvent } from 'react';
import { create } from 'zustand';
import { keysText } from '../commands/keys';
import { commandOf, isEnabled } from '../commands/registry';

export interface MenuItem {
	readonly text: string;
	readonly keys?: string;
	readonly disabled?: boolean;
	/** A colour to be seen beside the text. */
	readonly swatch?: string;
	readonly act: () => void;
}

interface MenuStore {
	readonly at: { readonly x: number; readonly y: number } | null;
	readonly items: readonly MenuItem[];
}

export const useMenu = create<MenuStore>()(() => ({ at: null, items: [] }));

/** What of a mouse event a menu needs, React's or the browser's. */
type At = Pick<MouseEvent, 'clientX' | 'clientY' | 'preventDefault' | 'stopPropagation'>;

export function openMenu(event: At, items: readonly MenuItem[]): void {
	event.preventDefault();
	event.stopPropagation();
	useMenu.setState({ at: { x: event.clientX, y: event.clientY }, items });
}

/** A command as an item of a menu, with its key. */
export function commandItem(id: string): MenuItem {
	const command = commandOf(id);
	const keys = command.keys?.[0];
	return {
		text: command.title(),
		disabled: !isEnabled(command),
		act: command.run,
		...(keys === undefined ? {} : { keys: keysText(keys) }),
	};
}

export function closeMenu(): void {
	useMenu.setState({ at: null });
}
