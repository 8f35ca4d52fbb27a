import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { workflowPictureUrl } from '../api/library';
import { fetchTemplates, packTemplatePictureUrl, type Template } from '../api/templates';
import { openFromServer } from '../panels/files';
import { tell } from '../run/submit';
import { openTemplate } from './templates';
import { SearchField } from '../ui/SearchField';

const PICTURE_SIZE = 384;

/** Workflows to begin with: those that come with the program, with pictures of what they give, and those of plugins. */
export default function TemplatesPanel() {
	const { t } = useTranslation();
	const [templates, setTemplates] = useState<readonly Template[] | null>(null);
	const [words, setWords] = useState('');
	useEffect(() => {
		void tell(async () => setTemplates(await fetchTemplates()));
	}, []);
	const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
	const shown = (templates ?? []).filter((template) => {
		const text = `${template.title} ${template.description} ${template.pack}`.toLowerCase();
		return wanted.every((word) => text.includes(word));
	});
	return (
		<div className="templates">
			<SearchField testid="template-search" label={t('opening.templates.search')} value={words} onChange={setWords} />
			{templates === null ? (
				<p className="none">{t('common.loading')}</p>
			) : (
				shown.length === 0 && <p className="none">{t('common.nothing')}</p>
			)}
			<ul>
				{shown.map((template) => (
					<li key={`${template.pack}/${template.name}`}>
						<TemplateCard template={template} />
					</li>
				))}
			</ul>
		</div>
	);
}

function TemplateCard({ template }: { template: Template }) {
	const { pack, name, title, description, pictured } = template;
	const [broken, setBroken] = useState(!pictured);
	const open = (): void => void (pack === '' ? openFromServer(name) : openTemplate(pack, name));
	return (
		<button type="button" className="template" data-testid={`template-${pack === '' ? name : `${pack}-${name}`}`} onClick={open}>
			{broken ? (
				<span className="no-picture" aria-hidden="true" />
			) : (
				<img
					src={pack === '' ? workflowPictureUrl(name, PICTURE_SIZE) : packTemplatePictureUrl(pack, name)}
					alt=""
					loading="lazy"
					onError={() => setBroken(true)}
				/>
			)}
			<strong>{title}</strong>
			{description !== '' && <small>{description}</small>}
			{pack !== '' && <small>{pack}</small>}
		</button>
	);
}
