import { useTranslation } from 'react-i18next';
import { cancelLoad, fetchModelsInMemory, unload, type Resident, type WorkerModels } from '../api/models';
import { Icon } from '../panels/icons';
import { showToast } from '../panels/toasts';
import { tell } from '../run/submit';
import { bytesText, percent } from './format';
import { useAnswer } from './useAnswer';

const EVERY_MS = 1500;

/** What each worker holds, and where; kept up to date while it is looked at. */
export function ModelsInMemory() {
	const { t } = useTranslation();
	const { value: workers, failure, reload } = useAnswer(fetchModelsInMemory, EVERY_MS);
	const free = async (id?: string): Promise<void> => {
		await tell(async () => {
			const freed = await unload(id);
			showToast('info', freed > 0 ? t('inspect.models.freed', { bytes: bytesText(freed) }) : t('inspect.models.notFreed'));
		});
		await reload();
	};
	const cancel = async (id: string): Promise<void> => {
		await tell(() => cancelLoad(id));
		await reload();
	};
	const any = (workers ?? []).some(({ residents }) => residents.length > 0);
	return (
		<div className="memory" data-testid="models-in-memory">
			{failure !== '' && <p className="failure">{failure}</p>}
			{workers === null && failure === '' && <p className="none">{t('common.loading')}</p>}
			{workers !== null && !any && <p className="none">{t('inspect.models.noneInMemory')}</p>}
			{(workers ?? []).map((worker) => (
				<section key={worker.worker}>
					<Places worker={worker} />
					<ul className="rows">
						{worker.residents.map((resident) => (
							<Weights key={resident.id} resident={resident} onUnload={free} onCancel={cancel} />
						))}
						{worker.work.map(({ label, bytes }) => (
							<li key={label} className="row">
								<div className="row-main">
									<b>{label}</b>
									<small>{t('inspect.models.work', { bytes: bytesText(bytes) })}</small>
								</div>
							</li>
						))}
					</ul>
				</section>
			))}
			{any && (
				<button type="button" className="more" data-testid="unload-all" onClick={() => void free()}>
					<Icon name="trash" /> {t('inspect.models.unloadAll')}
				</button>
			)}
		</div>
	);
}

function Places({ worker }: { worker: WorkerModels }) {
	return (
		<header className="places">
			<h3>{[worker.worker, worker.device].filter(Boolean).join(' · ')}</h3>
			{worker.places.map(({ name, used, budget }) => (
				<label key={name}>
					<span>
						{name}: {bytesText(used)} / {bytesText(budget)}
					</span>
					<meter min={0} max={Math.max(1, budget)} high={0.9 * budget} value={used} />
				</label>
			))}
		</header>
	);
}

interface WeightsProps {
	readonly resident: Resident;
	readonly onUnload: (id: string) => Promise<void>;
	readonly onCancel: (id: string) => Promise<void>;
}

function Weights({ resident, onUnload, onCancel }: WeightsProps) {
	const { t } = useTranslation();
	const { id, model, part, phase, leases } = resident;
	const loading = phase !== null;
	const label = loading ? t('inspect.models.cancelLoad', { name: model }) : t('inspect.models.unload', { name: model });
	const places = resident.places.map(([place, bytes]) => `${place} ${bytesText(bytes)}`).join(', ');
	return (
		<li className="row" data-testid={`resident-${part}`}>
			<div className="row-main">
				<b>
					{model} <i>{part}</i>
				</b>
				<small>{[places || bytesText(resident.bytes), resident.dtype].filter(Boolean).join(' · ')}</small>
				{resident.patches.length > 0 && <small>{resident.patches.join(', ')}</small>}
				{loading ? (
					<small>
						{t('inspect.models.loading', { percent: percent(resident.done, resident.total) })}
						<progress max={Math.max(1, resident.total)} value={resident.done} aria-label={model} />
					</small>
				) : (
					<small>{leases > 0 ? t('inspect.models.inUse', { count: leases }) : t('inspect.models.idle')}</small>
				)}
			</div>
			<button
				type="button"
				className="tool"
				aria-label={label}
				data-tip={label}
				data-testid={`unload-${part}`}
				disabled={!loading && leases > 0}
				onClick={() => void (loading ? onCancel(id) : onUnload(id))}
			>
				<Icon name={loading ? 'stop' : 'trash'} />
			</button>
		</li>
	);
}
