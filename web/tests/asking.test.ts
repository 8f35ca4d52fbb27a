import { describe, expect, test } from 'vitest';
import { ServerError } from '../src/api/http';
import { startAsking } from '../src/inspect/asking';

interface Question {
	readonly resolve: (answer: string) => void;
	readonly reject: (error: Error) => void;
}

function asked() {
	const questions: Question[] = [];
	const told: string[] = [];
	const asking = startAsking(() => new Promise<string>((resolve, reject) => questions.push({ resolve, reject })), {
		onAnswer: (answer) => told.push(answer),
		onFailure: (message) => told.push(`failed: ${message}`),
	});
	return { asking, questions, told };
}

describe('asking again and again', () => {
	test('an answer that takes longer than the pause between ticks is told', async () => {
		const { asking, questions, told } = asked();
		const first = asking.reload();
		void asking.tick();
		void asking.tick();
		questions[0]!.resolve('slow');
		await first;

		expect([questions.length, told]).toEqual([1, ['slow']]);

		void asking.tick();

		expect(questions).toHaveLength(2);
	});

	test('goes on after a failure', async () => {
		const { asking, questions, told } = asked();
		const first = asking.tick();
		questions[0]!.reject(new ServerError('away', 0));
		await first;
		const second = asking.tick();
		questions[1]!.resolve('back');
		await second;

		expect(told).toEqual(['failed: away', 'back']);
	});

	test('who asks at once does not wait for what was asked before, nor hears of it', async () => {
		const { asking, questions, told } = asked();
		const first = asking.tick();
		const second = asking.reload();
		questions[1]!.resolve('new');
		await second;
		questions[0]!.resolve('old');
		await first;

		expect(told).toEqual(['new']);
	});

	test('nothing is told after the end', async () => {
		const { asking, questions, told } = asked();
		const first = asking.reload();
		asking.stop();
		questions[0]!.resolve('late');
		await first;

		expect(told).toEqual([]);
	});
});
