import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchDifference } from '../api/difference';
import { fetchVersion, fetchVersions, type VersionEntry } from '../api/library';
import { writeDoc } from '../graph/document';
import { currentDoc } from '../graph/store';
import { tell } from '../run/submit';
import { activeTab, useTabs } from '../tabs/tabs';
import { Differences } from './Differences';
import { EditList } from './EditList';
import { putDocument } from './saving';
import { differenceWords, type Said } from './words';

/** What the open workflow was when it was saved before, and the edits that were made since it was opened. */
export default function VersionsPanel() {
	const { t, i18n } = useTranslation();
	const name = useTabs(() => activeTab().name);
	const etag = useTabs(() => activeTab().etag);
	const [versions, setVersions] = useState<readonly VersionEntry[]>([]);
	useEffect(() => {
		let current = true;
		setVersions([]);
		if (name !== null) {
			void tell(async () => {
				const found = await fetchVersions(name);
				if (current) {
					setVersions(found);
				}
			});
		}
		return () => {
			current = false;
		};
		// Saving makes a new version.
	}, [name, etag]);
	const time = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
	return (
		<div className="versions">
			<h3>{t('persist.versions.title')}</h3>
			{versions.length === 0 && (
				<p className="none">{t(name === null ? 'persist.versions.notSaved' : 'persist.versions.none')}</p>
			)}
			<ul>
				{versions.map((version) => (
					<VersionRow key={version.id} name={name ?? ''} version={version} when={time.format(version.saved)} />
				))}
			</ul>
			<h3>{t('persist.edits.title')}</h3>
			<EditList />
		</div>
	);
}

function VersionRow({ name, version, when }: { name: string; version: VersionEntry; when: string }) {
	const { t } = useTranslation();
	const [said, setSaid] = useState<readonly Said[] | null>(null);
	const compare = (): void =>
		void tell(async () => {
			setSaid(differenceWords(await fetchDifference(writeDoc(currentDoc()), await fetchVersion(name, version.id))));
		});
	const restore = (): void =>
		void tell(async () => {
			putDocument(await fetchVersion(name, version.id));
			setSaid(null);
		});
	return (
		<li className="version" data-testid={`version-${version.id}`}>
			<div>
				<strong>{when}</strong>
				<span>
					{version.title} · {t('persist.versions.nodes', { count: version.nodes })}
				</span>
			</div>
			<div className="buttons">
				<button type="button" aria-expanded={said !== null} onClick={() => (said === null ? compare() : setSaid(null))}>
					{t('persist.versions.compare')}
				</button>
				<button type="button" data-tip={t('persist.versions.restoreTip')} onClick={restore}>
					{t('persist.versions.restore')}
				</button>
			</div>
			{said !== null && <Differences said={said} same={t('persist.versions.same')} />}
		</li>
	);
}
