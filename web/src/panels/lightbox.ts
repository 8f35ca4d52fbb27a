import { create } from 'zustand';
import type { Picture } from '../api/types';

export interface LightboxShot {
	readonly picture: Picture;
	readonly url: string;
	/** The job that made it. */
	readonly version?: string;
}

interface LightboxStore {
	/** Empty while closed. */
	readonly shots: readonly LightboxShot[];
	readonly index: number;
	/** The picture that the one at `index` is compared with; null: none. */
	readonly against: number | null;
}

export const useLightbox = create<LightboxStore>()(() => ({ shots: [], index: 0, against: null }));

export function isViewing(): boolean {
	return useLightbox.getState().shots.length > 0;
}

export function openLightbox(shots: readonly LightboxShot[], index: number, against: number | null = null): void {
	useLightbox.setState({ shots, index, against });
}

export function closeLightbox(): void {
	useLightbox.setState({ shots: [], index: 0, against: null });
}

export function turnLightbox(by: number): void {
	useLightbox.setState(({ shots, index }) => ({ index: Math.max(0, Math.min(shots.length - 1, index + by)) }));
}

/** Holds the picture that is seen against its neighbour, or ends that. */
export function toggleComparing(): void {
	useLightbox.setState(({ shots, index, against }) => {
		if (against !== null || shots.length < 2) {
			return { against: null };
		}
		return { against: index, index: index + 1 < shots.length ? index + 1 : index - 1 };
	});
}
