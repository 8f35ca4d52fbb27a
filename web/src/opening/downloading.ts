/** The model files that the server fetches. They are followed whether or not anything shows them. */

import { create } from 'zustand';
import { cancelDownload, fetchDownloads, startDownload, type Download } from '../api/downloads';
import { fetchKinds, ServerError } from '../api/http';
import { useKinds } from '../graph/kinds';
import { recheck } from '../run/check';
import { tell } from '../run/submit';
import type { LostModel } from './missing';

const POLL_MS = 500;
/** So long the server may be away before it is asked again. */
const AWAY_MS = 3000;

interface Downloading {
	/** The latest download of each file. */
	readonly files: ReadonlyMap<string, Download>;
	/** Which hosts may be fetched from; their subdomains too. */
	readonly hosts: readonly string[];
}

export const useDownloads = create<Downloading>()(() => ({ files: new Map(), hosts: [] }));

let timer: ReturnType<typeof setTimeout> | undefined;
/** How often it was asked or heard how they stand: an older answer does not count. */
let turn = 0;

export function fileOf({ folder, name }: Pick<LostModel, 'folder' | 'name'>): string {
	return `${folder}/${name}`;
}

export async function beginDownload(model: LostModel): Promise<void> {
	await note(await startDownload(model));
}

export async function endDownload({ id }: Download): Promise<void> {
	await note(await cancelDownload(id));
}

/** Asks how all of them stand, and again as long as one is running. */
export async function followDownloads(): Promise<void> {
	turn += 1;
	const mine = turn;
	try {
		const { downloads, hosts } = await fetchDownloads();
		if (mine === turn) {
			useDownloads.setState({ hosts });
			// They come newest first.
			await take(new Map(downloads.toReversed().map((download) => [fileOf(download), download])));
		}
	} catch (error) {
		goOn(AWAY_MS);
		throw error;
	}
}

async function note(download: Download): Promise<void> {
	turn += 1;
	await take(new Map(useDownloads.getState().files).set(fileOf(download), download));
}

async function take(files: ReadonlyMap<string, Download>): Promise<void> {
	const before = useDownloads.getState().files;
	useDownloads.setState({ files });
	goOn(POLL_MS);
	if ([...files].some(([file, { state }]) => state === 'done' && before.get(file)?.state !== 'done')) {
		await tell(async () => {
			useKinds.getState().set(await fetchKinds());
			recheck();
		});
	}
}

function goOn(pause: number): void {
	clearTimeout(timer);
	if ([...useDownloads.getState().files.values()].some(({ state }) => state === 'running')) {
		timer = setTimeout(() => void poll(), pause);
	}
}

async function poll(): Promise<void> {
	try {
		await followDownloads();
	} catch (error) {
		// That the server is away is told elsewhere.
		if (!(error instanceof ServerError)) {
			throw error;
		}
	}
}
