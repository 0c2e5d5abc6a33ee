/** The one table of commands: login check, argument check, HELP, FEAT and docs/ftp-commands.md come from it. */
import type { CommandDefinition } from './command-definition.ts';
import { accessCommands } from './commands/access.ts';
import { dataCommands } from './commands/data.ts';
import { directoryCommands } from './commands/directories.ts';
import { factCommands } from './commands/facts.ts';
import { fileCommands } from './commands/files.ts';
import { helpCommands } from './commands/help.ts';
import { informationCommands } from './commands/information.ts';
import { listingCommands } from './commands/listings.ts';
import { securityCommands } from './commands/security.ts';
import { transferCommands } from './commands/transfers.ts';
import { unsupportedCommands } from './commands/unsupported.ts';

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly CommandDefinition[];
}

export const commandGroups: readonly CommandGroup[] = [
  { title: 'Coming and going', commands: accessCommands },
  { title: 'TLS', commands: securityCommands },
  { title: 'Directories', commands: directoryCommands },
  { title: 'Transfers', commands: transferCommands },
  { title: 'Listings', commands: listingCommands },
  { title: 'Files', commands: fileCommands },
  { title: 'Facts', commands: factCommands },
  { title: 'How the next transfer goes', commands: dataCommands },
  { title: 'Asking the server', commands: informationCommands },
  { title: 'Help and options', commands: helpCommands(() => commandTable) },
  { title: 'Not done', commands: unsupportedCommands },
];

export const commandTable: readonly CommandDefinition[] = commandGroups.flatMap(({ commands }) => commands);

const byName = new Map(
  commandTable.flatMap((definition) =>
    [definition.name, ...(definition.aliases ?? [])].map((name) => [name, definition] as const),
  ),
);

/** The row for a command, with what is left of the argument; `SITE x` first looks for a row of that name. */
export function findCommand(
  name: string,
  argument: string,
): { readonly definition: CommandDefinition; readonly argument: string } | null {
  if (name === 'SITE') {
    const [, verb = '', rest = ''] = /^ *(\S+) ?(.*)$/s.exec(argument) ?? [];
    const behindSite = byName.get(`SITE ${verb.toUpperCase()}`);
    if (behindSite !== undefined) return { definition: behindSite, argument: rest };
  }
  const definition = byName.get(name);
  return definition === undefined ? null : { definition, argument };
}
