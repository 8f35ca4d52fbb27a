/** The keyboard. Keys typed into a field stay the field's, but for those that run and close. */

import { useGraph } from '../graph/store';
import { saveFile } from '../panels/files';
import { closeMenu, useMenu } from '../panels/menu';
import { closeLightbox, useLightbox } from '../panels/lightbox';
import { closeSearch, openSearch, useSearch } from '../panels/searching';
import { showToast } from '../panels/toasts';
import { queueRuns } from '../run/submit';
import { copySelected, duplicateSelected, nudgeSelected, pasteText, removeSelected, selectAll } from './commands';
import { selectNodes } from './flow';
import { fitView, lastPointer } from './view';

const NUDGE = 12;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
	ArrowLeft: [-NUDGE, 0],
	ArrowRight: [NUDGE, 0],
	ArrowUp: [0, -NUDGE],
	ArrowDown: [0, NUDGE],
};

/** Returns the way to stop. */
export function startShortcuts(): () => void {
	window.addEventListener('keydown', onKeyDown);
	document.addEventListener('copy', onCopy);
	document.addEventListener('cut', onCut);
	document.addEventListener('paste', onPaste);
	return () => {
		window.removeEventListener('keydown', onKeyDown);
		document.removeEventListener('copy', onCopy);
		document.removeEventListener('cut', onCut);
		document.removeEventListener('paste', onPaste);
	};
}

function onKeyDown(event: KeyboardEvent): void {
	if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') {
		event.preventDefault();
		if (!event.repeat) {
			void queueRuns(1);
		}
	} else if (event.key === 'Escape') {
		escape();
	} else if (!isBusy(event.target) && (event.ctrlKey || event.metaKey ? withControl(event) : plain(event))) {
		event.preventDefault();
	}
}

function withControl(event: KeyboardEvent): boolean {
	const action = {
		z: event.shiftKey ? useGraph.getState().redo : useGraph.getState().undo,
		y: useGraph.getState().redo,
		d: duplicateSelected,
		a: selectAll,
		s: saveFile,
	}[event.key.toLowerCase()];
	action?.();
	return action !== undefined;
}

function plain(event: KeyboardEvent): boolean {
	const arrow = ARROWS[event.key];
	if (arrow !== undefined) {
		nudgeSelected(...arrow);
		return true;
	}
	switch (event.key) {
		case 'Delete':
		case 'Backspace':
			removeSelected();
			return true;
		case 'Tab':
			// Elsewhere, Tab walks the buttons as usual.
			if (event.shiftKey || !isOnCanvas()) {
				return false;
			}
			openSearch(lastPointer(), null);
			return true;
		case '/':
			openSearch(lastPointer(), null);
			return true;
		case 'f':
			fitView();
			return true;
		default:
			return false;
	}
}

function escape(): void {
	if (useMenu.getState().at !== null) {
		closeMenu();
	} else if (useSearch.getState().at !== null) {
		closeSearch();
	} else if (useLightbox.getState().shots.length > 0) {
		closeLightbox();
	} else if (isField(document.activeElement)) {
		document.activeElement.blur();
	} else {
		selectNodes([]);
	}
}

function onCopy(event: ClipboardEvent): void {
	const text = isBusy(event.target) || hasTextSelection() ? null : copySelected();
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
	if (isBusy(event.target) || text === '') {
		return;
	}
	event.preventDefault();
	if (!pasteText(text)) {
		showToast('info', 'The clipboard holds no nodes.');
	}
}

function isBusy(target: EventTarget | null): boolean {
	return isField(target) || useSearch.getState().at !== null || useLightbox.getState().shots.length > 0;
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
