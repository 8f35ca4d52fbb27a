import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchModels } from '../api/http';
import { fetchLoaders, type Loader } from '../api/models';
import type { ModelFile } from '../api/types';
import { Icon } from '../panels/icons';
import { openMenu } from '../panels/menu';
import { bytesText } from './format';
import { copyName, filtered, kindsOf, loadOnCanvas, modelMenu } from './modelActions';
import { ReloadButton } from './ReloadButton';
import { tell } from '../run/submit';
import { useAnswer } from './useAnswer';
import { SearchField } from '../ui/SearchField';

const SHOWN = 100;

/** The files, by kind and name. A click puts the node that loads one on the canvas. */
export function ModelCatalogue() {
	const { t } = useTranslation();
	const { value: models, failure, reload } = useAnswer(fetchModels);
	const loaders = useAnswer(fetchLoaders).value;
	const [kind, setKind] = useState('');
	const [words, setWords] = useState('');
	const [most, setMost] = useState(SHOWN);
	const found = useMemo(() => filtered(models ?? [], kind, words), [models, kind, words]);
	return (
		<>
			<div className="search-line">
				<SearchField testid="model-search" label={t('inspect.models.search')} value={words} onChange={setWords} />
				<ReloadButton onClick={reload} />
			</div>
			<div className="chips" role="group" aria-label={t('inspect.models.kinds')}>
				{[['', (models ?? []).length] as const, ...kindsOf(models ?? [])].map(([name, count]) => (
					<button
						key={name}
						type="button"
						aria-pressed={name === kind}
						data-testid={`model-kind-${name || 'all'}`}
						onClick={() => setKind(name)}
					>
						{name === '' ? t('inspect.models.all') : name.replaceAll('_', ' ')} <small>{count}</small>
					</button>
				))}
			</div>
			{failure !== '' && <p className="failure">{failure}</p>}
			{models === null && failure === '' && <p className="none">{t('common.loading')}</p>}
			{models !== null && found.length === 0 && (
				<p className="none">{t(models.length === 0 ? 'inspect.models.nothing' : 'common.nothing')}</p>
			)}
			<ul className="rows">
				{found.slice(0, most).map((model) => (
					<Model key={`${model.kind}/${model.name}`} model={model} loaders={loaders && (loaders.get(model.kind) ?? [])} />
				))}
			</ul>
			{found.length > most && (
				<button type="button" className="more" onClick={() => setMost(most + SHOWN)}>
					{t('inspect.more', { count: found.length - most })}
				</button>
			)}
		</>
	);
}

function Model({ model, loaders }: { model: ModelFile; loaders: readonly Loader[] | null }) {
	const { t } = useTranslation();
	return (
		<li className="row" data-damaged={model.damage !== '' || undefined} data-testid={`model-${model.name}`}>
			<button
				type="button"
				className="row-main"
				data-tip={model.damage || t('inspect.models.use')}
				onClick={() => void tell(() => loadOnCanvas(model, loaders))}
				onContextMenu={(event) => openMenu(event, modelMenu(model, loaders))}
			>
				<b>{model.name}</b>
				<small>
					{[model.kind.replaceAll('_', ' '), bytesText(model.size), model.family].filter(Boolean).join(' · ')}
				</small>
				{model.damage !== '' && (
					<small className="bad">
						<Icon name="alert" /> {model.damage}
					</small>
				)}
			</button>
			<button
				type="button"
				className="tool"
				aria-label={t('inspect.models.copy', { name: model.name })}
				data-tip={t('inspect.models.copyTip')}
				onClick={() => void copyName(model)}
			>
				<Icon name="copy" />
			</button>
		</li>
	);
}
