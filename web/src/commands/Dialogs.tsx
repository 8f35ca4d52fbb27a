import { lazy, Suspense, type ComponentType } from 'react';
import { closeDialog, useDialogs } from './dialogs';

export interface DialogProps {
	readonly onClose: () => void;
}

const DIALOGS: { [name: string]: ComponentType<DialogProps> } = {
	palette: lazy(() => import('./Palette')),
	findNode: lazy(() => import('./FindNode')),
	linkTo: lazy(() => import('./LinkTo')),
	job: lazy(() => import('../inspect/JobDialog')),
	shortcuts: lazy(() => import('./Shortcuts')),
};

/** The dialog that `openDialog` names. */
export function Dialogs() {
	const open = useDialogs((state) => state.open);
	const Shown = open === null ? undefined : DIALOGS[open];
	return Shown === undefined ? null : (
		<Suspense fallback={null}>
			<Shown onClose={closeDialog} />
		</Suspense>
	);
}
