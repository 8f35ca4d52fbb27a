/** Which of the page's dialogs is open. They are loaded when they are first asked for. */

import { create } from 'zustand';

interface Dialogs {
	readonly open: string | null;
}

export const useDialogs = create<Dialogs>()(() => ({ open: null }));

export function openDialog(name: string): void {
	useDialogs.setState({ open: name });
}

export function closeDialog(): void {
	useDialogs.setState({ open: null });
}
