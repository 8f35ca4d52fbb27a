import { useTranslation } from 'react-i18next';
import { fetchPacks, type Extension, type Pack } from '../api/packs';
import { url } from '../api/http';
import { addKind } from '../canvas/commands';
import { canvasCentre } from '../canvas/view';
import { useExtensions, type ExtensionState } from '../extensions/state';
import { currentKinds } from '../graph/kinds';
import { Icon } from '../panels/icons';
import { secondsText } from './format';
import { ReloadButton } from './ReloadButton';
import { useAnswer } from './useAnswer';
import '../styles/inspect.css';

/** The packs in folders of custom nodes: what they bring, and what went wrong. */
export default function PluginsPanel() {
	const { t } = useTranslation();
	const { value: packs, failure, reload } = useAnswer(fetchPacks);
	const { extensions, failure: untold } = useExtensions();
	return (
		<div className="inspect">
			<div className="search-line">
				<p>{t('inspect.plugins.count', { count: packs?.length ?? 0 })}</p>
				<ReloadButton onClick={reload} />
			</div>
			{[failure, untold].filter(Boolean).map((reason) => (
				<p key={reason} className="failure">
					{reason}
				</p>
			))}
			{packs === null && failure === '' && <p className="none">{t('common.loading')}</p>}
			{packs?.length === 0 && <p className="none">{t('inspect.plugins.nothing')}</p>}
			<ul className="rows">
				{(packs ?? []).map((pack) => (
					<PackRow key={pack.path} pack={pack} extensions={extensions.filter(({ told }) => told.pack === pack.name)} />
				))}
			</ul>
		</div>
	);
}

function PackRow({ pack, extensions }: { pack: Pack; extensions: readonly ExtensionState[] }) {
	const { t } = useTranslation();
	const failed = pack.error !== '';
	return (
		<li className="row pack" data-damaged={failed || undefined} data-testid={`pack-${pack.name}`}>
			<div className="row-main">
				<b>
					<Icon name={failed ? 'alert' : 'check'} /> {pack.name}
				</b>
				<small>
					{failed && pack.kinds.length === 0
						? t('inspect.plugins.failed')
						: t('inspect.plugins.loaded', { count: pack.kinds.length, time: secondsText(pack.seconds) })}
				</small>
				<small className="path">{pack.path}</small>
				{failed && (
					<details open={pack.kinds.length === 0}>
						<summary className="bad">{lastLine(pack.error)}</summary>
						<pre>{pack.error}</pre>
					</details>
				)}
				{pack.kinds.length > 0 && (
					<details>
						<summary>{t('inspect.plugins.kinds')}</summary>
						<div className="chips">
							{pack.kinds.map((kind) => (
								<button
									key={kind}
									type="button"
									data-tip={t('inspect.plugins.add')}
									onClick={() => addKind(kind, canvasCentre(), null)}
								>
									{currentKinds().get(kind)?.title ?? kind}
								</button>
							))}
						</div>
					</details>
				)}
				{extensions.map((extension) => (
					<ExtensionRow key={extension.told.name} extension={extension} />
				))}
			</div>
		</li>
	);
}

function ExtensionRow({ extension: { told, state, error } }: { extension: ExtensionState }) {
	const { t } = useTranslation();
	const title = [told.title || told.name, told.version].filter(Boolean).join(' ');
	return (
		<div className="extension" data-state={state} data-testid={`extension-${told.name}`}>
			<small>
				<Icon name="plug" /> {title}: {t(`inspect.plugins.states.${state}`)}
			</small>
			{told.description !== '' && <small>{told.description}</small>}
			{error !== '' && (
				<details open>
					<summary className="bad">{error.split('\n')[0]}</summary>
					<pre>{error}</pre>
				</details>
			)}
			{state === 'foreign' && <Scripts told={told} />}
		</div>
	);
}

function Scripts({ told }: { told: Extension }) {
	const { t } = useTranslation();
	return (
		<details>
			<summary>{t('inspect.plugins.scripts', { count: told.scripts.length })}</summary>
			<ul>
				{told.scripts.map((script) => (
					<li key={script}>
						<a href={url(script)} target="_blank" rel="noreferrer">
							{decodeURIComponent(script.split('/').slice(2).join('/'))}
						</a>
					</li>
				))}
			</ul>
		</details>
	);
}

/** Of a traceback, the line that says what happened. */
function lastLine(error: string): string {
	return error.trim().split('\n').at(-1) ?? '';
}
