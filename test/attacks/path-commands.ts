/** Every command of the table that takes a path, with a path of one's choice in it: a new command is attacked from the day it is there. */
import { commandTable } from '../../src/proxy/command-table.ts';
import type { HeardReply, RawClient } from '../proxy/raw-client.ts';

export interface PathCommand {
  readonly name: string;
  readonly transfers: boolean;
  /** The line with this path. */
  line(path: string): string;
}

/** What may stand for the other words of an argument. */
const WORDS: { readonly [word: string]: string } = {
  '<YYYYMMDDHHMMSS>': '20200101000000',
  '<accessed>': '20200101000000',
  '<modified>': '20200101000000',
  '<created>': '20200101000000',
  '<mode>': '644',
  '<fact>': 'Modify',
};

function fill(syntax: string): string {
  return syntax.replace(/<[^>]+>/g, (word) => {
    if (word === '<path>') return word;
    const known = WORDS[word];
    if (known === undefined) throw new Error(`say in path-commands.ts what may stand for ${word}`);
    return known;
  });
}

/** `[<YYYYMMDDHHMMSS>] <path>` is two forms, without and with what is in brackets; so is `<a>  or  <b>`. */
function forms(syntax: string): string[] {
  const withoutOptions = (form: string) =>
    form.replace(/\[[^\]]*\]/g, (part) => (part.includes('<path>') ? part.slice(1, -1) : ''));
  const all = syntax.split('  or  ').flatMap((form) => [form.replace(/[[\]]/g, ''), withoutOptions(form)]);
  return [...new Set(all.map((form) => fill(form.trim())))];
}

export const pathCommands: readonly PathCommand[] = commandTable
  .filter(({ syntax }) => syntax?.includes('<path>'))
  .flatMap(({ name, aliases, syntax, transfers }) =>
    [name, ...(aliases ?? [])].flatMap((verb) =>
      forms(syntax ?? '').map((form) => ({
        name: verb,
        transfers: transfers === true,
        line: (path: string) => `${verb} ${form.replace('<path>', () => path)}`,
      })),
    ),
  );

/** Says it, with a data connection where one is needed; what came over that is in `bytes`. */
export async function say(
  client: RawClient,
  command: PathCommand,
  path: string,
): Promise<{ readonly reply: HeardReply; readonly bytes: string }> {
  const line = command.line(path);
  if (!command.transfers) return { reply: await client.command(line), bytes: '' };
  if (!/^(STOR|APPE|STOU)/.test(command.name)) {
    const { reply, bytes } = await client.download(line);
    return { reply, bytes: bytes.toString('latin1') };
  }
  return { reply: await client.upload(line, 'written by an attacker'), bytes: '' };
}
