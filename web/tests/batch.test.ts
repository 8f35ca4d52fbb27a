import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startBatch } from '../src/run/batch';

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
	vi.stubGlobal('requestAnimationFrame', (draw: () => void) => setTimeout(draw, 16));
	vi.stubGlobal('cancelAnimationFrame', clearTimeout);
});

afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

const isTick = (item: string): boolean => item.startsWith('tick');

test('what is no tick is told with the next frame, in order, with the ticks before it', () => {
	const told: (readonly string[])[] = [];
	const batch = startBatch<string>((items) => told.push(items), isTick);
	batch.add('tick 1');
	vi.advanceTimersByTime(20);
	expect(told).toEqual([['tick 1']]);
	batch.add('tick 2');
	batch.add('started');
	vi.advanceTimersByTime(20);
	expect(told).toEqual([['tick 1'], ['tick 2', 'started']]);
});

test('of ticks alone, none is lost and few are drawn', () => {
	const told: (readonly string[])[] = [];
	const batch = startBatch<string>((items) => told.push(items), isTick);
	for (let number = 0; number < 600; number += 1) {
		batch.add(`tick ${number}`);
		vi.advanceTimersByTime(1);
	}
	batch.flush();
	expect(told.flat()).toHaveLength(600);
	expect(told.length).toBeLessThan(14);
	expect(told.length).toBeGreaterThan(6);
});

test('a tick after an event waits, until it is flushed', () => {
	const told: (readonly string[])[] = [];
	const batch = startBatch<string>((items) => told.push(items), isTick);
	batch.add('started');
	vi.advanceTimersByTime(20);
	batch.add('tick');
	vi.advanceTimersByTime(20);
	expect(told).toHaveLength(1);
	batch.flush();
	expect(told).toEqual([['started'], ['tick']]);
});
