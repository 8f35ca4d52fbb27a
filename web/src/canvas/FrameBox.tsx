import { NodeResizer, type NodeProps } from '@xyflow/react';
import { memo, useState } from 'react';
import { editGraph, useGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { commandItem, openMenu } from '../panels/menu';
import { selectNodes, type FlowNode } from './flow';
import { colourItems, updateFrame } from './looks';
import { useTabStop } from './focus';
import { partOf } from './parts';

const SMALLEST = { width: 120, height: 80 };

/** A titled frame around nodes; what lies in it moves with it. */
export const FrameBox = memo(function FrameBox({ id: canvasId, selected }: NodeProps<FlowNode>) {
	const { id } = partOf(canvasId);
	const frame = useGraph((state) => state.graph.frames[id]);
	const [draft, setDraft] = useState<string | null>(null);
	const tabStop = useTabStop(canvasId);
	if (frame === undefined) {
		return null;
	}
	const finish = (): void => {
		if (draft !== null && draft !== frame.title) {
			editGraph((graph) => updateFrame(graph, id, { title: draft }));
		}
		setDraft(null);
	};
	return (
		<div
			className="frame"
			role="group"
			tabIndex={tabStop}
			aria-roledescription={t('building.frame')}
			aria-label={frame.title || t('frame.untitled')}
			data-testid={`frame-${id}`}
			 style={frame.color === '' ? {} : { '--frame': frame.color }}>
			<NodeResizer
				isVisible={selected === true}
				minWidth={SMALLEST.width}
				minHeight={SMALLEST.height}
				onResizeEnd={(_event, { x, y, width, height }) =>
					editGraph((graph) => updateFrame(graph, id, { x, y, width, height }))
				}
			/>
			<header
				className="frame-head"
				onDoubleClick={() => setDraft(frame.title)}
				onContextMenu={(event) => {
					selectNodes([canvasId]);
					openMenu(event, [
						{ text: t('node.rename'), act: () => setDraft(frame.title) },
						...colourItems((color) => editGraph((graph) => updateFrame(graph, id, { color }))),
						commandItem('remove'),
					]);
				}}
			>
				{draft === null ? (
					frame.title || t('frame.untitled')
				) : (
					<input
						className="nodrag"
						autoFocus
						aria-label={t('frame.title')}
						value={draft}
						onFocus={(event) => event.target.select()}
						onChange={(event) => setDraft(event.target.value)}
						onBlur={finish}
						onKeyDown={(event) => {
							if (event.key === 'Enter') {
								finish();
							} else if (event.key === 'Escape') {
								event.stopPropagation();
								setDraft(null);
							}
						}}
					/>
				)}
			</header>
		</div>
	);
});
