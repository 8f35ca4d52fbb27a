import { describe, expect, test } from 'vitest';
import { readJob, type JobEntry } from '../src/api/jobreader';
import { startReading, withNewest, type Listed } from '../src/dock/history';

interface Page {
	readonly items: readonly JobEntry[];
	readonly next: string | null;
}

const job = (id: string): JobEntry => readJob({ id });
const page = (ids: string, next: string | null): Page => ({ items: [...ids].map(job), next });
const said = ({ jobs, next }: Listed): string => `${jobs.map(({ id }) => id).join('')} ${next}`;

describe('the newest page', () => {
	const known: Listed = { jobs: [...'gfedcb'].map(job), next: 'b' };

	test.each([
		['new ones come on top of what was read', 'ihg', 'g', 'ihgfedcb b'],
		['those that were forgotten go', 'ged', 'd', 'gedcb b'],
		['with none in common there may be others in between', 'lkj', 'j', 'lkj j'],
		['it is all there is', 'g', null, 'g null'],
		['it reaches beyond what was read', 'gfedcba', 'a', 'gfedcba a'],
	])('%s', (_case, ids, next, expected) => {
		expect(said(withNewest(known, page(ids, next)))).toBe(expected);
	});
});

describe('reading', () => {
	function reader() {
		const asked: { readonly cursor: string | null; readonly answer: (page: Page) => void }[] = [];
		const shown: string[] = [];
		const reading = startReading(
			(cursor) => new Promise<Page>((answer) => asked.push({ cursor, answer })),
			(listed) => shown.push(said(listed)),
		);
		return { reading, asked, shown };
	}

	test('keeps its place when a job ends while the next page is on its way', async () => {
		const { reading, asked, shown } = reader();
		const first = reading.refresh();
		asked[0]!.answer(page('fe', 'e'));
		await first;
		const more = reading.more();
		const again = reading.refresh();
		asked[2]!.answer(page('gf', 'f'));
		await again;
		asked[1]!.answer(page('dc', 'c'));
		await more;

		expect(asked.map(({ cursor }) => cursor)).toEqual([null, 'e', null]);
		expect(shown).toEqual(['fe e', 'gfe e', 'gfedc c']);
	});

	test('a page that does not follow what is listed now is not put behind it', async () => {
		const { reading, asked, shown } = reader();
		const first = reading.refresh();
		asked[0]!.answer(page('fe', 'e'));
		await first;
		const more = reading.more();
		const again = reading.refresh();
		asked[2]!.answer(page('kj', 'j'));
		await again;
		asked[1]!.answer(page('dc', 'c'));
		await more;

		expect(shown.at(-1)).toBe('kj j');
	});

	test('of two refreshes the later one counts, whichever is answered first', async () => {
		const { reading, asked, shown } = reader();
		const first = reading.refresh();
		const second = reading.refresh();
		asked[1]!.answer(page('ba', null));
		await second;
		asked[0]!.answer(page('a', null));
		await first;

		expect(shown).toEqual(['ba null']);
	});

	test('a job that is forgotten goes from whichever page it is on', async () => {
		const { reading, asked, shown } = reader();
		const first = reading.refresh();
		asked[0]!.answer(page('fe', 'e'));
		await first;
		const more = reading.more();
		asked[1]!.answer(page('dc', null));
		await more;
		reading.drop('d');

		expect(shown.at(-1)).toBe('fec null');
	});

	test('shows nothing once it has stopped', async () => {
		const { reading, asked, shown } = reader();
		const first = reading.refresh();
		reading.stop();
		asked[0]!.answer(page('a', null));
		await first;

		expect(shown).toEqual([]);
	});
});
