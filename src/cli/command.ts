/** What a command of `cloudroid` gets and gives; each has a file of its own. */
import type { Settings } from '../config/settings-api.ts';
import type { ExitStatus } from '../system/exit-status.ts';

export interface CommandInput {
  readonly settings: Settings;
  /** Of this program. */
  readonly version: string;
  /** The settings given on the command line, as given, to hand on to child processes. */
  readonly options: { readonly [name: string]: string };
  /** The command's own switches that are on (`once`, `json`). */
  readonly switches: ReadonlySet<string>;
  /** The command's own options that take a value, as given (`--to`). */
  readonly values: ReadonlyMap<string, string>;
  /** What follows the command's name: `peers add 10.0.0.2` has ['add', '10.0.0.2']. */
  readonly words: readonly string[];
}

export interface Command {
  readonly description: string;
  /** Name and description of each of its own switches. */
  readonly switches?: { readonly [name: string]: string };
  /** Name and description of each of its own options that take a value. */
  readonly values?: { readonly [name: string]: string };
  /** Most words that may follow its name; absent: none. */
  readonly maxWords?: number;
  /** How those words go, for the help: `[list | add ADDRESS]`. */
  readonly wordsShown?: string;
  /** Loaded when used: `status` need not wait for the storage server's code. */
  readonly load: () => Promise<(input: CommandInput) => Promise<ExitStatus>>;
}
