import { useState, type ComponentType } from 'react';
import { useTranslation } from 'react-i18next';
import { ModelCatalogue } from './ModelCatalogue';
import { ModelsInMemory } from './ModelsInMemory';
import '../styles/inspect.css';

type Section = 'catalogue' | 'memory';
const SECTIONS: Readonly<Record<Section, ComponentType>> = { catalogue: ModelCatalogue, memory: ModelsInMemory };

/** Model files on the server's disk, and those in its memory. */
export default function ModelsPanel() {
	const { t } = useTranslation();
	const [section, setSection] = useState<Section>('catalogue');
	const Shown = SECTIONS[section];
	return (
		<div className="inspect">
			<div className="sections" role="tablist" aria-label={t('panels.models')}>
				{(Object.keys(SECTIONS) as Section[]).map((name) => (
					<button
						key={name}
						type="button"
						role="tab"
						aria-selected={name === section}
						data-testid={`models-${name}`}
						onClick={() => setSection(name)}
					>
						{t(`inspect.models.${name}`)}
					</button>
				))}
			</div>
			<Shown />
		</div>
	);
}
