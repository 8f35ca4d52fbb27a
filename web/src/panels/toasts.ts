import { create } from 'zustand';

export type ToastTone = 'info' | 'error';

export interface Toast {
	readonly id: number;
	readonly tone: ToastTone;
	readonly text: string;
}

interface ToastStore {
	readonly toasts: readonly Toast[];
	readonly dismiss: (id: number) => void;
}

const SHOWN_MS = { info: 4000, error: 8000 };
let last = 0;

export const useToasts = create<ToastStore>()((set, get) => ({
	toasts: [],
	dismiss: (id) => set({ toasts: get().toasts.filter((toast) => toast.id !== id) }),
}));

export function showToast(tone: ToastTone, text: string): void {
	const { toasts, dismiss } = useToasts.getState();
	if (toasts.some((toast) => toast.text === text)) {
		return;
	}
	last += 1;
	const id = last;
	// News replace older news; errors stay until their time is over.
	const kept = toasts.filter((toast) => toast.tone === 'error').slice(-2);
	useToasts.setState({ toasts: [...kept, { id, tone, text }] });
	setTimeout(() => dismiss(id), SHOWN_MS[tone]);
}
