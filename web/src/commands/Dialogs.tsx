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
	mask: lazy(() => import('../mask/MaskEditor')),
	shortcuts: lazy(() => import('./Shortcuts')),
	saveAs: lazy(() => import('../persist/SaveAsDialog')),
	conflict: lazy(() => import('../persist/ConflictDialog')),
	missing: lazy(() => import('../opening/MissingDialog')),
	difference: lazy(() => import('../panels/DifferenceDialog')),
	runForm: lazy(() => import('../panels/RunForm')),
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
