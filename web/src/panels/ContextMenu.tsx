import { Menu } from '@base-ui/react/menu';
import { closeMenu, useMenu } from './menu';

/** The menu that `openMenu` asks for, where it was asked for. */
export function ContextMenu() {
	const { at, items } = useMenu();
	return (
		<Menu.Root open={at !== null} onOpenChange={(open) => !open && closeMenu()} modal={false}>
			<Menu.Portal>
				<Menu.Positioner
					className="menu-place"
					side="bottom"
					align="start"
					anchor={at === null ? null : { getBoundingClientRect: () => new DOMRect(at.x, at.y, 0, 0) }}
				>
					<Menu.Popup className="context-menu menu">
						{items.map((item) =>
							item.swatch === undefined ? (
								<Menu.Item key={item.text} className="menu-item" onClick={item.act} disabled={item.disabled === true}>
									<span>{item.text}</span>
									{item.keys !== undefined && <kbd>{item.keys}</kbd>}
								</Menu.Item>
							) : (
								<Menu.Item
									key={item.text}
									className="menu-swatch"
									aria-label={item.text}
									data-tip={item.text}
									onClick={item.act}
								>
									<i className="swatch" data-none={item.swatch === '' || undefined} style={{ background: item.swatch || 'transparent' }} />
								</Menu.Item>
							),
						)}
					</Menu.Popup>
				</Menu.Positioner>
			</Menu.Portal>
		</Menu.Root>
	);
}
