/** Both models behind one door: step by step (network.ts) and in virtual time (timed/). */
import { type Run, runNetwork } from './network.ts';
import type { Rules } from './rules.ts';
import { type Cut, shrink } from './shrink.ts';
import { runTimed } from './timed/world.ts';

export const MODELS: { readonly [name: string]: (seed: number, rules: Rules, cut?: Cut) => Run } = {
  steps: runNetwork,
  timed: runTimed,
};

/** The least of a failing seed that still fails, for people to read. */
export function tellShortest(model: string, seed: number, rules: Rules): string {
  const play = MODELS[model] ?? runNetwork;
  const { story, broken } = shrink((cut) => play(seed, rules, cut));
  const lines = story.filter((line) => !line.includes('BROKEN'));
  return [`seed ${seed}, model ${model}`, ...lines, ...broken.map((line) => `BROKEN: ${line}`)].join('\n  ');
}
