/**
 * --allow-commands, --deny-commands and --active-mode: which rows of the command table there are for clients. A refused
 * one is 502, and neither FEAT nor HELP speaks of it.
 */
import type { GatewaySettings } from '../../config/gateway-settings.ts';
import type { LimitSettings } from '../../config/limit-settings.ts';
import type { CommandDefinition } from '../command-definition.ts';

export type RuleSettings = Pick<LimitSettings, 'allowCommands' | 'denyCommands'> &
  Pick<GatewaySettings, 'activeMode'>;

/** Logging in and out, TLS, and giving up: nothing switches them off. */
export const ALWAYS: readonly string[] = [
  ...['USER', 'PASS', 'ACCT', 'REIN', 'QUIT', 'HOST', 'AUTH', 'PBSZ', 'PROT', 'NOOP', 'ABOR'],
];

/** They neither show nor change a file: --allow-commands STOR is enough for a camera. --deny-commands can name them. */
export const PREPARING: readonly string[] = [
  ...['SYST', 'FEAT', 'HELP', 'OPTS', 'SITE HELP', 'PWD', 'TYPE', 'MODE', 'STRU', 'ALLO'],
  ...['PASV', 'EPSV', 'PORT', 'EPRT'],
];

const ACTIVE: readonly string[] = ['PORT', 'EPRT'];

export class CommandRules {
  /** What the settings name and the table has not. */
  readonly unknown: readonly string[];
  readonly #refused: ReadonlySet<string>;

  constructor(table: readonly CommandDefinition[], settings: RuleSettings) {
    this.unknown = [...settings.allowCommands, ...settings.denyCommands].filter(
      (name) => name !== 'SITE' && !table.some((row) => isMeant(row, [name])),
    );
    this.#refused = new Set(table.filter((row) => isRefused(row, settings)).map(({ name }) => name));
  }

  /** `name` of a row. */
  allows(name: string): boolean {
    return !this.#refused.has(name);
  }
}

function isRefused(
  row: CommandDefinition,
  { allowCommands, denyCommands, activeMode }: RuleSettings,
): boolean {
  if (isMeant(row, ALWAYS)) return false;
  if (isMeant(row, denyCommands) || (!activeMode && isMeant(row, ACTIVE))) return true;
  return allowCommands.length > 0 && !isMeant(row, allowCommands) && !isMeant(row, PREPARING);
}

/** By its name, by another form of it (XMKD for MKD), or with everything behind SITE. */
function isMeant({ name, aliases = [] }: CommandDefinition, names: readonly string[]): boolean {
  return names.some(
    (meant) => meant === name || aliases.includes(meant) || (meant === 'SITE' && name.startsWith('SITE ')),
  );
}
