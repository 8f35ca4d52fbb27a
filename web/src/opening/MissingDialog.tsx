import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isFrom } from '../api/downloads';
import { tell } from '../run/submit';
import { DownloadButton } from './DownloadButton';
import { followDownloads, useDownloads } from './downloading';
import type { DialogProps } from '../commands/Dialogs';
import { currentKinds, useKinds } from '../graph/kinds';
import { liveKind } from '../graph/live';
import { currentDoc, editDoc, useGraph } from '../graph/store';
import { graphAt } from '../graph/doc';
import type { KindInfo } from '../graph/types';
import { Modal } from '../ui/Modal';
import { useMissing, type LostModel } from './missing';
import { replaceFile, replaceKinds, similarKinds, type MissingKind } from './replace';

/** What is not here, and what may stand in for it. */
export default function MissingDialog({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const { kinds, models } = useMissing();
	const hosts = useDownloads((state) => state.hosts);
	useEffect(() => {
		void tell(followDownloads);
	}, []);
	return (
		<Modal title={t('opening.title')} onClose={onClose}>
			<div className="missing" data-testid="missing">
				{kinds.length + models.length === 0 && <p className="none">{t('opening.nothing')}</p>}
				{kinds.length > 0 && <KindList missing={kinds} />}
				{models.length > 0 && (
					<section>
						<h3>{t('opening.modelsTitle')}</h3>
						<ul>
							{models.map((model) => (
								<ModelRow key={`${model.folder}/${model.name}`} model={model} hosts={hosts} />
							))}
						</ul>
					</section>
				)}
			</div>
		</Modal>
	);
}

/** The missing kinds, each with what may stand in for it; one edit replaces all that have something. */
function KindList({ missing }: { missing: readonly MissingKind[] }) {
	const { t } = useTranslation();
	const doc = useGraph((state) => state.doc);
	const server = useKinds((state) => state.server);
	const [chosen, setChosen] = useState<{ readonly [kind: string]: string }>({});
	const offers = useMemo(
		() => missing.map((one) => ({ missing: one, offered: similarKinds(doc, one.kind, server) })),
		[doc, missing, server],
	);
	const by = new Map(
		offers.flatMap(({ missing: { kind }, offered }) => {
			const info = offered.find((one) => one.kind === chosen[kind]) ?? offered[0];
			return info === undefined ? [] : [[kind, info] as const];
		}),
	);
	const replace = (wanted: ReadonlyMap<string, KindInfo>): void => editDoc((now) => replaceKinds(now, wanted, currentKinds()));
	return (
		<section>
			<h3>{t('opening.kindsTitle')}</h3>
			<p className="hint">{t('opening.kindsHint')}</p>
			<ul>
				{offers.map(({ missing: one, offered }) => (
					<KindRow
						key={one.kind}
						missing={one}
						offered={offered}
						by={by.get(one.kind)}
						onChoose={(kind) => setChosen({ ...chosen, [one.kind]: kind })}
						onReplace={(info) => replace(new Map([[one.kind, info]]))}
					/>
				))}
			</ul>
			{by.size > 1 && (
				<button type="button" className="primary" data-testid="replace-all-kinds" onClick={() => replace(by)}>
					{t('opening.replaceKinds', { count: by.size })}
				</button>
			)}
		</section>
	);
}

interface KindRowProps {
	readonly missing: MissingKind;
	readonly offered: readonly KindInfo[];
	/** What is chosen of it; undefined: nothing is like it. */
	readonly by: KindInfo | undefined;
	readonly onChoose: (kind: string) => void;
	readonly onReplace: (info: KindInfo) => void;
}

function KindRow({ missing: { kind, count, pack }, offered, by, onChoose, onReplace }: KindRowProps) {
	const { t } = useTranslation();
	return (
		<li data-testid={`missing-kind-${kind}`}>
			<div>
				<strong>{kind}</strong>
				<span>
					{t('opening.nodes', { count })}
					{pack !== '' && ` · ${t('opening.pack', { pack })}`}
				</span>
			</div>
			{by === undefined ? (
				<span className="none">{t('opening.noneLike')}</span>
			) : (
				<div className="buttons">
					<select
						aria-label={t('opening.replaceBy', { name: kind })}
						value={by.kind}
						onChange={(event) => onChoose(event.target.value)}
					>
						{offered.map((one) => (
							<option key={one.kind} value={one.kind}>
								{one.title}
							</option>
						))}
					</select>
					<button type="button" data-testid={`replace-kind-${kind}`} onClick={() => onReplace(by)}>
						{t('opening.replaceNodes', { count })}
					</button>
				</div>
			)}
		</li>
	);
}

function ModelRow({ model, hosts }: { model: LostModel; hosts: readonly string[] }) {
	const { t } = useTranslation();
	const { name, folder, url, differs, uses } = model;
	const choices = useMemo(() => choicesOf(model), [model]);
	const [chosen, setChosen] = useState<string | null>(null);
	const file = chosen ?? choices[0];
	return (
		<li data-testid={`missing-model-${name}`}>
			<div>
				<strong>{name}</strong>
				<span>
					{[
						...(folder === '' ? [] : [t('opening.folder', { folder })]),
						...(uses.length === 0 ? [] : [t('opening.nodes', { count: uses.length })]),
						...(differs ? [t('opening.differs')] : []),
					].join(' · ')}
				</span>
			</div>
			<div className="buttons">
				{!differs && folder !== '' && isFrom(url, hosts) && <DownloadButton model={model} />}
				{url !== '' && (
					<a href={url} target="_blank" rel="noreferrer noopener">
						{t('opening.source')}
					</a>
				)}
				{file !== undefined && (
					<>
						<select
							aria-label={t('opening.replaceBy', { name })}
							value={file}
							onChange={(event) => setChosen(event.target.value)}
						>
							{choices.map((choice) => (
								<option key={choice} value={choice}>
									{choice}
								</option>
							))}
						</select>
						<button
							type="button"
							data-testid={`replace-model-${name}`}
							onClick={() => editDoc((now) => replaceFile(now, name, file, uses))}
						>
							{t('opening.replace')}
						</button>
					</>
				)}
			</div>
		</li>
	);
}

function choicesOf({ uses }: LostModel): readonly string[] {
	const [use] = uses;
	const node = use === undefined ? undefined : graphAt(currentDoc(), use.scope)?.nodes[use.node];
	const input = node === undefined ? undefined : liveKind(currentKinds().get(node.kind), node)?.inputs.find(({ name }) => name === use?.input);
	return (input?.choices ?? []).filter((choice) => typeof choice === 'string');
}
