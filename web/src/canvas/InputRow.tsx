import { memo, type MouseEvent } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { defaultValue, hasWidget } from '../graph/defaults';
import { useGraph } from '../graph/store';
import { constantOf, outerOf, type InputInfo, type InputValue, type NodeId } from '../graph/types';
import { Icon } from '../panels/icons';
import { ROOT } from '../graph/doc';
import { currentKinds } from '../graph/kinds';
import { promote, withoutOuter } from '../graph/packing';
import { openMenu, type MenuItem } from '../panels/menu';
import { useWidgetEntry } from '../widgets/registry';
import { toggleExposed } from '../graph/edit';
import { editGraph } from '../graph/store';
import { cutLink, describeLink, resetInput, setInput } from './commands';
import { inputHandle } from './handles';
import { Socket } from './Socket';
import { inputLabel, inputTip } from './words';
import { t } from '../i18n/i18n';

interface InputRowProps {
	readonly node: NodeId;
	readonly input: InputInfo;
	readonly value: InputValue | undefined;
	/** The name under which the workflow offers this input to its callers. */
	readonly exposed: string | null;
	readonly problem: string | null;
	readonly undeclared?: boolean;
}

/** One input: its socket, its label and, unless a link feeds it, its widget. */
export const InputRow = memo(function InputRow({
	node,
	input,
	value,
	exposed,
	problem,
	undeclared = false,
}: InputRowProps) {
	const linked = value !== undefined && !('constant' in value);
	const constant = constantOf(value);
	const plain = !linked && constant === undefined && !hasWidget(input);
	const label = inputLabel(input);
	const { component: Widget, wide = false } = useWidgetEntry(input);
	const layout = plain ? 'plain' : linked ? 'linked' : wide ? 'wide' : 'line';

	const onContextMenu = (event: MouseEvent): void => {
		const items = [
			...(useGraph.getState().scope !== ROOT ? [] : [{
				text: exposed === null ? t('input.offer') : t('node.stopOffering', { name: exposed }),
				act: () => editGraph((graph) => toggleExposed(graph, node, input.name)),
			}]),
			...promotion(node, input.name, value),
			...(linked ? [{ text: t('input.cut'), act: () => cutLink(node, input.name) }] : []),
			...(!linked && !plain
				? [{ text: undeclared ? t('input.remove') : t('input.reset'), act: () => resetInput(node, input.name) }]
				: []),
		];
		openMenu(event, items);
	};

	return (
		<div
			className="input"
			data-layout={layout}
			data-problem={problem !== null || undefined}
			onContextMenu={onContextMenu}
		>
			<Socket
				node={node}
				side="target"
				handle={inputHandle(input.name)}
				type={input.type}
				label={label}
				filled={linked}
				small={!plain}
				wrong={problem !== null}
			/>
			<span
				className="label"
				data-optional={!input.required || undefined}
				data-tip={inputTip(input, undeclared, problem)}
			>
				{label}
				{exposed !== null && (
					<span className="exposed" data-tip={t('input.exposed', { name: exposed })}>
						<Icon name="entry" />
						{wide && exposed !== input.name && exposed}
					</span>
				)}
			</span>
			{linked && <LinkSource node={node} input={input.name} />}
			{!linked && !plain && (
				<div className="control">
					<Widget
						node={node}
						input={input}
						value={constant ?? defaultValue(input)}
						label={label}
						refused={problem !== null}
						onChange={(next) => setInput(node, input.name, next)}
					/>
				</div>
			)}
		</div>
	);
});

function LinkSource({ node, input }: { node: NodeId; input: string }) {
	const { text, broken } = useGraph(useShallow((state) => describeLink(state.graph, node, input)));
	return (
		<span className="from" data-broken={broken || undefined}>
			{text}
		</span>
	);
}

/** Inside of a subgraph, an input can become one of the subgraph's own. */
function promotion(node: NodeId, input: string, value: InputValue | undefined): MenuItem[] {
	const { scope } = useGraph.getState();
	const outer = outerOf(value);
	if (scope === ROOT || (value !== undefined && 'link' in value)) {
		return [];
	}
	return outer === null
		? [
				{
					text: t('subgraph.promote'),
					act: () => editGraph((graph) => promote(graph, node, input, currentKinds())),
				},
			]
		: [{ text: t('subgraph.remove', { name: outer }), act: () => editGraph((graph) => withoutOuter(graph, outer)) }];
}
