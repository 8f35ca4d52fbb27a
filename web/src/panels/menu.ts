import type { MouseEvent } from 'react';
import { create } from 'zustand';

export interface MenuItem {
	readonly text: string;
	readonly keys?: string;
	readonly act: () => void;
}

interface MenuStore {
	readonly at: { readonly x: number; readonly y: number } | null;
	readonly items: readonly MenuItem[];
}

export const useMenu = create<MenuStore>()(() => ({ at: null, items: [] }));

export function openMenu(event: MouseEvent, items: readonly MenuItem[]): void {
	event.preventDefault();
	event.stopPropagation();
	useMenu.setState({ at: { x: event.clientX, y: event.clientY }, items });
}

export function closeMenu(): void {
	useMenu.setState({ at: null, items: [] });
}
