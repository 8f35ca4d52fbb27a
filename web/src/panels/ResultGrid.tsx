import { pictureUrl } from '../api/http';
import type { JobDetail, SweepTable } from '../api/jobreader';
import type { Picture } from '../api/types';
import { writeJson, type Json } from '../json';
import { openLightbox, type LightboxShot } from './lightbox';
import { t } from '../i18n/i18n';

/** What a job made: of a sweep, a table with the values at its sides. */
export function ResultGrid({ job }: { job: JobDetail }) {
	if (job.state !== 'succeeded') {
		return (
			<p className="none" data-testid="form-failed">
				{job.failure?.message ?? t(`running.states.${job.state}`)}
			</p>
		);
	}
	const shots = [...job.outputs].flatMap(([node, { pictures }]) => pictures.map((picture) => seen(job.id, node, picture)));
	const open = (shot: LightboxShot): void => openLightbox(shots, shots.findIndex(({ url }) => url === shot.url));
	if (job.sweep === null) {
		return <Pictures shots={shots} onOpen={open} />;
	}
	const { sweep } = job;
	const last = sweep.axes.at(-1);
	const whole = shots.filter(({ node }) => sweep.grids.includes(node));
	return (
		<>
			<table className="result-grid" data-testid="result-grid">
				<thead>
					<tr>
						{sweep.axes.length > 1 && <td />}
						{last?.values.map((value) => (
							<th key={label(value)} scope="col">
								<small>{last.name}</small> {label(value)}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rowsOf(sweep).map(({ head, cells }) => (
						<tr key={head}>
							{sweep.axes.length > 1 && <th scope="row">{head}</th>}
							{cells.map((nodes, index) => (
								<td key={index}>
									<Pictures shots={shots.filter(({ node }) => nodes.includes(node))} onOpen={open} />
								</td>
							))}
						</tr>
					))}
				</tbody>
			</table>
			{whole.length > 0 && (
				<figure className="result-whole" data-testid="result-whole">
					<Pictures shots={whole} onOpen={open} />
					<figcaption>{t('running.form.whole')}</figcaption>
				</figure>
			)}
		</>
	);
}

interface Row {
	readonly head: string;
	/** The nodes of each. */
	readonly cells: readonly (readonly string[])[];
}

/** The last axis runs fastest: each row has all of its values. */
function rowsOf({ axes, cells }: SweepTable): readonly Row[] {
	const width = Math.max(1, axes.at(-1)?.values.length ?? 1);
	const names = axes.slice(0, -1).map(({ name }) => name);
	const rows: Row[] = [];
	for (let at = 0; at < cells.length; at += width) {
		const values = cells[at]?.values ?? {};
		rows.push({
			head: names.map((name) => `${name} ${label(values[name] ?? null)}`).join(', '),
			cells: cells.slice(at, at + width).map(({ nodes }) => nodes),
		});
	}
	return rows;
}

type NodeShot = LightboxShot & { readonly node: string };

function seen(job: string, node: string, picture: Picture): NodeShot {
	return { node, picture, version: job, url: pictureUrl(picture, job) };
}

function Pictures({ shots, onOpen }: { shots: readonly NodeShot[]; onOpen: (shot: LightboxShot) => void }) {
	return (
		<div className="pictures">
			{shots.map((shot) => (
				<button
					key={shot.url}
					type="button"
					aria-label={t('picture.enlarge', { name: shot.picture.filename })}
					onClick={() => onOpen(shot)}
				>
					<img src={shot.url} alt={shot.picture.filename} />
				</button>
			))}
		</div>
	);
}

function label(value: Json): string {
	return typeof value === 'string' ? value : writeJson(value);
}
