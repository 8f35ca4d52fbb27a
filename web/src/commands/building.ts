/** Commands that arrange, find and join, and those that open the panels to build with. */

import { alignSelected, distributeSelected, selectedBoxes } from '../canvas/selection';
import { selectedEdges, selectedNodes, useFlow } from '../canvas/flow';
import { noteInput } from '../canvas/focus';
import { endToLink, focusedSocket, openLinkTo } from '../canvas/linking';
import { addPoint, addPointToSelected } from '../canvas/pointing';
import { startRenaming } from '../canvas/NodeTitle';
import { togglePanel } from '../dock/panels';
import type { Alignment, Direction } from '../graph/align';
import { t } from '../i18n/i18n';
import type { en } from '../i18n/en';
import { openDialog } from './dialogs';
import { registerCommands, type Command } from './registry';

type Own = Omit<Command, 'title'> & { readonly id: keyof typeof en.commands };

const align = (id: Own['id'], keys: string, how: Alignment): Own => {
	return { id, group: 'edit', keys: [keys], enabled: () => selectedBoxes().length > 1, run: () => alignSelected(how) };
};
const distribute = (id: Own['id'], keys: string, direction: Direction): Own => {
	return { id, group: 'edit', keys: [keys], enabled: () => selectedBoxes().length > 2, run: () => distributeSelected(direction) };
};

const COMMANDS: readonly Own[] = [
	align('alignLeft', 'Alt+Shift+ArrowLeft', 'left'),
	align('alignRight', 'Alt+Shift+ArrowRight', 'right'),
	align('alignTop', 'Alt+Shift+ArrowUp', 'top'),
	align('alignBottom', 'Alt+Shift+ArrowDown', 'bottom'),
	align('alignCentre', 'Alt+Shift+c', 'centre'),
	align('alignMiddle', 'Alt+Shift+m', 'middle'),
	distribute('distributeAcross', 'Alt+Shift+h', 'across'),
	distribute('distributeDown', 'Alt+Shift+v', 'down'),
	{ id: 'rename', group: 'edit', keys: ['F2'], enabled: () => selectedNodes().size === 1, run: renameSelected },
	{ id: 'findNode', group: 'graph', keys: ['Mod+f'], inFields: true, run: () => openDialog('findNode') },
	{ id: 'linkTo', group: 'graph', keys: ['l'], enabled: () => endToLink() !== null, run: openLinkTo },
	{ id: 'addPoint', group: 'graph', keys: ['r'], enabled: () => linkHere() !== null || selectedEdges().length > 0, run: pointHere },
	{ id: 'focusCanvas', group: 'view', keys: ['Alt+g'], inFields: true, run: focusCanvas },
	{ id: 'panelNodes', group: 'panels', keys: ['Alt+1'], inFields: true, run: () => togglePanel('nodes') },
	{ id: 'panelOutline', group: 'panels', keys: ['Alt+2'], inFields: true, run: () => togglePanel('outline') },
];

export function registerBuildingCommands(): void {
	registerCommands(COMMANDS.map((command) => ({ ...command, title: () => t(`commands.${command.id}`) })));
}

function renameSelected(): void {
	const [id] = selectedNodes();
	if (id !== undefined) {
		startRenaming(id);
	}
}

function focusCanvas(): void {
	noteInput(true);
	document.querySelector<HTMLElement>('.canvas')?.focus();
}

/** The link at the input that has the focus. */
function linkHere() {
	const socket = focusedSocket();
	const edges = socket === null ? [] : useFlow.getState().edges;
	return edges.find(({ target, targetHandle }) => target === socket?.nodeId && targetHandle === socket.id) ?? null;
}

function pointHere(): void {
	const edge = linkHere();
	if (edge === null) {
		addPointToSelected();
	} else {
		addPoint(edge, null);
	}
}
