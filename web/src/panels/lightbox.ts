import { create } from 'zustand';
import type { Picture } from '../api/types';

export interface LightboxShot {
	readonly picture: Picture;
	readonly url: string;
}

interface LightboxStore {
	/** Empty while closed. */
	readonly shots: readonly LightboxShot[];
	readonly index: number;
}

export const useLightbox = create<LightboxStore>()(() => ({ shots: [], index: 0 }));

export function openLightbox(shots: readonly LightboxShot[], index: number): void {
	useLightbox.setState({ shots, index });
}

export function closeLightbox(): void {
	useLightbox.setState({ shots: [], index: 0 });
}

export function turnLightbox(by: number): void {
	useLightbox.setState(({ shots, index }) => ({ index: Math.max(0, Math.min(shots.length - 1, index + by)) }));
}
