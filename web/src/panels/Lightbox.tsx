import { lazy, Suspense } from 'react';
import { useLightbox } from './lightbox';

const Viewer = lazy(() => import('./Viewer'));

/** The viewer of pictures at full size, loaded when it is first opened. */
export function Lightbox() {
	const open = useLightbox(({ shots }) => shots.length > 0);
	return open ? (
		<Suspense fallback={null}>
			<Viewer />
		</Suspense>
	) : null;
}
