/** The upkeep of a member's own replica (protocol-upkeep.ts), as calls. */
import type { PeerLink } from './peer-link.ts';
import type {
  Adoption,
  AdoptionOutcome,
  DamageReport,
  FileOnDisk,
  Forgotten,
  PlacedEntry,
  Unknown,
  UpkeepCalls,
  UpkeepChange,
  UpkeepState,
} from './protocol-upkeep.ts';
import { replyWith } from './reply-checks.ts';
import { encodeText, parseObject } from './wire.ts';

export class UpkeepClient implements UpkeepCalls {
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  async files(after: string): Promise<FileOnDisk[]> {
    return await this.#link.all(`/files/${encodeText(after)}`, parseLine<FileOnDisk>);
  }

  async folder(dir: string): Promise<PlacedEntry[]> {
    return await this.#link.all(`/disk/${encodeText(dir)}`, parseLine<PlacedEntry>);
  }

  async missing(after: string): Promise<FileOnDisk[]> {
    return await this.#link.all(`/missing/${encodeText(after)}`, parseLine<FileOnDisk>);
  }

  async forget(forgotten: readonly Forgotten[]): Promise<number> {
    const parse = (text: string) => replyWith<{ ended: number }>(text, { ended: 'number' });
    return (await this.#link.site('FORGET', { forgotten }, parse)).ended;
  }

  async damaged(report: DamageReport): Promise<boolean> {
    const parse = (text: string) => replyWith<{ quarantined: boolean }>(text, { quarantined: 'boolean' });
    return (await this.#link.site('DAMAGED', report, parse)).quarantined;
  }

  async discard(unknown: Unknown): Promise<boolean> {
    const parse = (text: string) => replyWith<{ discarded: boolean }>(text, { discarded: 'boolean' });
    return (await this.#link.site('DISCARD', unknown, parse)).discarded;
  }

  async repair(sha256: string): Promise<number> {
    const parse = (text: string) => replyWith<{ repaired: number }>(text, { repaired: 'number' });
    return (await this.#link.site('REPAIR', { sha256 }, parse)).repaired;
  }

  async remakeFolder(path: string): Promise<void> {
    await this.#link.site('REMAKE', { path }, () => undefined);
  }

  async adopt(adoption: Adoption): Promise<AdoptionOutcome> {
    const parse = (text: string) => replyWith<{ adopted: AdoptionOutcome }>(text, { adopted: 'string' });
    return (await this.#link.site('ADOPT', adoption, parse)).adopted;
  }

  async suspect(path: string): Promise<void> {
    await this.#link.site('SUSPECT', { path }, () => undefined);
  }

  async suspects(): Promise<readonly string[]> {
    const parse = (text: string) => replyWith<{ paths: readonly string[] }>(text, { paths: 'array' });
    return (await this.#link.site('SUSPECTS', {}, parse)).paths;
  }

  async state(set?: UpkeepChange): Promise<UpkeepState> {
    return await this.#link.site('UPKEEP', set === undefined ? {} : { set }, (text) =>
      replyWith<UpkeepState>(text, { scrubAfter: 'string', missing: 'number' }),
    );
  }
}

/** From our own storage server. */
function parseLine<T>(line: string): T {
  return parseObject(line) as unknown as T;
}
