/** What is told of one setting. */
import type { Check } from './setting-checks.ts';

export interface Setting<T> {
  readonly check: Check<T>;
  /** As one would give it; null: worked out from others, `defaultShown` says how. */
  readonly default: string | null;
  readonly defaultShown?: string;
  readonly description: string;
  /** What stands for the value in the help; null: a switch. */
  readonly placeholder: string | null;
  /** A path: relative to the current folder, or to the configuration file that names it. */
  readonly isPath?: true;
}

export function setting<T>(value: Setting<T>): Setting<T> {
  return value;
}

/** `passive-ports` -> `passivePorts`. */
type Camel<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

/** The checked values of a table of settings, under their names in camel case. */
export type ValuesOf<T extends { readonly [name: string]: Setting<unknown> }> = {
  readonly [K in keyof T & string as Camel<K>]: T[K] extends Setting<infer V> ? V : never;
};

/** The values of a table; `value` finds and checks one. */
export function valuesOf<T extends { readonly [name: string]: Setting<unknown> }>(
  table: T,
  value: (name: keyof T & string, setting: Setting<unknown>) => unknown,
): ValuesOf<T> {
  const entries = Object.entries(table).map(([name, one]) => [camel(name), value(name, one)]);
  return Object.fromEntries(entries) as ValuesOf<T>;
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
