import { useState } from 'react';
import { create } from 'zustand';
import { rename } from '../graph/edit';
import { editGraph } from '../graph/store';
import type { NodeId } from '../graph/types';
import { t } from '../i18n/i18n';

const useRenaming = create<{ readonly id: NodeId | null }>()(() => ({ id: null }));

export function startRenaming(id: NodeId): void {
	useRenaming.setState({ id });
}

export function NodeTitle({ id, title }: { id: NodeId; title: string }) {
	const renaming = useRenaming((state) => state.id === id);
	return renaming ? (
		<TitleField id={id} title={title} />
	) : (
		<span
			className="title"
			data-tip={`${title}\nid: ${id}\n${t('node.renameHint')}`}
			onDoubleClick={() => startRenaming(id)}
		>
			{title}
		</span>
	);
}

function TitleField({ id, title }: { id: NodeId; title: string }) {
	const [text, setText] = useState(title);
	const finish = (next: string): void => {
		useRenaming.setState({ id: null });
		if (next.trim() !== title) {
			editGraph((graph) => rename(graph, id, next.trim()));
		}
	};
	return (
		<input
			className="title nodrag"
			aria-label={t('node.title')}
			autoFocus
			value={text}
			onFocus={(event) => event.target.select()}
			onChange={(event) => setText(event.target.value)}
			onBlur={() => finish(text)}
			onKeyDown={(event) => {
				if (event.key === 'Enter') {
					finish(text);
				} else if (event.key === 'Escape') {
					event.stopPropagation();
					finish(title);
				}
			}}
		/>
	);
}
