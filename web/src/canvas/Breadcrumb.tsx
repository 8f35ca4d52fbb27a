import { useGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { Icon } from '../panels/icons';

/** The way from the workflow down to the subgraph on the canvas. */
export function Breadcrumb() {
	const { doc, path, leave } = useGraph();
	if (path.length === 0) {
		return null;
	}
	const titles = path.map(({ scope }) => doc.subgraphs[scope]?.title || scope);
	return (
		<nav className="breadcrumb" aria-label={t('subgraph.path')}>
			<button type="button" data-testid="breadcrumb-0" onClick={() => leave(0)}>
				<Icon name="left" /> {doc.root.title || t('tabs.untitled')}
			</button>
			{titles.map((title, index) =>
				index === titles.length - 1 ? (
					<span key={index} aria-current="page">
						{title}
					</span>
				) : (
					<button key={index} type="button" data-testid={`breadcrumb-${index + 1}`} onClick={() => leave(index + 1)}>
						{title}
					</button>
				),
			)}
		</nav>
	);
}
