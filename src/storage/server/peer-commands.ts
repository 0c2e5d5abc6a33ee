/** The FTP verbs of the peer protocol that we answer ourselves; ftp-srv's own are too trusting (ftp-srv-mended.ts). */
import { type DataConnection, reset } from '../../peers/data-connection.ts';
import { decodeJson } from '../../peers/wire.ts';
import type { StagingWriter } from '../store-api.ts';
import type { PassivePort } from './passive-port.ts';
import type { PeerTree } from './peer-tree.ts';
import { type Answer, answerJson } from './server-answer.ts';
import type { SitePeer, SiteServices } from './site-handler.ts';
import { runSiteVerb } from './site-verbs.ts';
import { receive, send } from './transfers.ts';

/** What a command without a data connection may use. */
export interface PlainContext {
  readonly services: SiteServices;
  readonly peer: SitePeer;
  readonly tree: PeerTree;
}

/** What a command of one connection may use. */
export interface CommandContext extends PlainContext {
  readonly port: PassivePort;
  /** Offset of the last REST, used once. */
  restart: number;
  say(answer: Answer): void;
}

type Command = (argument: string, context: CommandContext, aborted: AbortSignal) => Promise<Answer>;

/** How long an EPSV may take to be followed by a connection. */
const CLAIM_MS = 10_000;

/** Those that need no data connection. */
export const plainCommands: {
  readonly [verb: string]: (argument: string, context: PlainContext) => Promise<Answer>;
} = {
  async SITE(argument, { services, peer }) {
    const [verb = '', encoded, ...more] = argument.split(' ');
    if (more.length > 0) return { code: 501, text: 'One argument, base64url.' };
    const request = encoded === undefined || encoded === '' ? {} : decodeJson(encoded);
    const reply = await runSiteVerb(verb.toUpperCase(), request, services, peer);
    return reply === undefined ? { code: 502, text: 'No such SITE verb.' } : answerJson(reply);
  },

  async SIZE(argument, { tree }) {
    return { code: 213, text: String((await tree.get(argument)).size) };
  },

  async DELE(argument, { tree, services }) {
    services.chains.dropped(idOf(argument) ?? '');
    await tree.delete(argument);
    return { code: 250, text: 'Gone.' };
  },
};

export const peerCommands: { readonly [verb: string]: Command } = {
  ...plainCommands,

  async EPSV(argument, { port }) {
    if (argument !== '' && !/^(?:1|2|ALL)$/i.test(argument)) return { code: 522, text: 'Use (1,2)' };
    return { code: 229, text: `Extended passive mode (|||${await port.open()}|)` };
  },

  async REST(argument, context) {
    if (!/^\d{1,15}$/.test(argument)) return { code: 501, text: 'REST takes a number of bytes.' };
    context.restart = Number(argument);
    return { code: 350, text: `Next transfer begins at ${argument}.` };
  },

  STOR: (argument, context, aborted) => store(argument, false, context, aborted),
  APPE: (argument, context, aborted) => store(argument, true, context, aborted),

  async RETR(argument, context, aborted) {
    const start = takeRestart(context);
    // Refused before anybody waits for the data connection, and with the port free again.
    const source = await context.tree.read(argument, { start }).catch((error: unknown) => {
      context.port.close('the file was refused');
      throw error;
    });
    let data: DataConnection;
    try {
      data = await context.port.claim(CLAIM_MS);
    } catch (error) {
      source.destroy();
      throw error;
    }
    context.say({ code: 150, text: 'Here it comes.' });
    await send(source, data, aborted);
    return { code: 226, text: 'Sent.' };
  },

  async ABOR(_argument, { port }) {
    port.close('ABOR');
    return { code: 226, text: 'Nothing is running.' };
  },
};

/** What came before a failure stays in staging: the next try goes on behind it. */
async function store(path: string, append: boolean, context: CommandContext, aborted: AbortSignal) {
  const { services, peer, port, tree } = context;
  const start = takeRestart(context);
  const data = await port.claim(CLAIM_MS);
  let writer: StagingWriter;
  let signal = aborted;
  try {
    const id = append ? null : idOf(path);
    const link = id === null ? null : services.chains.receiving(id, peer.member);
    writer = await tree.write(path, { append, start }).catch((error: unknown) => {
      link?.refused();
      throw error;
    });
    if (link !== null) {
      writer = await link.relay(writer, start);
      signal = AbortSignal.any([aborted, link.stopped]);
    }
  } catch (error) {
    reset(data);
    throw error;
  }
  try {
    context.say({ code: 150, text: 'Send it.' });
    await receive(data, writer, signal);
    return { code: 226, text: JSON.stringify(await writer.end()) };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Of a path in staging. */
function idOf(path: string): string | null {
  return /^\/staging\/([A-Za-z0-9_-]{8,80})$/.exec(path)?.[1] ?? null;
}

function takeRestart(context: CommandContext): number {
  const { restart } = context;
  context.restart = 0;
  return restart;
}
