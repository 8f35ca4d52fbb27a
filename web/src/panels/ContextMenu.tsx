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
						{items.map((item) => (
							<Menu.Item key={item.text} className="menu-item" onClick={item.act} disabled={item.disabled === true}>
								<span>
									{item.swatch !== undefined && <i className="swatch" style={{ background: item.swatch || 'transparent' }} />}
									{item.text}
								</span>
								{item.keys !== undefined && <kbd>{item.keys}</kbd>}
							</Menu.Item>
						))}
					</Menu.Popup>
				</Menu.Positioner>
			</Menu.Portal>
		</Menu.Root>
	);
}
