/** What a client asks about the server and itself. */
import { listLine } from '../../ftp/listing.ts';
import { multilineReply, type Reply, reply } from '../../ftp/reply.ts';
import type { MemberStatus } from '../../peers/protocol-reports.ts';
import { requireDirectory } from '../changes.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { listedEntries, withoutFlags } from '../listed-entries.ts';
import type { Session } from '../session.ts';

/** A listing over the control connection stays small; LIST has no such limit. */
const MOST_STAT_LINES = 2_000;

export const informationCommands: readonly CommandDefinition[] = [
  {
    name: 'SYST',
    argument: 'none',
    needsLogin: false,
    help: 'Tells how LIST looks: like Unix.',
    reference: 'RFC 959 4.1.3',
    run: () => reply(215, 'UNIX Type: L8'),
  },
  {
    name: 'NOOP',
    argument: 'optional',
    needsLogin: false,
    duringTransfer: 'always',
    help: 'Does nothing, and keeps the connection alive.',
    reference: 'RFC 959 4.1.3',
    run: () => reply(200, 'Here.'),
  },
  {
    name: 'STAT',
    argument: 'optional',
    syntax: '[<path>]',
    duringTransfer: 'bare',
    help: 'Without a path: the session, the transfer under way, the members. With a path: LIST over the control connection.',
    reference: 'RFC 959 4.1.3',
    run: (session, argument) => (argument.trim() === '' ? status(session) : statusOfPath(session, argument)),
  },
  {
    name: 'CLNT',
    argument: 'optional',
    syntax: '<name>',
    needsLogin: false,
    feature: 'CLNT',
    help: 'Thanks a client for its name. FileZilla is shown in MLSD what was kept of its uploads that broke off.',
    reference: 'draft-ietf-ftpext-clnt',
    run(session, argument) {
      session.clientName = argument.trim();
      return reply(200, 'Noted.');
    },
  },
  {
    name: 'LANG',
    argument: 'optional',
    syntax: '[EN]',
    needsLogin: false,
    feature: 'LANG EN*',
    help: 'English only.',
    reference: 'RFC 2640 4.1',
    run: (_session, argument) =>
      /^(en(-.*)?)?$/i.test(argument.trim()) ? reply(200, 'English.') : reply(504, 'English only.'),
  },
  {
    name: 'AVBL',
    argument: 'optional',
    syntax: '[<path>]',
    feature: 'AVBL',
    help: 'Bytes that an upload may have: the least that is free on any member that answers.',
    reference: 'draft-peterson-streamlined-ftp-command-extensions 4',
    async run(session, argument) {
      await requireDirectory(session, session.path(argument));
      return reply(213, String(await session.replicas.freeBytes()));
    },
  },
  {
    name: 'NETS',
    argument: 'none',
    right: 'read',
    help: 'The members of this network and how they are.',
    reference: 'Cloudroid',
    run: members,
  },
  {
    name: 'SITE NETS',
    argument: 'none',
    right: 'read',
    help: 'The same as NETS, for clients that pass only SITE on.',
    reference: 'Cloudroid',
    run: members,
  },
];

function members(session: Session): Reply {
  return multilineReply(211, 'Members of this network:', session.replicas.members().map(memberLine), 'End.');
}

function memberLine({ name, address, state, reason }: MemberStatus): string {
  return `${name} (${address}): ${state}${reason === null ? '' : `, ${reason}`}`;
}

function status(session: Session): Reply {
  const { security } = session;
  const all = session.replicas.members();
  const inStep = all.filter(({ state }) => state === 'in step').length;
  return multilineReply(
    211,
    `Cloudroid on ${session.services.name}:`,
    [
      `Logged in as ${session.user ?? 'nobody'} from ${session.clientAddress}.`,
      `TYPE: ${session.representation}, MODE: Stream, STRU: File.`,
      `Control connection: ${security.encrypted ? 'TLS' : 'clear'}, data connections: ${security.protection === 'P' ? 'TLS' : 'clear'}.`,
      session.transfer === null ? 'No transfer.' : session.transfer.describe(),
      `${inStep} of ${all.length} members in step.`,
    ],
    'End.',
  );
}

async function statusOfPath(session: Session, argument: string): Promise<Reply> {
  const path = session.path(withoutFlags(argument));
  const now = Date.now();
  const lines: string[] = [];
  const over = new AbortController();
  try {
    const { open } = await listedEntries(session, path);
    for await (const page of await open(over.signal)) {
      for (const entry of page.slice(0, MOST_STAT_LINES + 1 - lines.length)) {
        lines.push(listLine(entry, now).slice(0, -'\r\n'.length));
      }
      if (lines.length > MOST_STAT_LINES) break;
    }
  } finally {
    over.abort();
  }
  if (lines.length > MOST_STAT_LINES) lines.splice(MOST_STAT_LINES, 1, 'There is more: use LIST.');
  return multilineReply(213, `Status of ${path}:`, lines, 'End.');
}
