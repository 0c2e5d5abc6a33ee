/** HELP, FEAT, OPTS and SITE: what the command table says about itself. */
import { FACTS, type Fact } from '../../ftp/listing.ts';
import { multilineReply, type Reply, reply } from '../../ftp/reply.ts';
import type { CommandDefinition } from '../command-definition.ts';
import type { Session } from '../session.ts';

const WORDS_PER_LINE = 8;

/** `table` gives all rows, these included. */
export function helpCommands(table: () => readonly CommandDefinition[]): readonly CommandDefinition[] {
  const allowed = ({ services }: Session) => table().filter(({ name }) => services.rules.allows(name));
  const help = (session: Session, argument: string) =>
    helpReply(allowed(session), argument.trim().toUpperCase());
  return [
    {
      name: 'HELP',
      argument: 'optional',
      syntax: '[<command>]',
      needsLogin: false,
      help: 'Lists the commands, or tells about one.',
      reference: 'RFC 959 4.1.3',
      run: help,
    },
    {
      name: 'FEAT',
      argument: 'none',
      needsLogin: false,
      help: 'Lists what goes beyond RFC 959.',
      reference: 'RFC 2389 3',
      run: (session) => multilineReply(211, 'Features:', features(allowed(session), session), 'End'),
    },
    {
      name: 'OPTS',
      argument: 'required',
      syntax: 'UTF8 ON | MLST <fact>;... | HASH SHA-256',
      needsLogin: false,
      feature: 'UTF8',
      help: 'UTF-8 is always on; MLST chooses facts.',
      reference: 'RFC 2389 4',
      run: setOption,
    },
    {
      name: 'SITE',
      argument: 'optional',
      syntax: '<command>',
      help: 'Without a command, or with one that is not known: 501.',
      reference: 'RFC 959 4.1.3',
      run: (_session, argument) =>
        argument.trim() === '' ? reply(501, 'Say SITE HELP.') : reply(501, 'Not known here; say SITE HELP.'),
    },
    {
      name: 'SITE HELP',
      argument: 'optional',
      needsLogin: false,
      help: 'Lists the commands behind SITE.',
      reference: 'RFC 959 4.1.3',
      run: (session) => help(session, 'SITE'),
    },
  ];
}

function features(table: readonly CommandDefinition[], session: Session): string[] {
  return table.flatMap(({ feature }) => {
    if (feature === undefined) return [];
    const line = typeof feature === 'string' ? feature : feature(session);
    return line === null ? [] : [line];
  });
}

function helpReply(table: readonly CommandDefinition[], asked: string): Reply {
  if (asked === '' || asked === 'SITE') {
    const prefix = asked === 'SITE' ? 'SITE ' : '';
    const names = table
      .filter(({ name }) => (asked === 'SITE') === name.startsWith('SITE '))
      .map(({ name }) => name.slice(prefix.length).padEnd(8));
    const lines: string[] = [];
    for (let at = 0; at < names.length; at += WORDS_PER_LINE)
      lines.push(names.slice(at, at + WORDS_PER_LINE).join(''));
    return multilineReply(
      214,
      `Commands${prefix === '' ? '' : ' behind SITE'}:`,
      lines,
      'HELP <command> tells more.',
    );
  }
  const found = table.find(({ name, aliases }) => name === asked || aliases?.includes(asked));
  if (found === undefined) return reply(504, `${asked} is not known here; HELP lists what is.`);
  const { name, syntax, help, reference } = found;
  return reply(214, `${name}${syntax === undefined ? '' : ` ${syntax}`}: ${help} (${reference})`);
}

function setOption(session: Session, argument: string): Reply {
  const [name = '', ...rest] = argument.trim().split(/ +/);
  const value = rest.join(' ').toUpperCase();
  switch (name.toUpperCase()) {
    case 'UTF8':
    case 'UTF-8':
      if (value === 'OFF')
        return session.names.speak('latin-1')
          ? reply(200, 'Latin-1 it is.')
          : reply(504, 'UTF-8 is always on.');
      if (value !== '' && value !== 'ON' && value !== 'NLST') return reply(501, 'Say OPTS UTF8 ON.');
      session.names.speak('utf-8');
      return reply(200, 'UTF-8 is on.');
    case 'MLST': {
      const wanted = value.split(';').filter((fact) => fact !== '');
      session.facts = FACTS.filter((fact: Fact) => wanted.includes(fact.toUpperCase()));
      return reply(200, `MLST OPTS ${session.facts.map((fact) => `${fact};`).join('')}`.trimEnd());
    }
    case 'HASH':
      return value === '' || value === 'SHA-256' ? reply(200, 'SHA-256') : reply(504, 'SHA-256 only.');
    default:
      return reply(501, 'No such option; there are UTF8, MLST and HASH.');
  }
}
