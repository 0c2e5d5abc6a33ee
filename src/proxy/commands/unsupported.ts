/** Known to the RFCs and not done here: 502, never silence. */
import { reply } from '../../ftp/reply.ts';
import type { CommandDefinition } from '../command-definition.ts';

const COMMANDS: readonly (readonly [name: string, reference: string])[] = [
  ['SMNT', 'RFC 959 4.1.1'],
  ['ADAT', 'RFC 2228'],
  ['CCC', 'RFC 2228'],
  ['CONF', 'RFC 2228'],
  ['ENC', 'RFC 2228'],
  ['MIC', 'RFC 2228'],
  ['LPRT', 'RFC 1639'],
  ['LPSV', 'RFC 1639'],
];

export const unsupportedCommands: readonly CommandDefinition[] = COMMANDS.map(([name, reference]) => ({
  name,
  argument: 'optional',
  needsLogin: false,
  help: 'Not done here: 502.',
  reference,
  run: () => reply(502, `${name} is not done here.`),
}));
