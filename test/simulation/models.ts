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
  const told = concerning(lines, broken);
  const left = lines.length - told.length;
  const promises = [...new Set(broken)].map((line) => `BROKEN: ${line}`);
  const rest = left === 0 ? [] : [`(${left} lines on other files and on the healing are left out)`];
  return [`seed ${seed}, model ${model}, shortened`, ...told, ...rest, ...promises].join('\n  ');
}

/** What concerns the files of the broken promise: lines that name them, or one of their writes, or no file at all. */
function concerning(lines: readonly string[], broken: readonly string[]): readonly string[] {
  const paths = new Set(broken.flatMap(pathsIn));
  if (paths.size === 0) return lines;
  for (const line of lines.filter((each) => each.includes('"rename"')))
    if (pathsIn(line).some((path) => paths.has(path))) for (const path of pathsIn(line)) paths.add(path);
  const names = (line: string) => pathsIn(line).some((path) => paths.has(path));
  const dots = new Set(lines.filter(names).flatMap(dotsIn));
  return lines.filter(
    (line) =>
      names(line) ||
      (pathsIn(line).length === 0 && (dotsIn(line).some((dot) => dots.has(dot)) || isEvent(line))),
  );
}

function isEvent(line: string): boolean {
  return dotsIn(line).length === 0 && !line.includes(' has all that ');
}

/** A conflict name counts as the file it comes from. */
function pathsIn(line: string): string[] {
  return (line.match(/(?<=[ "])\/[^ ",]*/g) ?? []).map((path) => path.replace(/\.conflict-.*$/, ''));
}

function dotsIn(line: string): string[] {
  return line.match(/\b[a-e]\.(?:start)?\d+ \d+/g) ?? [];
}
