/** Files dropped anywhere on the page are opened; places that take files themselves come first. */

import { openFile } from '../panels/files';

export function startDropping(): void {
	window.addEventListener('dragover', (event) => {
		if (event.dataTransfer?.types.includes('Files') === true) {
			event.preventDefault();
		}
	});
	window.addEventListener('drop', (event) => {
		const files = [...(event.dataTransfer?.files ?? [])];
		if (files.length > 0 && !event.defaultPrevented) {
			event.preventDefault();
			void openAll(files);
		}
	});
}

async function openAll(files: readonly File[]): Promise<void> {
	for (const file of files) {
		await openFile(file);
	}
}
