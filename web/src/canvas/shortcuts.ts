/** The keyboard. Keys typed into a field stay the field's, but for those that run and close. */

import { useDialogs } from '../commands/dialogs';
import { commandFor } from '../commands/registry';
import { useMenu } from '../panels/menu';
import { closeLightbox, isViewing } from '../panels/lightbox';
import { closeSearch, useSearch } from '../panels/searching';
import { t } from '../i18n/i18n';
import { isModalOpen } from '../ui/modality';
import { pastePicture } from '../panels/pictures';
import { showToast } from '../panels/toasts';
import { cutFocusedLink } from './linking';
import { copySelected, nudgeSelected, pasteText, removeSelected } from './selection';
import { noteInput, onCanvasKey } from './focus';
import { selectedParts, selectNodes } from './flow';

const NUDGE = 12;
/** Where letters choose among items. */
const LISTED = '[role^=menuitem]';
/** What Enter and Space press. */
const PRESSED = `button, a[href], summary, input, [role=button], [role=tab], [role=treeitem], ${LISTED}`;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
	ArrowLeft: [-NUDGE, 0],
	ArrowRight: [NUDGE, 0],
	ArrowUp: [0, -NUDGE],
	ArrowDown: [0, NUDGE],
};

/** Returns the way to stop. */
export function startShortcuts(): () => void {
	window.addEventListener('keydown', onKeyDown);
	window.addEventListener('pointerdown', onPointer, true);
	document.addEventListener('copy', onCopy);
	document.addEventListener('cut', onCut);
	document.addEventListener('paste', onPaste);
	return () => {
		window.removeEventListener('keydown', onKeyDown);
		window.removeEventListener('pointerdown', onPointer, true);
		document.removeEventListener('copy', onCopy);
		document.removeEventListener('cut', onCut);
		document.removeEventListener('paste', onPaste);
	};
}

function onKeyDown(event: KeyboardEvent): void {
	if (event.key === 'Escape') {
		escape(event);
		return;
	}
	if (isModal()) {
		return;
	}
	if (event.key === 'Tab') {
		noteInput(true);
	}
	if (!event.defaultPrevented && !isOver() && (onCanvasKey(event) || cutsLink(event))) {
		event.preventDefault();
		return;
	}
	if (isTaken(event)) {
		return;
	}
	const busy = isBusy(event.target);
	const command = commandFor(event, busy);
	if (command !== undefined) {
		event.preventDefault();
		// A key that is held down undoes on and on, but runs and saves only once.
		if (!event.repeat || (command.group !== 'run' && command.once !== true)) {
			command.run();
		}
	} else if (!busy && plain(event)) {
		event.preventDefault();
	}
}

function onPointer(): void {
	noteInput(false);
}

function cutsLink(event: KeyboardEvent): boolean {
	return (event.key === 'Delete' || event.key === 'Backspace') && cutFocusedLink();
}

/** A key without modifiers is for what has the focus first: Enter on a button presses it. */
function isTaken(event: KeyboardEvent): boolean {
	const { target } = event;
	if (event.ctrlKey || event.metaKey || event.altKey) {
		return false;
	}
	const presses = event.key === 'Enter' || event.key === ' ';
	return event.defaultPrevented || (target instanceof HTMLElement && target.matches(presses ? PRESSED : LISTED));
}

/** Something lies over the canvas. */
function isOver(): boolean {
	return useSearch.getState().at !== null || isViewing() || useMenu.getState().at !== null;
}

/** Keys that depend on where the focus is. */
function plain(event: KeyboardEvent): boolean {
	const arrow = ARROWS[event.key];
	if (arrow !== undefined && selectedParts().size > 0 && isOnCanvas() && !event.ctrlKey && !event.altKey) {
		nudgeSelected(...arrow);
		return true;
	}
	return false;
}

/** A dialog has the keys to itself. */
function isModal(): boolean {
	return useDialogs.getState().open !== null || isModalOpen();
}

function escape(event: KeyboardEvent): void {
	if (isViewing()) {
		closeLightbox(); // It may lie over a dialog.
		return;
	}
	if (isModal() || useMenu.getState().at !== null) {
		return; // They close themselves.
	}
	if (useSearch.getState().at !== null) {
		closeSearch();
	} else if (!event.defaultPrevented && onCanvasKey(event)) {
		event.preventDefault();
	} else if (isField(document.activeElement)) {
		document.activeElement.blur();
	} else {
		selectNodes([]);
	}
}

function onCopy(event: ClipboardEvent): void {
	const text = isModal() || isBusy(event.target) || hasTextSelection() ? null : copySelected();
	if (text !== null) {
		event.preventDefault();
		event.clipboardData?.setData('text/plain', text);
	}
}

function onCut(event: ClipboardEvent): void {
	onCopy(event);
	if (event.defaultPrevented) {
		removeSelected();
	}
}

function onPaste(event: ClipboardEvent): void {
	const text = event.clipboardData?.getData('text/plain') ?? '';
	const picture = [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith('image/'));
	if (isModal() || isBusy(event.target) || (text === '' && picture === undefined)) {
		return;
	}
	event.preventDefault();
	if (text !== '' && pasteText(text)) {
		return;
	}
	if (picture === undefined) {
		showToast('info', t('clipboard.empty'));
	} else {
		void pastePicture(picture);
	}
}

function isBusy(target: EventTarget | null): boolean {
	return isField(target) || useSearch.getState().at !== null || isViewing();
}

function isField(target: EventTarget | null): target is HTMLElement {
	if (!(target instanceof HTMLElement)) {
		return false;
	}
	const box = target instanceof HTMLInputElement && ['checkbox', 'file', 'button'].includes(target.type);
	return target.isContentEditable || (target.matches('input, textarea, select') && !box);
}

function isOnCanvas(): boolean {
	const { activeElement } = document;
	return activeElement === null || activeElement === document.body || activeElement.closest('.canvas') !== null;
}

function hasTextSelection(): boolean {
	return (window.getSelection()?.toString() ?? '') !== '';
}
